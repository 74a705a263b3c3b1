#!/usr/bin/env python3
"""Writes data_pipeline/src/unicode_tables.cpp: which code points are letters, numbers and white space; and
data_pipeline/src/letter_case_tables.cpp: what the case of a letter or mark is for the pattern of o200k.

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
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data_pipeline" / "src"


def class_of(code_point, category):
    """Returns the initial of the enumerator: L letter, N number, S white space (property White_Space), O other."""
    general = category(chr(code_point))
    if general[0] in "LN":
        return general[0]
    # White_Space is exactly the separators and these controls (PropList.txt).
    if general[0] == "Z" or code_point in (0x9, 0xA, 0xB, 0xC, 0xD, 0x85):
        return "S"
    return "O"


def case_of(code_point, category):
    """Returns U for an upper-case or title-case letter, L for a lower-case one, E for a letter or mark without case."""
    general = category(chr(code_point))
    if general in ("Lu", "Lt"):
        return "U"
    if general == "Ll":
        return "L"
    return "E" if general[0] in "LM" else "O"


def ranges(kind_of, category):
    """Returns [first, last, kind] for each maximal run of code points that are not of the kind O."""
    result = []
    for code_point in range(0x110000):
        kind = kind_of(code_point, category)
        if kind == "O":
            continue
        if result and result[-1][1] == code_point - 1 and result[-1][2] == kind:
            result[-1][1] = code_point
        else:
            result.append([code_point, code_point, kind])
    return result


def table(rows, enumeration, names):
    """Returns the constants and the array of `rows`."""
    cells = [f"{{0x{first:X}, 0x{last:X}, k{kind}}}," for first, last, kind in rows]
    lines, line = [], "   "
    for cell in cells:
        if len(line) + 1 + len(cell) > 120:
            lines.append(line)
            line = "   "
        line += " " + cell
    lines.append(line)
    kind, row = enumeration
    constants = "".join(f"constexpr {kind} k{k} = {kind}::{v};\n" for k, v in names.items())
    return (
        f"{constants}\n// clang-format off\nconstexpr {row} kRanges[] = {{\n" + "\n".join(lines)
        + "\n};\n// clang-format on\n"
    )


def source(header, body, functions):
    return (
        f"// Made by scripts/generate_unicode_tables.py from Unicode {UNICODE_VERSION}; do not edit.\n"
        f'#include "{header}"\n\nnamespace reprise::data {{\nnamespace {{\n\n{body}\n}}  // namespace\n\n'
        f"{functions}\n}}  // namespace reprise::data\n"
    )


def sources(category):
    """Returns the text of every file."""
    classes = table(ranges(class_of, category), ("CharacterClass", "ClassRange"),
                    {"L": "kLetter", "N": "kNumber", "S": "kSpace"})
    cases = table(ranges(case_of, category), ("LetterCase", "CaseRange"), {"U": "kUpper", "L": "kLower", "E": "kEither"})
    return {
        "unicode_tables.cpp": source(
            "unicode_classes.h", classes,
            f'const char* unicode_version() {{ return "{UNICODE_VERSION}"; }}\n\n'
            "std::span<const ClassRange> class_ranges() { return kRanges; }\n"),
        "letter_case_tables.cpp": source(
            "letter_cases.h", cases, "std::span<const CaseRange> case_ranges() { return kRanges; }\n"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    arguments = parser.parse_args()
    import unicodedata2

    if unicodedata2.unidata_version != UNICODE_VERSION:
        sys.exit(f"need unicodedata2 with Unicode {UNICODE_VERSION}, found {unicodedata2.unidata_version}")
    for name, text in sources(unicodedata2.category).items():
        if not arguments.check:
            (FOLDER / name).write_text(text, encoding="ascii")
        elif (FOLDER / name).read_text(encoding="ascii") != text:
            sys.exit(f"{name} differs from what this script makes")


if __name__ == "__main__":
    main()
