#!/usr/bin/env python3
"""Compares data_pipeline/src/tokenizer_tables.cpp with Hugging Face tokenizers 0.23.3, on every scalar value.

Words: an added token with single_word matches before a character that is none. Numbers: Digits cuts them off a letter.
Normal forms: each character alone, its decomposition, and each beside marks of other classes. Exits 1 with the first
differences.
"""

import pathlib
import re
import sys
import unicodedata

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

TABLES = pathlib.Path(__file__).resolve().parents[2] / "data_pipeline" / "src" / "tokenizer_tables.cpp"
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def table(name):
    """Returns the rows of an array as lists of numbers."""
    body = re.search(rf"{name}\[\] = \{{(.*?)\n\}};", TABLES.read_text(), re.S).group(1)
    return [[int(cell, 0) for cell in row.split(",")] for row in re.findall(r"\{([^}]*)\}", body)]


def members(name):
    return {c for first, last in table(name) for c in range(first, last + 1)}


def their_words():
    tokenizer = Tokenizer(models.BPE(vocab={"a": 0}, merges=[]))
    tokenizer.add_tokens([AddedToken("<w>", single_word=True, normalized=False)])
    words = set()
    for begin in range(0, len(SCALARS), 20000):
        part = SCALARS[begin : begin + 20000]
        encoding = tokenizer.encode("".join("<w>" + chr(c) + "!" for c in part))
        found = {start for id, (start, _) in zip(encoding.ids, encoding.offsets) if id == 1}
        words.update(c for k, c in enumerate(part) if 5 * k not in found)
    return words


def their_numbers():
    text = "".join("a" + chr(c) for c in SCALARS)
    pieces = pre_tokenizers.Digits(individual_digits=False).pre_tokenize_str(text)
    return {ord(text[begin]) for _, (begin, end) in pieces if end - begin == 1 and begin % 2 == 1}


def their_classes():
    """A mark of class 1 moves before a character of a higher class, and one of class 240 behind one of a lower class."""
    normalise = normalizers.NFC().normalize_str
    ordered = {}
    for c in SCALARS:
        before = normalise("x" + chr(c) + "\u0334")[1] == "\u0334"
        after = normalise("x\u0345" + chr(c))[-1] == "\u0345"
        ordered[c] = (before, after)
    return ordered


def main():
    differences = [f"word U+{c:04X}" for c in sorted(members("kWords") ^ their_words())]
    differences += [f"number U+{c:04X}" for c in sorted(members("kNumbers") ^ their_numbers())]
    classes = {c: value for first, last, value in table("kCombining") for c in range(first, last + 1)}
    decomposed = {row[0] for row in table("kDecompositions")}
    for c, (before, after) in their_classes().items():
        value = classes.get(c, 0)
        if c not in decomposed and (before, after) != (value > 1, 0 < value < 240) and c not in (0x334, 0x345):
            differences.append(f"class of U+{c:04X}: ours {value}, theirs {before, after}")
    normalise = normalizers.NFC().normalize_str
    for c, *parts in table("kDecompositions"):
        if normalise(chr(c)) != normalise("".join(chr(p) for p in parts if p)):
            differences.append(f"decomposition of U+{c:04X}")
    ours = {(a, b): c for a, b, c in table("kCompositions")}
    for c in SCALARS:
        if len(unicodedata.normalize("NFD", chr(c))) > 1 and c not in decomposed and not 0xAC00 <= c < 0xD7A4:
            if normalise(unicodedata.normalize("NFD", chr(c))) == chr(c):
                differences.append(f"composition U+{c:04X} is missing")
    differences += [f"composition U+{c:04X}" for (a, b), c in ours.items() if normalise(chr(a) + chr(b)) != chr(c)]
    print(f"{len(SCALARS)} scalar values, {len(differences)} differences")
    if differences:
        sys.exit("\n".join(differences[:20]))


if __name__ == "__main__":
    main()
