#!/usr/bin/env python3
"""Sums up by kernel what the PTX machine counted (REPRISE_PTX_USES): instructions of warps, how many of their lanes took
part, turns of shared memory and sectors of global memory beside the fewest that the same bytes need.

    uses_table.py FILE [--instructions N]    N: also the N instructions that move most beyond the least
"""
import argparse
import collections
import json
import subprocess


def readable(names):
    """Names of functions as a C++ programmer writes them, without namespaces and arguments."""
    text = subprocess.run(["c++filt"], input="\n".join(names), stdout=subprocess.PIPE, text=True, check=True).stdout
    result = {}
    for name, line in zip(names, text.split("\n")):
        for scope in ("reprise::numerics::cuda::", "reprise::numerics::", "(anonymous namespace)::", "void "):
            line = line.replace(scope, "")
        depth, end = 0, len(line)
        for i, letter in enumerate(line):
            depth += (letter == "<") - (letter == ">")
            if letter == "(" and depth == 0 and i > 0:
                end = i
                break
        result[name] = line[:end]
    return result


class Kernel:
    def __init__(self):
        self.times = self.lanes = self.fma = 0
        self.shared, self.memory = [0, 0], [0, 0]

    def add(self, use):
        self.times += use["times"]
        self.lanes += use["lanes"]
        if use["ptx"].startswith("fma."):
            self.fma += use["times"]
        for total, added in ((self.shared, use["shared"]), (self.memory, use["global"])):
            total[0] += added[0]
            total[1] += added[1]


def ratio(pair):
    return f"{pair[0] / pair[1]:.2f}" if pair[1] else "-"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--instructions", type=int, default=0)
    arguments = parser.parse_args()
    with open(arguments.file) as file:
        uses = [json.loads(line) for line in file]
    kernels = collections.defaultdict(Kernel)
    for use in uses:
        kernels[use["kernel"]].add(use)
    names = readable(sorted(kernels))
    all_times = sum(kernel.times for kernel in kernels.values())
    fma = sum(kernel.fma for kernel in kernels.values())
    print(f"{all_times} instructions of warps, {100 * fma / all_times:.1f} % of them fused multiply-adds\n")
    print("| kernel | warp instructions | share | fma | lanes | shared memory | global memory |\n|---|---|---|---|---|---|---|")
    for name, kernel in sorted(kernels.items(), key=lambda item: -item[1].times):
        print(f"| {names[name]} | {kernel.times} | {100 * kernel.times / all_times:.1f} % "
              f"| {100 * kernel.fma / kernel.times:.0f} % | {100 * kernel.lanes / kernel.times / 32:.0f} % "
              f"| {ratio(kernel.shared)} | {ratio(kernel.memory)} |")
    wasted = [(use[memory][0] - use[memory][1], memory, use) for use in uses for memory in ("shared", "global")]
    for _, memory, use in sorted(wasted, key=lambda item: -item[0])[:arguments.instructions]:
        print(f"{names[use['kernel']]}, line {use['line']}: {use['ptx']}: {use['times']} times, {memory} memory: "
              f"{use[memory][0]} moved, {use[memory][1]} at the least")


if __name__ == "__main__":
    main()
