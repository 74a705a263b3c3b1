#!/usr/bin/env python3
"""Clauses [C-1], [C-3] and [C-28] looked for in what was built: compile commands, sources and machine code.

    check_objects.py --source DIR --build DIR ARCHIVE...

The numeric path is every source and archive of core, numerics, dist, model and train. Prints one line per violation and
ends with status 1, or says what was looked at. The rules are functions that check_objects_test.py runs on violations
made for the purpose.
"""

import argparse
import json
import pathlib
import re
import shlex
import subprocess
import sys

NUMERIC_PATH = ("core/", "numerics/", "dist/", "model/", "train/", "tests/unit/numerics/")

# Options that allow a compiler to change values: reassociation, reciprocals, x87, approximations, other contraction.
FORBIDDEN_OPTIONS = re.compile(
    r"-(Ofast|ffast-math|funsafe-math-optimizations|fassociative-math|freciprocal-math|ffinite-math-only"
    r"|fno-signed-zeros|fcx-limited-range|fcx-fortran-rules|mfpmath=.*387.*|mrecip.*|ffp-model=(fast|aggressive)"
    r"|fapprox-func|fdenormal-fp-math=(?!ieee).*|mdaz-ftz|ftz|fopenmp|fopenmp-simd|ftree-parallelize-loops=.*"
    r"|fsingle-precision-constant|fexcess-precision=fast)"
)

# Sums in an order that nobody wrote down.
FORBIDDEN_SOURCE = {
    "a reduction of OpenMP": re.compile(r"#\s*pragma\s+(omp|GCC\s+ivdep|clang\s+loop)\b.*\breduction\b|#\s*pragma\s+omp\b"),
    "an atomic floating-point number": re.compile(r"\batomic(_ref)?\s*<\s*(float|double|long double)\s*>"),
    "an unordered sum": re.compile(r"\bstd::(transform_)?reduce\b|\bstd::execution::|\bexecution::(par|par_unseq|unseq)\b"),
    "an option that changes values": re.compile(
        r"#\s*pragma\s+(STDC\s+FP_CONTRACT\s+(ON|DEFAULT)|GCC\s+optimize|clang\s+fp|float_control)"
        r"|__attribute__\s*\(\(\s*optimize"),
}

FUSED = re.compile(r"vfn?m(add|sub|addsub|subadd)(132|213|231)?[ps][sdh]")
APPROXIMATE = re.compile(r"v?(rcp|rsqrt)(14|28)?[ps][sdh]$|vexp2p[sd]$|vreduce[ps][sd]$")
X87 = re.compile(r"f(ld|st|add|mul|div|sub|sqrt|sin|cos|i?ld|i?st|com|uc?om|ab|ch|2xm1|yl2x|patan|ptan|scale|prem)[a-z0-9]*$")
# Namespaces of the variants that have a fused multiply-add instruction. Others call fma and fmaf.
FUSED_VARIANTS = re.compile(r"\bN_AVX(2|3)\b|\d+N_AVX[23]")


def option_violations(commands, source):
    """Every source of the numeric path is compiled without contraction and without value-changing options."""
    found, seen = [], 0
    for entry in commands:
        file = pathlib.PurePath(entry["file"])
        if not file.is_relative_to(source) or not str(file.relative_to(source)).startswith(NUMERIC_PATH):
            continue
        seen += 1
        options = shlex.split(entry["command"])
        contraction = [o for o in options if o.startswith("-ffp-contract=")]
        if not contraction or contraction[-1] != "-ffp-contract=off":
            found.append(f"{file}: -ffp-contract=off is not the last word: {contraction}")
        found += [f"{file}: {option}" for option in options if FORBIDDEN_OPTIONS.fullmatch(option)]
    if seen == 0:
        found.append("no source of the numeric path is among the compile commands: the check looked at the wrong place")
    return found


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), re.sub(r"//[^\n]*", "", text), flags=re.DOTALL)


def source_violations(path, text):
    found = []
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        found += [f"{path}:{number}: {what}: {line.strip()}" for what, rule in FORBIDDEN_SOURCE.items() if rule.search(line)]
    return found


def code_violations(name, disassembly):
    """`disassembly` is the output of objdump -d --no-show-raw-insn."""
    found, function, functions = [], "?", 0
    for line in disassembly.splitlines():
        if line.endswith(">:"):
            function, functions = line[line.index("<") + 1 : -2], functions + 1
            continue
        parts = line.split("\t")
        if len(parts) < 2 or not parts[1].split():
            continue
        instruction = parts[1].split()[0]
        if FUSED.fullmatch(instruction) and not FUSED_VARIANTS.search(function):
            found.append(f"{name}: {function}: {instruction} outside the AVX2 and AVX-512 kernels")
        if APPROXIMATE.match(instruction):
            found.append(f"{name}: {function}: {instruction} is an approximation")
        if X87.match(instruction):
            found.append(f"{name}: {function}: {instruction} rounds to another format")
    if functions == 0:
        found.append(f"{name}: no function was disassembled")
    return found


def fused_is_used(disassembly):
    return FUSED.search(disassembly) is not None


def disassemble(path):
    done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True, check=True)
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("archives", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    commands = json.loads((options.build / "compile_commands.json").read_text(encoding="utf-8"))
    found = option_violations(commands, options.source)
    sources = [path for folder in NUMERIC_PATH if not folder.startswith("tests") for suffix in ("*.cpp", "*.h")
               for path in sorted((options.source / folder).rglob(suffix))]
    for path in sources:
        found += source_violations(path.relative_to(options.source), path.read_text(encoding="utf-8"))
    for path in options.archives:
        code = disassemble(path)
        found += code_violations(path.name, code)
        if path.name == "libreprise_numerics.a" and not fused_is_used(code):
            found.append("the numerics hold no fused multiply-add at all: the check looked at the wrong archive")
    print("\n".join(found) if found else
          f"nothing found in {len(commands)} compile commands, {len(sources)} sources and {len(options.archives)} archives")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
