#!/usr/bin/env python3
"""Measures what checkpoints cost a training of tiny's shape, and how long a resume takes to its first step.

usage: checkpoint_overhead.py [--reprise build/bin/reprise] [--config configs/runs/tiny.pbtxt] [--steps 100]
                              [--rounds 5] [--ranks 1,2] [--scratch DIR] [--json OUT]

Two schedules take turns: a checkpoint every 10 steps (moments every 20), and one every 25, the rarest there is. Their
difference divided by the checkpoints that it is made of is the price of one; the overhead is that price over the time
of the 10 steps that it goes with. Seconds of wall clock suffer from whatever else the machine does; seconds of all
processors together (user and system) hardly do.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OFTEN = (10, 20)
SELDOM = (25, 25)


def checkpoints(interval, steps):
    return len({0, steps, *range(0, steps + 1, interval)})


def schedule_flags(schedule, steps):
    values = {"num_steps": steps, "checkpoints.interval": schedule[0], "checkpoints.anchor_interval": schedule[1],
              "checkpoints.per_doubling": 0}
    return [word for name, value in values.items() for word in ("--set", f"train.{name}={value}")]


def fresh_folder(options, name):
    folder = options.scratch / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for part in ("tokenizer", "shards"):
        shutil.copytree(options.scratch / "prepared" / part, folder / part, copy_function=os.link)
    return folder


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def train(options, schedule, ranks):
    folder = fresh_folder(options, "run")
    command = [options.reprise, "train", options.config, "--out", str(folder), "--ranks", str(ranks), "--threads",
               str(max(1, options.cores // ranks)), "--json", "--quiet", *schedule_flags(schedule, options.steps)]
    before = processor_seconds()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} failed:\n{done.stderr}")
    used = processor_seconds() - before
    return json.loads(done.stdout[done.stdout.index("{"):])["seconds"], used


def overhead(options, ranks):
    often, seldom = [], []
    for _ in range(options.rounds):  # in turns
        often.append(train(options, OFTEN, ranks))
        seldom.append(train(options, SELDOM, ranks))
    more = checkpoints(OFTEN[0], options.steps) - checkpoints(SELDOM[0], options.steps)
    row = {"ranks": ranks}
    for index, clock in ((0, "wall"), (1, "processor")):
        price = statistics.median((a[index] - b[index]) / more for a, b in zip(often, seldom))
        base = statistics.median(b[index] for b in seldom) - checkpoints(SELDOM[0], options.steps) * price
        row[clock] = {"seconds_without": base, "seconds_per_checkpoint": price,
                      "overhead": price / (10 * base / options.steps)}
    return row


def resume_seconds(options, ranks):
    folder = fresh_folder(options, "resumed")
    flags = ["--ranks", str(ranks), "--threads", str(max(1, options.cores // ranks)), "--quiet"]
    log = folder / "run.log"
    first = subprocess.Popen([options.reprise, "train", options.config, "--out", str(folder), *flags],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not log.exists() or log.stat().st_size < 4000:
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)  # saves a recovery checkpoint, so that no step is computed twice
    first.wait()
    size = log.stat().st_size
    start = time.monotonic()
    second = subprocess.Popen([options.reprise, "train", "--resume", str(folder), *flags],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while log.stat().st_size <= size:
        if second.poll() is not None:
            sys.exit("error: the resumed run ended before its first step")
        time.sleep(0.002)
    seconds = time.monotonic() - start
    second.send_signal(signal.SIGTERM)
    second.wait()
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reprise", default="build/bin/reprise")
    parser.add_argument("--config", default="configs/runs/tiny.pbtxt")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    kept = options.scratch is not None
    options.scratch = options.scratch or Path(tempfile.mkdtemp(prefix="reprise_overhead_"))
    if not (options.scratch / "prepared" / "shards").exists():
        subprocess.run([options.reprise, "data", "build", options.config, "--out", str(options.scratch / "prepared")],
                       check=True, stdout=subprocess.DEVNULL)
    rows = []
    for ranks in map(int, options.ranks.split(",")):
        row = overhead(options, ranks)
        row["resume_seconds"] = statistics.median(resume_seconds(options, ranks) for _ in range(options.rounds))
        rows.append(row)
        for clock in ("wall", "processor"):
            figures = row[clock]
            print(f"{ranks} ranks, {clock:9}: {figures['seconds_without']:7.2f} s for {options.steps} steps, "
                  f"{figures['seconds_per_checkpoint'] * 1000:7.1f} ms a checkpoint, overhead {figures['overhead']:.1%}")
        print(f"{ranks} ranks: resume to the first step {row['resume_seconds']:.2f} s", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    if not kept:
        shutil.rmtree(options.scratch)


if __name__ == "__main__":
    main()
