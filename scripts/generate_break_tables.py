#!/usr/bin/env python3
"""Writes the tables of word and sentence boundaries (UAX #29), of upper case and of digits, and their test vectors.

    data_pipeline/src/break_tables.cpp                       properties of all code points, as lengths of runs
    tests/unit/data_pipeline/{word,sentence}_breaks.txt      Unicode's own test files without their comments

They are generated into the tree because a published verdict must not depend on the Unicode version of a system
library. The source is the Unicode Character Database of the stated version, as Debian 12 packages it:

    apt-get download unicode-data && dpkg -x unicode-data_15.0.0-1_all.deb ucd
    python3 scripts/generate_break_tables.py ucd/usr/share/unicode [--check]
"""

import argparse
import pathlib
import re
import sys

UNICODE_VERSION = "15.0.0"
ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLES = ROOT / "data_pipeline" / "src" / "break_tables.cpp"
VECTORS = ROOT / "tests" / "unit" / "data_pipeline"

# In the order of the enumerations in break_tables.h; the first is what code points that no line names have.
WORD = ("Other CR LF Newline Extend ZWJ Format Regional_Indicator Katakana Hebrew_Letter ALetter Single_Quote "
        "Double_Quote MidNumLet MidLetter MidNum Numeric ExtendNumLet WSegSpace").split()
SENTENCE = "Other CR LF Extend Sep Format Sp Lower Upper OLetter Numeric ATerm SContinue STerm Close".split()
PICTOGRAPH, UPPERCASE, DIGIT = 0x20, 0x10, 0x20


def properties(folder, name):
    """Yields (first, last, value) of the lines of one file; the file has to be of the stated version."""
    text = (folder / name).read_text(encoding="utf-8")
    if name.startswith("emoji/"):
        if "Used with Emoji Version 15.0" not in text:
            sys.exit(f"{name} is not of Unicode {UNICODE_VERSION}")
    elif f"-{UNICODE_VERSION}.txt" not in text.split("\n", 1)[0]:
        sys.exit(f"{name} is not of Unicode {UNICODE_VERSION}")
    for line in text.split("\n"):
        match = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\w+)", line)
        if match:
            first = int(match[1], 16)
            yield first, int(match[2] or match[1], 16), match[3]


def fill(values, rows, change):
    for first, last, value in rows:
        for code_point in range(first, last + 1):
            values[code_point] = change(values[code_point], value)


def word_values(folder):
    values = [0] * 0x110000
    fill(values, properties(folder, "auxiliary/WordBreakProperty.txt"), lambda _, name: WORD.index(name))
    pictographs = (row for row in properties(folder, "emoji/emoji-data.txt") if row[2] == "Extended_Pictographic")
    fill(values, pictographs, lambda old, _: old | PICTOGRAPH)
    return values


def sentence_values(folder):
    values = [0] * 0x110000
    fill(values, properties(folder, "auxiliary/SentenceBreakProperty.txt"), lambda _, name: SENTENCE.index(name))
    upper = (row for row in properties(folder, "DerivedCoreProperties.txt") if row[2] == "Uppercase")
    fill(values, upper, lambda old, _: old | UPPERCASE)
    digits = (row for row in properties(folder, "extracted/DerivedNumericType.txt") if row[2] in ("Decimal", "Digit"))
    fill(values, digits, lambda old, _: old | DIGIT)
    return values


def runs(values):
    """Returns length * 256 + value for each maximal run of equal values."""
    result, begin = [], 0
    for position in range(1, len(values) + 1):
        if position == len(values) or values[position] != values[begin]:
            result.append((position - begin) * 256 + values[begin])
            begin = position
    return result


def render_runs(name, values):
    lines, line = [], "   "
    for run in runs(values):
        cell = f" 0x{run:X},"
        if len(line) + len(cell) > 120:
            lines.append(line)
            line = "   "
        line += cell
    lines.append(line)
    return f"constexpr std::uint32_t {name}[] = {{\n" + "\n".join(lines) + "\n};\n"


def render_tables(folder):
    return (
        f"// Made by scripts/generate_break_tables.py from Unicode {UNICODE_VERSION}; do not edit.\n"
        "// Each number is a run of code points that share a value: length * 256 + value.\n"
        '#include "break_tables.h"\n\nnamespace reprise::data {\nnamespace {\n\n// clang-format off\n'
        + render_runs("kWordRuns", word_values(folder)) + "\n" + render_runs("kSentenceRuns", sentence_values(folder))
        + "// clang-format on\n\n}  // namespace\n\n"
        f'const char* break_tables_unicode_version() {{ return "{UNICODE_VERSION}"; }}\n\n'
        "std::span<const std::uint32_t> word_break_runs() { return kWordRuns; }\n\n"
        "std::span<const std::uint32_t> sentence_break_runs() { return kSentenceRuns; }\n\n}  // namespace reprise::data\n"
    )


def render_vectors(folder, name):
    """One case a line: code points, and | where the text may be broken."""
    lines = [f"# {name}, Unicode {UNICODE_VERSION}; made by scripts/generate_break_tables.py. Copyright Unicode, Inc.;",
             "# terms of use: https://www.unicode.org/terms_of_use.html. Code points, and | at each boundary."]
    for line in (folder / "auxiliary" / name).read_text(encoding="utf-8").split("\n"):
        case = line.split("#")[0].strip()
        if case:
            lines.append(" ".join(case.replace("÷", "|").replace("×", "").split()))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="the Unicode Character Database")
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    arguments = parser.parse_args()
    files = {
        TABLES: render_tables(arguments.folder),
        VECTORS / "word_breaks.txt": render_vectors(arguments.folder, "WordBreakTest.txt"),
        VECTORS / "sentence_breaks.txt": render_vectors(arguments.folder, "SentenceBreakTest.txt"),
    }
    for path, text in files.items():
        if not arguments.check:
            path.write_text(text, encoding="ascii")
        elif path.read_text(encoding="ascii") != text:
            sys.exit(f"{path.name} differs from what this script makes")


if __name__ == "__main__":
    main()
