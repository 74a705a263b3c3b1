#!/usr/bin/env python3
"""Writes data_pipeline/src/tokenizer_tables.cpp: tables of the parts of a tokenizer.json other than its patterns.

Each table imitates one library inside the reference (Hugging Face tokenizers 0.23.3), and these libraries are of different
Unicode versions:
  words    \\w of the `single_word` added tokens, Unicode 16.0
  numbers  what the pre-tokeniser Digits calls numeric, Unicode 17.0
  NFC      combining classes, decompositions and compositions, Unicode 9.0
tests/peers/compare_tokenizer_tables.py compares every scalar value with the reference.

NFC comes from the files of the Unicode database (Debian: unicode-data), of any version from 9.0 on: characters younger
than 9.0 are left out, and the stability policy of Unicode keeps the others as they were.

    pip install --target DIR16 unicodedata2==16.0.0; pip install --target DIR17 unicodedata2==17.0.1; pip install regex
    python3 scripts/generate_tokenizer_tables.py --unicode16 DIR16 --unicode17 DIR17 [--database /usr/share/unicode] [--check]
"""

import argparse
import pathlib
import subprocess
import sys

TARGET = pathlib.Path(__file__).resolve().parent.parent / "data_pipeline" / "src" / "tokenizer_tables.cpp"
NFC_VERSION = (9, 0)
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def categories(folder, version):
    """Returns the general category of every code point, from the unicodedata2 in `folder`."""
    program = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import unicodedata2 as u\n"
        f"assert u.unidata_version.startswith({version!r}), u.unidata_version\n"
        "print(' '.join(u.category(chr(c)) for c in range(0x110000)))"
    )
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()


def word_characters(category16):
    import regex

    word = regex.compile(r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]")
    return [c for c in SCALARS if category16[c] != "Cn" and word.match(chr(c))]


def database_rows(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.split("#")[0].strip()
        if line:
            yield [field.strip() for field in line.split(";")]


def bounds(field):
    first, _, last = field.partition("..")
    return range(int(first, 16), int(last or first, 16) + 1)


def normalisation(database):
    """Returns {code point: combining class}, {code point: decomposition}, [(first, second, composite)]."""
    age = {}
    for field, value in database_rows(database / "DerivedAge.txt"):
        for c in bounds(field):
            age[c] = tuple(int(part) for part in value.split("."))
    excluded = {int(row[0], 16) for row in database_rows(database / "CompositionExclusions.txt")}
    classes, decompositions = {}, {}
    for row in database_rows(database / "UnicodeData.txt"):
        c = int(row[0], 16)
        if age[c] > NFC_VERSION:
            continue
        if row[3] != "0":
            classes[c] = int(row[3])
        if row[5] and not row[5].startswith("<"):
            decompositions[c] = [int(part, 16) for part in row[5].split()]
    compositions = sorted(
        (parts[0], parts[1], c)
        for c, parts in decompositions.items()
        # Singletons, exclusions and what begins with a mark never come back (UAX #15, Full_Composition_Exclusion).
        if len(parts) == 2 and c not in excluded and c not in classes and parts[0] not in classes
    )
    return classes, decompositions, compositions


def ranges(values):
    """Returns (first, last, value) of each maximal run of code points with one value."""
    result = []
    for c, value in sorted(values.items()):
        if result and result[-1][1] == c - 1 and result[-1][2] == value:
            result[-1][1] = c
        else:
            result.append([c, c, value])
    return result


def array(declaration, cells):
    lines, line = [], "   "
    for cell in cells:
        if len(line) + 2 + len(cell) > 120:
            lines.append(line)
            line = "   "
        line += f" {cell},"
    return f"constexpr {declaration}[] = {{\n" + "\n".join(lines + [line]) + "\n};\n"


def render(words, numbers, classes, decompositions, compositions):
    pair = lambda rows: [f"{{0x{a:X}, 0x{b:X}}}" for a, b, _ in rows]
    parts = lambda p: f"0x{p[0]:X}, 0x{p[1] if len(p) == 2 else 0:X}"
    return (
        "// Made by scripts/generate_tokenizer_tables.py; do not edit.\n"
        '#include "tokenizer_tables.h"\n\nnamespace reprise::data {\nnamespace {\n\n// clang-format off\n'
        + array("CodePointRange kWords", pair(ranges(dict.fromkeys(words, 1))))
        + array("CodePointRange kNumbers", pair(ranges(dict.fromkeys(numbers, 1))))
        + array("CombiningRange kCombining", [f"{{0x{a:X}, 0x{b:X}, {v}}}" for a, b, v in ranges(classes)])
        + array("Decomposition kDecompositions", [f"{{0x{c:X}, {parts(p)}}}" for c, p in sorted(decompositions.items())])
        + array("Composition kCompositions", [f"{{0x{a:X}, 0x{b:X}, 0x{c:X}}}" for a, b, c in compositions])
        + "// clang-format on\n\n}  // namespace\n\n"
        "std::span<const CodePointRange> word_ranges() { return kWords; }\n"
        "std::span<const CodePointRange> numeric_ranges() { return kNumbers; }\n"
        "std::span<const CombiningRange> combining_ranges() { return kCombining; }\n"
        "std::span<const Decomposition> decompositions() { return kDecompositions; }\n"
        "std::span<const Composition> compositions() { return kCompositions; }\n\n"
        "}  // namespace reprise::data\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unicode16", required=True, type=pathlib.Path)
    parser.add_argument("--unicode17", required=True, type=pathlib.Path)
    parser.add_argument("--database", default="/usr/share/unicode", type=pathlib.Path)
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    arguments = parser.parse_args()
    words = word_characters(categories(arguments.unicode16, "16.0"))
    category17 = categories(arguments.unicode17, "17.0")
    numbers = [c for c in SCALARS if category17[c][0] == "N"]
    text = render(words, numbers, *normalisation(arguments.database))
    if arguments.check:
        if TARGET.read_text(encoding="ascii") != text:
            sys.exit(f"{TARGET.name} differs from what this script makes")
        return
    TARGET.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
