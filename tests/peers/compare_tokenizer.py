#!/usr/bin/env python3
"""Loads a tokenizer.json into Hugging Face tokenizers, or a .model into sentencepiece, and compares ids and decoded text.

    compare_tokenizer.py TOKENIZER CASES [--special]

CASES holds one case after the other: u32 number of bytes, the bytes of a text, u32 number of ids, the ids (u32), u32 number
of bytes, the decoded bytes; all little-endian. --special: special tokens are recognised, and those of the post-processor
added. Prints the number of cases; exits 1 at the first that differs.
"""

import struct
import sys

from tokenizers import Tokenizer


def load(path, special):
    """Returns functions from text to ids and back."""
    if path.endswith(".model"):
        import sentencepiece

        model = sentencepiece.SentencePieceProcessor(model_file=path)
        return model.encode, model.decode
    tokenizer = Tokenizer.from_file(path)
    tokenizer.encode_special_tokens = not special  # then the spelling of a special token inside a text is text
    return (lambda text: tokenizer.encode(text, add_special_tokens=special).ids), tokenizer.decode


def read_cases(path):
    data, position = open(path, "rb").read(), 0

    def number():
        nonlocal position
        position += 4
        return struct.unpack_from("<I", data, position - 4)[0]

    def text():
        nonlocal position
        size = number()
        position += size
        return data[position - size : position]

    while position < len(data):
        raw = text()
        yield raw, [number() for _ in range(number())], text()


def main():
    encode, decode = load(sys.argv[1], "--special" in sys.argv)
    count = 0
    for count, (raw, ids, decoded) in enumerate(read_cases(sys.argv[2]), start=1):
        text = raw.decode("utf-8", errors="replace")
        theirs = encode(text)
        if theirs != ids:
            sys.exit(f"case {count}: {text!r}: ours {ids}, theirs {theirs}")
        if decode(ids) != decoded.decode("utf-8", errors="replace"):
            sys.exit(f"case {count}: {text!r}: decodes to another text: {decoded}")
    print(f"{count} cases agree")


if __name__ == "__main__":
    main()
