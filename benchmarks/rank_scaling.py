#!/usr/bin/env python3
"""Times `reprise train` on one rank, two threads and two ranks, in alternating rounds, and prints ratios of medians.

usage: rank_scaling.py --run RUN [--reprise build/bin/reprise] [--steps 60] [--rounds 5] [--set FIELD=VALUE ...]
RUN is a run folder with shards, tokenizer and recipe.pbtxt. Every contestant must leave the same run.log.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CONTESTANTS = {
    "1 rank, 1 thread": (1, 1, 0),
    "1 rank, 2 threads": (1, 2, 0),
    "2 ranks, 1 thread": (2, 1, 0),
    "2 ranks, 1 thread, in parts": (2, 1, 256),
}


def train(options, folder, ranks, threads, bucket_kib):
    run = Path(folder) / "run"
    run.mkdir()
    for name in ("shards", "tokenizer"):
        (run / name).symlink_to((Path(options.run) / name).resolve())
    command = [options.reprise, "train", str(Path(options.run) / "recipe.pbtxt"), "--out", str(run), "--ranks", str(ranks),
               "--threads", str(threads), "--json", "--quiet", "--set", f"train.num_steps={options.steps}",
               "--set", "train.checkpoints.interval=20", "--set", "train.checkpoints.anchor_interval=20",
               "--set", "train.checkpoints.per_doubling=0", "--set", f"runtime.bucket_kib={bucket_kib}"]
    for override in options.overrides:
        command += ["--set", override]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} failed:\n{done.stderr}")
    summary = json.loads(done.stdout[done.stdout.index("{"):])
    shown = subprocess.run([options.reprise, "log", "show", str(run), "--session", "--json"], capture_output=True, text=True)
    events = [event["figures"] for event in json.loads(shown.stdout) if event["kind"] == "step"]
    seconds = sum(event["seconds"] for event in events)
    return {
        "tokens_per_second": summary["tokens_per_second"],
        "exchange_share": sum(event["exchange_seconds"] for event in events) / seconds,
        "bytes_per_step": [events[-1].get(f"bytes_sent_rank_{rank}", 0) / options.steps for rank in range(ranks)],
        "run_log": hashlib.sha256((run / "run.log").read_bytes()).hexdigest(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True)
    parser.add_argument("--reprise", default="build/bin/reprise")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    options = parser.parse_args()
    results = {name: [] for name in CONTESTANTS}
    for _ in range(options.rounds):
        for name, contestant in CONTESTANTS.items():
            with tempfile.TemporaryDirectory() as folder:
                results[name].append(train(options, folder, *contestant))
    logs = {result["run_log"] for rounds in results.values() for result in rounds}
    if len(logs) != 1:
        sys.exit(f"error: run.log differs between contestants: {sorted(logs)}")
    base = [result["tokens_per_second"] for result in results["1 rank, 1 thread"]]
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores; run.log {logs.pop()[:16]} of all")
    for name, rounds in results.items():
        rates = [result["tokens_per_second"] for result in rounds]
        ratios = [rate / one for rate, one in zip(rates, base)]
        print(f"| {name} | {statistics.median(rates):.0f} | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) "
              f"| {statistics.median(result['exchange_share'] for result in rounds):.1%} "
              f"| {', '.join(f'{value / 1e6:.2f}' for value in rounds[0]['bytes_per_step'])} |")


main()
