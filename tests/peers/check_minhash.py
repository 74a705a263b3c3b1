#!/usr/bin/env python3.11
"""A second implementation of MinHash deduplication, from docs/reference/deduplication.md alone.

    check_minhash.py text "The quick brown fox"          prints the signature and the last bucket key
    check_minhash.py files INPUT.jsonl... --out DIR      compares with what `reprise data dedup --method minhash` left in DIR

Needs Python 3.11 (Unicode 14.0.0) and zstd on the path.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import unicodedata

M64 = (1 << 64) - 1
SYMBOLS = set("$+<=>^`|~´∶～►")
SOLO = ("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA LETTER", "KATAKANA LETTER", "THAI CHARACTER", "LAO LETTER",
        "LAO VOWEL", "KHMER LETTER", "KHMER VOWEL", "MYANMAR LETTER", "MYANMAR VOWEL", "TIBETAN LETTER")
NUMBER = re.compile(r"\d+(?:[.,\u060c\u066b\u2396\u2397\u2398]\d+)?")  # \d: general category Nd


def words_of(text):
    words = [[]]
    for character in NUMBER.sub("0", text):
        lowered = character.lower().replace("ς", "σ")
        left = [c for c in unicodedata.normalize("NFD", lowered) if unicodedata.category(c) != "Mn"]
        if any(unicodedata.category(c)[0] in "PZ" or unicodedata.category(c) == "Cc" or c in SYMBOLS for c in left):
            words.append([])
        elif len(left) == 1 and unicodedata.name(left[0], "").startswith(SOLO):
            words += [[left[0]], []]
        else:
            words[-1] += left
    return ["".join(word) for word in words if word]


def mix(value):
    value = ((value ^ value >> 33) * 0xFF51AFD7ED558CCD) & M64
    value = ((value ^ value >> 33) * 0xC4CEB9FE1A85EC53) & M64
    return value ^ value >> 33


def word_hash(word):
    value = 0x9E3779B97F4A7C15
    for character in word:
        value = ((value ^ ord(character)) * 0x9E3779B97F4A7C15) & M64
    return mix(value)


def signature(text, ngram=5, hashes=112, seed=1):
    words = [word_hash(word) for word in words_of(text)]
    length = min(ngram, len(words))
    if not words:
        return None
    shingles = set()
    for i in range(len(words) - length + 1):
        value = 0
        for word in words[i:i + length]:
            value = (value * 0xD1342543DE82EF95 + word) & M64
        shingles.add(mix(value) >> 32)
    result = []
    for j in range(hashes):
        random = mix((seed + (j + 1) * 0x9E3779B97F4A7C15) & M64)
        multiplier, flip = random >> 32 | 1, random & 0xFFFFFFFF
        result.append(min((x * multiplier & 0xFFFFFFFF) ^ flip for x in shingles))
    return tuple(result)


def bucket_key(values, bucket, hashes_per_bucket=8):
    high, low = mix(bucket), mix(bucket ^ 0x9E3779B97F4A7C15)
    for value in values[bucket * hashes_per_bucket:(bucket + 1) * hashes_per_bucket]:
        high, low = mix(high ^ value), mix((low + value) & M64)
    return high, low


def read_lines(path):
    data = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout if path.endswith(".zst") else open(path, "rb").read()
    return [json.loads(line) for line in data.split(b"\n") if line.strip()]


def survivors(documents, buckets=14):
    """Returns {id of a dropped document: (survivor's id, similarity)}."""
    signatures = {d["id"]: signature(d["text"]) for d in documents}
    rank = {d["id"]: (hashlib.sha256(d["text"].encode()).digest(), d["id"].encode()) for d in documents}
    parent = {d["id"]: d["id"] for d in documents}

    def root(node):
        while parent[node] != node:
            node = parent[node]
        return node

    for bucket in range(buckets):
        seen = {}
        for name, values in signatures.items():
            if values is None:
                continue
            other = seen.setdefault(values[bucket * 8:bucket * 8 + 8], name)
            a, b = sorted((root(name), root(other)), key=rank.get)
            parent[b] = a
    result = {}
    for name in parent:
        if root(name) != name:
            equal = sum(x == y for x, y in zip(signatures[name], signatures[root(name)]))
            result[name] = (root(name), equal / 112)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("text").add_argument("text")
    files = actions.add_parser("files")
    files.add_argument("inputs", nargs="+")
    files.add_argument("--out", required=True)
    arguments = parser.parse_args()
    if arguments.action == "text":
        values = signature(arguments.text)
        print(*values)
        print(*map(hex, bucket_key(values, 13)))
        return
    expected = survivors([d for path in arguments.inputs for d in read_lines(path)])
    found = {d["id"]: (d["dropped"]["survivor"], d["dropped"]["value"]) for d in read_lines(f"{arguments.out}/dropped.jsonl.zst")}
    if expected != found:
        names = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
        sys.exit(f"{len(names)} documents differ, the first: {names[0]}: {expected.get(names[0])} here, {found.get(names[0])} there")
    print(f"same verdict, survivor and similarity for all documents; {len(found)} dropped")


if __name__ == "__main__":
    main()
