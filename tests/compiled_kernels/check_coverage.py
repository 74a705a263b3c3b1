#!/usr/bin/env python3
"""Says how much of the compiled kernels the tests executed; exit code 1 when a kernel was never executed.

    check_coverage.py FILE...    what tests wrote to REPRISE_PTX_COVERAGE: lines of a kernel's name and a digit for each
                                 of its instructions, 1 where it was executed
"""
import sys


def executed_by_any(paths):
    kernels = {}
    for path in paths:
        with open(path) as file:
            for line in file:
                name, digits = line.split()
                one, other = int(digits, 2), int(kernels.get(name, "0"), 2)
                kernels[name] = format(one | other, f"0{len(digits)}b")
    return kernels


def main(paths):
    kernels = executed_by_any(paths)
    total = sum(len(digits) for digits in kernels.values())
    executed = sum(digits.count("1") for digits in kernels.values())
    never = [name for name, digits in kernels.items() if "1" not in digits]
    if not kernels:
        print("no kernels: the tests before this one wrote nothing")
        return 1
    print(f"{len(kernels) - len(never)} of {len(kernels)} kernels executed, {executed} of {total} instructions "
          f"({100 * executed / total:.1f} %)")
    by_missing = sorted(kernels.items(), key=lambda item: -item[1].count("0"))
    for name, digits in by_missing[:10]:
        print(f"{digits.count('0'):6} of {len(digits):6} not executed: {name}")
    for name in never:
        print(f"never executed: {name}")
    return 1 if never else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
