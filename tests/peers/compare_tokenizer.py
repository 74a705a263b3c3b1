#!/usr/bin/env python3
"""Loads a tokenizer.json into Hugging Face tokenizers and compares ids and decoded text.

    compare_tokenizer.py TOKENIZER CASES

CASES holds one case after the other: u32 number of bytes, the bytes of a text, u32 number of ids, the ids (u32), all
little-endian. Prints the number of cases; exits 1 at the first that differs.
"""

import struct
import sys

from tokenizers import Tokenizer


def read_cases(path):
    data, position = open(path, "rb").read(), 0
    while position < len(data):
        (size,) = struct.unpack_from("<I", data, position)
        text = data[position + 4 : position + 4 + size]
        position += 4 + size
        (count,) = struct.unpack_from("<I", data, position)
        yield text, list(struct.unpack_from(f"<{count}I", data, position + 4))
        position += 4 + 4 * count


def main():
    tokenizer = Tokenizer.from_file(sys.argv[1])
    tokenizer.encode_special_tokens = True  # the spelling of the special token inside a text is text
    number = 0
    for number, (raw, ids) in enumerate(read_cases(sys.argv[2]), start=1):
        text = raw.decode("utf-8", errors="replace")
        theirs = tokenizer.encode(text).ids
        if theirs != ids:
            sys.exit(f"case {number}: {text[:80]!r}: ours {ids[:20]}, theirs {theirs[:20]}")
        if tokenizer.decode(ids, skip_special_tokens=True) != text:
            sys.exit(f"case {number}: {text[:80]!r}: decodes to another text")
    print(f"{number} cases agree")


if __name__ == "__main__":
    main()
