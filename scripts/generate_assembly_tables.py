#!/usr/bin/env python3
"""Writes the tables of the corpus assembler: data_pipeline/src/assembly_character_table.cpp (letters, decimal digits and
other word characters) and data_pipeline/src/html_entity_table.cpp (names of HTML 5 and what they stand for).

The hashes of corpora/standard/expected.tsv belong to these tables: Unicode 14.0.0 and the entity list of Python 3.11. They
are generated into the tree, so that no system library decides a byte of the corpus.

    python3.11 scripts/generate_assembly_tables.py [--check]
"""

import argparse
import pathlib
import sys
import unicodedata
from html.entities import html5

SOURCES = pathlib.Path(__file__).resolve().parent.parent / "data_pipeline" / "src"
UNICODE_VERSION = "14.0.0"
WIDTH = 118
HEAD = "// Made by scripts/generate_assembly_tables.py from {}; do not edit.\n"


def character_class(character):
    """L: str.isalpha(), D: the rest of \\d, W: the rest of \\w without the underscore, None: no word character."""
    if character.isalpha():
        return "L"
    if character.isdecimal():
        return "D"
    return "W" if character.isalnum() else None


def ranges():
    result = []
    for code_point in range(0x110000):
        kind = character_class(chr(code_point))
        if kind is None:
            continue
        if result and result[-1][1] == code_point - 1 and result[-1][2] == kind:
            result[-1][1] = code_point
        else:
            result.append([code_point, code_point, kind])
    return result


def fill(cells, separator, indent, quote):
    """Cells in lines of at most WIDTH columns, each line indented and quoted."""
    lines, line = [], ""
    for cell in cells:
        if len(indent) + len(line) + len(cell) + 2 * len(quote) + len(separator) > WIDTH:
            lines.append(indent + quote + line + quote)
            line = ""
        line += cell + separator
    lines.append(indent + quote + line + quote)
    return "\n".join(line.rstrip() for line in lines)


def character_table():
    names = {"L": "kLetter", "D": "kDecimal", "W": "kOtherWord"}
    constants = "".join(f"constexpr WordClass k{k} = WordClass::{v};\n" for k, v in names.items())
    cells = [f"{{0x{first:X}, 0x{last:X}, k{kind}}}," for first, last, kind in ranges()]
    return (
        HEAD.format(f"Unicode {UNICODE_VERSION}")
        + '#include "assembly_characters.h"\n\nnamespace reprise::data {\nnamespace {\n\n'
        + f"{constants}\n// clang-format off\nconstexpr WordRange kRanges[] = {{\n"
        + fill(cells, " ", "    ", "")
        + "\n};\n// clang-format on\n\n}  // namespace\n\n"
        + "std::span<const WordRange> word_class_ranges() { return kRanges; }\n\n}  // namespace reprise::data\n"
    )


def entity_table():
    cells = [f"{name} {'+'.join(format(ord(c), 'x') for c in html5[name])}" for name in sorted(html5)]
    return (
        HEAD.format(f"the entity list of Python 3.11 (html.entities.html5, {len(html5)} names)")
        + '#include "html_entities.h"\n\nnamespace reprise::data {\n\n'
        + "// NAME, space, code points in hexadecimal joined by '+', comma; sorted by name. A name without ';' behind it is\n"
        + "// one that is known without it too.\n// clang-format off\nconst char kHtmlEntityTable[] =\n"
        + fill(cells, ",", "    ", '"')
        + ";\n// clang-format on\n\n}  // namespace reprise::data\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    arguments = parser.parse_args()
    if unicodedata.unidata_version != UNICODE_VERSION:
        sys.exit(f"need Python 3.11 with Unicode {UNICODE_VERSION}, found {unicodedata.unidata_version}")
    for name, text in (("assembly_character_table.cpp", character_table()), ("html_entity_table.cpp", entity_table())):
        target = SOURCES / name
        if not arguments.check:
            target.write_text(text, encoding="ascii")
        elif target.read_text(encoding="ascii") != text:
            sys.exit(f"{name} differs from what this script makes")


if __name__ == "__main__":
    main()
