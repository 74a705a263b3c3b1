#!/usr/bin/env python3
"""Writes data_pipeline/src/unicode_tables.cpp: which code points are letters, numbers and white space.

The tables are part of what a published root depends on, so they are generated into the tree and carry their Unicode
version instead of coming from a library at run time. The version is the one that the reference tokeniser (Hugging Face
tokenizers 0.23.3) uses: all 1,112,064 scalar values fall into the same class there (tests/peers/compare_unicode_classes.py).

    python3 -m venv venv && venv/bin/pip install unicodedata2==16.0.0
    venv/bin/python scripts/generate_unicode_tables.py [--check]
"""

import argparse
import pathlib
import sys

UNICODE_VERSION = "16.0.0"
TARGET = pathlib.Path(__file__).resolve().parent.parent / "data_pipeline" / "src" / "unicode_tables.cpp"


def class_of(code_point, category):
    """Returns the initial of the enumerator: L letter, N number, S white space (property White_Space), O other."""
    general = category(chr(code_point))
    if general[0] in "LN":
        return general[0]
    # White_Space is exactly the separators and these controls (PropList.txt).
    if general[0] == "Z" or code_point in (0x9, 0xA, 0xB, 0xC, 0xD, 0x85):
        return "S"
    return "O"


def ranges(category):
    """Returns [first, last, class] for each maximal run of code points that are not of the class other."""
    result = []
    for code_point in range(0x110000):
        kind = class_of(code_point, category)
        if kind == "O":
            continue
        if result and result[-1][1] == code_point - 1 and result[-1][2] == kind:
            result[-1][1] = code_point
        else:
            result.append([code_point, code_point, kind])
    return result


def render(rows):
    names = {"L": "kLetter", "N": "kNumber", "S": "kSpace"}
    cells = [f"{{0x{first:X}, 0x{last:X}, k{kind}}}," for first, last, kind in rows]
    lines, line = [], "   "
    for cell in cells:
        if len(line) + 1 + len(cell) > 120:
            lines.append(line)
            line = "   "
        line += " " + cell
    lines.append(line)
    constants = "".join(f"constexpr CharacterClass k{k} = CharacterClass::{v};\n" for k, v in names.items())
    return (
        f"// Made by scripts/generate_unicode_tables.py from Unicode {UNICODE_VERSION}; do not edit.\n"
        f'#include "unicode_classes.h"\n\nnamespace reprise::data {{\nnamespace {{\n\n{constants}\n'
        f"// clang-format off\nconstexpr ClassRange kRanges[] = {{\n" + "\n".join(lines) + "\n};\n// clang-format on\n\n"
        "}  // namespace\n\n"
        f'const char* unicode_version() {{ return "{UNICODE_VERSION}"; }}\n\n'
        "std::span<const ClassRange> class_ranges() { return kRanges; }\n\n}  // namespace reprise::data\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    arguments = parser.parse_args()
    import unicodedata2

    if unicodedata2.unidata_version != UNICODE_VERSION:
        sys.exit(f"need unicodedata2 with Unicode {UNICODE_VERSION}, found {unicodedata2.unidata_version}")
    text = render(ranges(unicodedata2.category))
    if arguments.check:
        if TARGET.read_text(encoding="ascii") != text:
            sys.exit(f"{TARGET.name} differs from what this script makes")
        return
    TARGET.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
