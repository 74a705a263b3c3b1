"""Stands for each program that scripts/gpu/check.py starts, by the name it is called by.

PRETEND holds rules "PATTERN => ACTION", one a line: a call that matches ends with that exit code, or hangs.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

name, words = Path(sys.argv[0]).name, sys.argv[1:]
call = " ".join([name, *words])


def misbehave():
    for rule in os.environ.get("PRETEND", "").splitlines():
        pattern, action = rule.split(" => ")
        if not re.search(pattern, call):
            continue
        if action == "hang":  # with a child in a process group of its own, as ranks are
            subprocess.Popen(["sleep", os.environ["PRETENDED_NAP"]], preexec_fn=os.setpgrp)
            print("operators: 50 of 90 cells", flush=True)
            time.sleep(600)
        print(f"error[device]: {name} ends with {action}\nhint: none", file=sys.stderr)
        sys.exit(int(action))


def after(flag, default=None):
    return words[words.index(flag) + 1] if flag in words else default


def conformance():
    report = {"device": f"cuda: pretended {after('--device')}", "mismatches": 0}
    if after("--cells") != "0":
        report["operators"] = {"operators": 15, "cells": int(after("--cells", "600")), "mismatches": 0}
    if after("--functions") != "none":
        report["functions"] = [{"name": "exp", "inputs": after("--functions", "all"), "same": True}]
    if after("--steps") != "0":
        report["training"] = {"digests": [{"steps": int(after("--steps", "1000")), "same": True}]}
    if after("--native-steps") != "0":
        near = "far" not in os.environ.get("PRETENDED_REPORT", "")
        report["native"] = {"runs": [{"model": "decoder", "type": "float32", "same": True, "near": near}]}
    if "cell" in os.environ.get("PRETENDED_REPORT", "") and "operators" in report:
        report["operators"].update({"mismatches": 2, "differences": ["cell 7: gemm", "cell 8: gemm"]})
    print(json.dumps(report))
    sys.exit("differences" in str(report) or "False" in str(report))


def reprise():
    if words[0] in ("data", "train"):
        out = Path(after("--out"))
        out.mkdir(parents=True, exist_ok=True)
        other = "runtime.device=cuda" in call and os.environ.get("PRETENDED_LOG")
        (out / "run.log").write_text(other or "the CPU's")
    if words[:2] == ["log", "diff"]:
        print("120 step(s) are the same")
    if words[0] == "checkpoint":
        print(' "root": "0123"')
    if words[0] == "eval":
        print('{"bits_per_byte": 4.25}')
    if words[:2] == ["log", "show"]:
        print('"exchange": "gpus"')


misbehave()
if name == "reprise_conformance":
    conformance()
elif name == "reprise":
    reprise()
elif name == "compute-sanitizer":
    if "PRETENDED_REFUSAL" in os.environ:
        print(f"========= Error: {os.environ['PRETENDED_REFUSAL']}")
        sys.exit(1)
    program = next(index for index, word in enumerate(words) if word.endswith("reprise_conformance"))
    sys.exit(subprocess.call(words[program:]))
elif name == "nvidia-smi":
    print("NVIDIA-SMI 580")
