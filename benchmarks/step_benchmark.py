#!/usr/bin/env python3
"""Times `reprise bench step` beside PyTorch on the same shapes, in alternating rounds, and prints ratios of medians.

usage: step_benchmark.py --python PYTHON [--reprise build/bin/reprise] [--rounds 5] [--threads 2] [--shapes NAME,...]
                         [--peers eager,compile] [--malloc tuned,installed] [--native] [--json OUT]
PYTHON is an interpreter with torch 2.11. A peer whose malloc is "tuned" keeps its memory and has huge pages, which is
fair; "installed" is what one gets without a thought.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

SHAPES = {  # hidden, layers, heads, feed-forward, vocabulary, sequence length, sequences
    "d256": (256, 6, 4, 768, 8192, 256, 16),
    "d512x8": (512, 8, 8, 1536, 8192, 256, 16),
    "seq128": (256, 6, 4, 768, 8192, 128, 32),
    "seq1024": (256, 6, 4, 768, 8192, 1024, 4),
    "seq2048": (256, 6, 4, 768, 8192, 2048, 2),
    "tiny": (128, 4, 4, 384, 4096, 256, 8),
}
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


def run(command, environment):
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout[done.stdout.index("{"):])


def contestants(options, shape):
    sizes = [str(size) for size in shape]
    steps = str(options.steps)
    ours = [options.reprise, "bench", "step", "--json", "--threads", str(options.threads), "--steps",
            str(options.steps + 1), "--shape", ",".join(sizes)]
    table = {"exact": (ours, {})}
    if options.native:
        table["native"] = (ours + ["--profile", "native"], {})
    peer = str(Path(__file__).with_name("torch_step.py"))
    for mode in filter(None, options.peers.split(",")):
        for malloc in options.malloc.split(","):
            command = [options.python, peer, mode, *sizes, steps, str(options.threads)]
            table[f"{mode} ({malloc})"] = (command, TUNED if malloc == "tuned" else {})
    return table


def measure(options, name):
    table = contestants(options, SHAPES[name])
    results = {who: [] for who in table}
    for _ in range(options.rounds):
        for who, (command, environment) in table.items():
            results[who].append(run(command, environment))
    exact = [result["tokens_per_second"] for result in results["exact"]]
    print(f"\n{name}: {SHAPES[name]}, {options.threads} threads, {options.rounds} rounds", flush=True)
    print(f"{'':22} {'tokens/s':>9} {'from':>7} {'to':>7} {'exact is':>9} {'from':>6} {'to':>6} {'memory GB':>10}")
    for who, runs in results.items():
        rates = [result["tokens_per_second"] for result in runs]
        ratios = [ours / theirs for ours, theirs in zip(exact, rates)]
        memory = max(result["peak_memory_bytes"] for result in runs) / 1e9
        ratio = statistics.median(exact) / statistics.median(rates)
        print(f"{who:22} {statistics.median(rates):9.0f} {min(rates):7.0f} {max(rates):7.0f} {ratio:8.2f}x "
              f"{min(ratios):6.2f} {max(ratios):6.2f} {memory:10.2f}", flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True)
    parser.add_argument("--reprise", default="build/bin/reprise")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6, help="timed steps of each run")
    parser.add_argument("--shapes", default="d256")
    parser.add_argument("--peers", default="eager,compile")
    parser.add_argument("--malloc", default="tuned,installed")
    parser.add_argument("--native", action="store_true", help="our native profile too")
    parser.add_argument("--json", help="write every figure here")
    options = parser.parse_args()
    unknown = [name for name in options.shapes.split(",") if name not in SHAPES]
    if unknown:
        parser.error(f"unknown shape {unknown[0]}; there are {', '.join(SHAPES)}")
    results = {name: measure(options, name) for name in options.shapes.split(",")}
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
