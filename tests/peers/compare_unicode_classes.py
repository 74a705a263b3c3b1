#!/usr/bin/env python3
"""Compares data_pipeline/src/unicode_tables.cpp and letter_case_tables.cpp with Hugging Face tokenizers, on every code point.

A character is a letter when it stays in one piece with "a", a number with "1", white space with a tab, else with "!". Its case is
what an expression of its engine matches.
Prints the number of code points compared; exits 1 with the first differences. Needs tokenizers==0.23.3.
"""

import pathlib
import re
import sys

from tokenizers import Regex, pre_tokenizers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "data_pipeline" / "src"
CASES = {"U": r"[\p{Lu}\p{Lt}]+", "L": r"\p{Ll}+", "E": r"[\p{Lm}\p{Lo}\p{M}]+"}


def our_classes(name):
    classes = ["O"] * 0x110000
    for first, last, kind in re.findall(r"\{0x([0-9A-F]+), 0x([0-9A-F]+), k([A-Z])\}", (FOLDER / name).read_text()):
        for code_point in range(int(first, 16), int(last, 16) + 1):
            classes[code_point] = kind
    return classes


def main():
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    probes = (("a", "L"), ("1", "N"), ("!", "O"), ("\t", "S"))
    ours, differences, compared = our_classes("unicode_tables.cpp"), [], 0
    cases = our_classes("letter_case_tables.cpp")
    matchers = {kind: pre_tokenizers.Split(Regex(expression), "removed") for kind, expression in CASES.items()}
    for code_point in range(0x110000):
        if 0xD800 <= code_point <= 0xDFFF:
            continue
        theirs = [kind for probe, kind in probes if len(splitter.pre_tokenize_str(probe + chr(code_point))) == 1]
        compared += 1
        if theirs != [ours[code_point]]:
            differences.append(f"U+{code_point:04X}: ours {ours[code_point]}, theirs {theirs}")
        case = [kind for kind, matcher in matchers.items() if not matcher.pre_tokenize_str(chr(code_point))] or ["O"]
        if case != [cases[code_point]]:
            differences.append(f"U+{code_point:04X}: case ours {cases[code_point]}, theirs {case}")
    print(f"{compared} code points, {len(differences)} differences")
    if differences:
        sys.exit("\n".join(differences[:20]))


if __name__ == "__main__":
    main()
