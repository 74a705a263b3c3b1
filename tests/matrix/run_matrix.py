#!/usr/bin/env python3
"""Runs the matrix: the same small training in every cell of a design, and compares what comes out.

    run_matrix.py quick|full|large --source DIR --build DIR

quick and large use the build they are given. full makes three more builds below it, of the other compilers and
optimisations. Results are kept in BUILD/matrix beside a digest of the program that made them, so that a run that was
cut off goes on where it stopped. Prints every cell; ends with the number of cells, of mismatches and the hashes, and
with status 1 when there is a mismatch or a cell failed. Cells that cannot run here are named as not run.
"""

import argparse
import collections
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

Variant = collections.namedtuple("Variant", "compiler optimisation")
VARIANTS = [Variant(compiler, optimisation) for compiler in ("g++", "clang++") for optimisation in ("-O3", "-O1")]


def cache_of(build):
    """The entries of CMakeCache.txt."""
    text = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([^#/:\n]+):[A-Z]+=(.*)$", text, flags=re.MULTILINE))


def variant_of(build):
    version = subprocess.run([cache_of(build)["CMAKE_CXX_COMPILER"], "--version"], capture_output=True, text=True, check=True)
    compiler = "clang++" if "clang" in version.stdout else "g++"
    return Variant(compiler, cache_of(build)["REPRISE_KERNEL_OPTIMISATION"])


def effective_optimisation(build):
    """The last -O of every source of the numeric path, as compiled."""
    text = (build / "compile_commands.json").read_text(encoding="utf-8")
    commands = re.findall(r'"command": "(.*)"', text)
    numeric = [c for c in commands if re.search(r"/(numerics|dist|model|train)/[^ ]*\.cpp$", c) and "/tests/" not in c.split()[-1]]
    return {re.findall(r" (-O[0-9sg]\S*|-Ofast)", command)[-1] for command in numeric}


def build_variant(variant, options):
    """Configures and builds matrix_cells for `variant`; returns its build folder, or None without the compiler."""
    if variant == variant_of(options.build):
        return options.build
    if shutil.which(variant.compiler) is None:
        return None
    folder = options.build / "matrix" / (variant.compiler + variant.optimisation)
    cache = cache_of(options.build)
    subprocess.run(["cmake", "-S", str(options.source), "-B", str(folder), "-G", cache["CMAKE_GENERATOR"],
                    f"-DCMAKE_CXX_COMPILER={variant.compiler}", "-DCMAKE_BUILD_TYPE=Release",
                    f"-DCMAKE_CXX_FLAGS_RELEASE={variant.optimisation} -DNDEBUG",
                    f"-DREPRISE_KERNEL_OPTIMISATION={variant.optimisation}",
                    f"-DREPRISE_TORCH_ROOT={cache['REPRISE_TORCH_ROOT']}"], check=True, stdout=subprocess.DEVNULL)
    if effective_optimisation(folder) != {variant.optimisation}:
        raise SystemExit(f"{folder}: compiled with {effective_optimisation(folder)}, not with {variant.optimisation}")
    done = subprocess.run(["cmake", "--build", str(folder), "--target", "matrix_cells"], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise SystemExit(f"{folder} does not build:\n{done.stdout[-4000:]}")
    return folder


def run_variant(build, options):
    """Runs the cells of one build; returns {name: columns} and whether every cell finished."""
    program = build / "tests" / "matrix_cells"
    digest = hashlib.sha256(program.read_bytes()).hexdigest()[:16]
    results = options.build / "matrix" / f"{options.size}-{digest}.tsv"
    results.parent.mkdir(exist_ok=True)
    scratch = options.build / "matrix" / f"run-{os.getpid()}"
    done = subprocess.run([str(program), "run", options.size, str(results), str(scratch)], check=False)
    rows = [line.split("\t") for line in results.read_text(encoding="utf-8").splitlines()] if results.exists() else []
    return {row[0]: row[1:] for row in rows}, done.returncode == 0


def report(wanted, results, reasons):
    """Prints the totals; returns the number of mismatches."""
    hashes = collections.Counter((row[2], row[3]) for row in results.values())
    expected = hashes.most_common(1)[0][0] if hashes else None
    mismatches = [name for name, row in results.items() if (row[2], row[3]) != expected]
    wrong_target = [name for name, row in results.items() if row[1] != name.split()[2]]
    for name in mismatches:
        print(f"MISMATCH: {name}: root {results[name][2]}, run.log {results[name][3]}")
    for name in wrong_target:
        print(f"WRONG TARGET: {name} ran on {results[name][1]}")
    missing = [name for name in wanted if name not in results]
    for name in missing:
        print(f"not run: {name}: {reasons.get(name.split()[0], 'this processor lacks the target, or the cell failed')}")
    ran = collections.Counter((name.split()[2], row[0]) for name, row in results.items())
    for (target, compiler), count in sorted(ran.items()):
        print(f"{count} cells ran on {target}, compiled by {compiler}")
    print(f"killed and resumed: {sum(row[4] != '-' for row in results.values())} cells")
    print(f"cells {len(results)}, mismatches {len(mismatches)}, not run {len(missing)}")
    for root, chain in hashes:
        print(f"last checkpoint {root}\nrun.log {chain}")
    return len(mismatches) + len(wrong_target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=("quick", "full", "large"))
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    options = parser.parse_args()
    started = time.monotonic()
    listed = subprocess.run([str(options.build / "tests" / "matrix_cells"), "list", options.size], capture_output=True,
                            text=True, check=True)
    results, all_finished, reasons = {}, True, {}
    for variant in VARIANTS if options.size == "full" else [variant_of(options.build)]:
        build = build_variant(variant, options)
        if build is None:
            reasons[variant.compiler] = f"{variant.compiler} is not installed"
            continue
        rows, finished = run_variant(build, options)
        results.update(rows)
        all_finished &= finished
    wrong = report(listed.stdout.splitlines(), results, reasons)
    print(f"{time.monotonic() - started:.0f} seconds")
    return 0 if wrong == 0 and all_finished and results else 1


if __name__ == "__main__":
    sys.exit(main())
