#!/usr/bin/env python3
"""Measures how soon a training ends after one of its ranks is killed, and whether the dead rank is named.

usage: lost_rank.py --run RUN [--reprise build/bin/reprise] [--config configs/runs/tiny.pbtxt] [--ranks 3] [--rounds 10]

RUN holds shards/ and tokenizer/ of the config. Each round trains there anew, kills one rank with SIGKILL at a random
moment of the steps, and takes the time until the error names it and until every process is gone.
"""

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


def children(process):
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        found += [int(word) for word in task.read_text().split()]
    return found


def one_round(options, generator):
    folder = Path(tempfile.mkdtemp(prefix="reprise_lost_"))
    for part in ("tokenizer", "shards"):
        shutil.copytree(options.run / part, folder / part)
    command = [options.reprise, "train", options.config, "--out", str(folder), "--ranks", str(options.ranks),
               "--threads", "1", "--quiet"]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    named = []

    def listen():
        for line in program.stderr:
            if "has died" in line:
                named.append(time.monotonic())

    listener = threading.Thread(target=listen)
    listener.start()
    log = folder / "run.log"
    while not log.exists() or log.stat().st_size < 8000:
        if program.poll() is not None:
            sys.exit("error: the run ended before the kill")
        time.sleep(0.01)
    time.sleep(generator.random() * 2)
    ranks = children(children(program.pid)[0])
    start = time.monotonic()
    os.kill(generator.choice(ranks), signal.SIGKILL)
    program.wait()
    while any(Path(f"/proc/{rank}").exists() for rank in ranks):
        time.sleep(0.005)
    ended = time.monotonic() - start
    listener.join()
    shutil.rmtree(folder)
    return (named[0] - start if named else None), ended


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--reprise", default="build/bin/reprise")
    parser.add_argument("--config", default="configs/runs/tiny.pbtxt")
    parser.add_argument("--ranks", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    generator = random.Random(1)
    rounds = [one_round(options, generator) for _ in range(options.rounds)]
    named = [first for first, _ in rounds if first is not None]
    ended = [last for _, last in rounds]
    print(f"{options.ranks} ranks, {len(rounds)} kills: named in {len(named)}; seconds to the name: "
          f"median {statistics.median(named):.2f}, most {max(named):.2f}; to the end of all: "
          f"median {statistics.median(ended):.2f}, most {max(ended):.2f}")


if __name__ == "__main__":
    main()
