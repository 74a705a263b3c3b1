#!/usr/bin/env python3
"""Writes data_pipeline/src/fold_tables.cpp: what word normalisation "v1" makes of each code point
(docs/reference/deduplication.md).

The tables decide which documents are near-duplicates or contaminated, so they are generated into the tree with their
Unicode version instead of coming from a library at run time. The version is that of Python 3.11, 14.0.0.

    python3.11 scripts/generate_fold_tables.py [--check]
"""

import argparse
import pathlib
import sys
import unicodedata

UNICODE_VERSION = "14.0.0"
TARGET = pathlib.Path(__file__).resolve().parent.parent / "data_pipeline" / "src" / "fold_tables.cpp"
WHITE_SPACE = {0x9, 0xA, 0xB, 0xC, 0xD, 0x85}  # and general category Z (PropList.txt)
# Symbols (general category S) that FineWeb's normalisation treats as punctuation; category P is punctuation as a whole.
SYMBOLS = set("$+<=>^`|~´∶～►")
# Scripts that are written without spaces between words: every letter is a word of its own.
SOLO_NAMES = ("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA LETTER", "KATAKANA LETTER", "THAI CHARACTER",
              "LAO LETTER", "LAO VOWEL", "KHMER LETTER", "KHMER VOWEL", "MYANMAR LETTER", "MYANMAR VOWEL", "TIBETAN LETTER")
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic in the code


def lower(character):
    # Both sigmas are one letter; str.lower() would need to know the end of the word.
    return character.lower().replace("ς", "σ")


def fold(code_point):
    """Returns (kind, code points): what is left of one code point."""
    if 0xD800 <= code_point <= 0xDFFF or code_point in HANGUL:
        return "Keep", (code_point,)
    left = []
    for character in unicodedata.normalize("NFD", lower(chr(code_point))):
        category = unicodedata.category(character)
        if category == "Mn":
            continue
        if category == "Nd":
            return "Digit", ()
        if category[0] in "PZ" or category == "Cc" or character in SYMBOLS or ord(character) in WHITE_SPACE:
            return "Space", ()
        left.append(character)
    if not left:
        return "Drop", ()
    solo = len(left) == 1 and unicodedata.name(left[0], "").startswith(SOLO_NAMES)
    return "Solo" if solo else "Keep", tuple(map(ord, left))


def ranges():
    """Returns [first, last, kind, target, step] for maximal runs, and the sequences of more than one code point."""
    rows, sequences = [], []
    for code_point in range(0x110000):
        kind, left = fold(code_point)
        if kind == "Keep" and left == (code_point,):
            continue
        target = left[0] if left else 0
        step = 1 if kind in ("Keep", "Solo") else 0
        if len(left) > 1:
            kind, target, step = "Sequence", len(sequences), 0
            sequences.append(left)
        last = rows[-1] if rows else None
        if (last and last[1] == code_point - 1 and last[2] == kind and kind != "Sequence"
                and target == last[3] + step * (code_point - last[0])):
            last[1] = code_point
        else:
            rows.append([code_point, code_point, kind, target, step])
    return rows, sequences


def wrapped(cells):
    lines, line = [], "   "
    for cell in cells:
        if len(line) + 1 + len(cell) > 120:
            lines.append(line)
            line = "   "
        line += " " + cell
    return "\n".join(lines + [line])


def render(rows, sequences):
    longest = max(map(len, sequences))
    cells = [f"{{0x{a:X}, 0x{b:X}, FoldKind::k{kind}, 0x{target:X}}}," for a, b, kind, target, _ in rows]
    lists = ["{" + ", ".join(f"0x{c:X}" for c in s + (0,) * (longest - len(s))) + "}," for s in sequences]
    return (
        f"// Made by scripts/generate_fold_tables.py from Unicode {UNICODE_VERSION}; do not edit.\n"
        '#include "fold_tables.h"\n\nnamespace reprise::data {\nnamespace {\n\n// clang-format off\n'
        f"constexpr FoldRange kRanges[] = {{\n{wrapped(cells)}\n}};\n"
        f"constexpr FoldSequence kSequences[] = {{\n{wrapped(lists)}\n}};\n// clang-format on\n\n}}  // namespace\n\n"
        f'const char* fold_unicode_version() {{ return "{UNICODE_VERSION}"; }}\n\n'
        "std::span<const FoldRange> fold_ranges() { return kRanges; }\n\n"
        "std::span<const FoldSequence> fold_sequences() { return kSequences; }\n\n}  // namespace reprise::data\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    arguments = parser.parse_args()
    if unicodedata.unidata_version != UNICODE_VERSION:
        sys.exit(f"need a Python with Unicode {UNICODE_VERSION}, this one has {unicodedata.unidata_version}")
    text = render(*ranges())
    if arguments.check:
        if TARGET.read_text(encoding="ascii") != text:
            sys.exit(f"{TARGET.name} differs from what this script makes")
        return
    TARGET.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
