#!/usr/bin/env python3
"""Runs scripts/gpu/check.py where the GPU's part is taken by the PTX of the kernels, executed on the host.

usage: check_gpu_check.py --source REPOSITORY --nccl LIBRARY CONFORMANCE_ON_PTX REPRISE_ON_PTX
Its small steps only; those that run must pass. One core takes under a minute.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

STEPS = {1, 2, 3, 6, 11, 13, 15}
OVER_NCCL = {12, 14}


def check(options, folder):
    programs = folder / "bin"
    programs.mkdir()
    for name, program in (("reprise_conformance", options.conformance), ("reprise", options.reprise)):
        (programs / name).symlink_to(program)
    # The pretended LibTorch on a GPU is in the program; what is named here only has to be there.
    environment = {**os.environ, "REPRISE_TORCH_CUDA_LIBRARY": str(options.conformance)}
    steps = set(STEPS)
    if options.nccl.exists():  # built where nccl.h is
        steps |= OVER_NCCL
        environment.update({"REPRISE_NCCL_LIBRARY": str(options.nccl), "REPRISE_CUDART_LIBRARY": str(options.nccl),
                            "NCCL_DOUBLE_FOLDER": str(folder), "NCCL_DOUBLE_OTHER_MEMORY": "1"})
    done = subprocess.run(
        [sys.executable, options.source / "scripts/gpu/check.py", folder / "out", "--bin", programs, "--steps",
         ",".join(map(str, sorted(steps))), "--config", options.source / "tests/data/small.pbtxt", "--set",
         "train.num_steps=6", "--set", "eval.num_checkpoints=2"], env=environment)
    summary = json.loads((folder / "out/summary.json").read_text())
    passed = {row["step"] for row in summary["steps"] if row["result"] == "pass"}
    if done.returncode != 0 or passed != steps | {0}:
        sys.exit(f"exit code {done.returncode}, passed {sorted(passed)} of {sorted(steps)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--nccl", type=Path, required=True)
    parser.add_argument("conformance", type=Path)
    parser.add_argument("reprise", type=Path)
    with tempfile.TemporaryDirectory() as folder:
        check(parser.parse_args(), Path(folder))


if __name__ == "__main__":
    main()
