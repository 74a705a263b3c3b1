#!/usr/bin/env python3
"""The order of sequences, written again from docs/formats/shard.md. Other checks import sequence_at; run alone it prints
the known answers of tests/unit/data_pipeline/order_test.cpp.
"""

import hashlib
import struct

MASK32 = 0xFFFFFFFF
DATA_ORDER = 2  # RandomPurpose::kDataOrder
NUM_ROUNDS = 8


def philox4x32_10(counter, key):
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK32, (p0 >> 32) ^ c3 ^ k1, p0 & MASK32
        k0, k1 = (k0 + 0x9E3779B9) & MASK32, (k1 + 0xBB67AE85) & MASK32
    return c0, c1, c2, c3


def half_width(size):
    width = 1
    while 4**width < size:
        width += 1
    return width


def permute(seed, epoch, size, index, group=0):
    width = half_width(size)
    key = (seed & MASK32, seed >> 32)
    value = index
    while True:
        left, right = value >> width, value & (2**width - 1)
        for number in range(NUM_ROUNDS):
            word = philox4x32_10((DATA_ORDER, epoch, NUM_ROUNDS * group + number, right), key)[0]
            left, right = right, left ^ (word & (2**width - 1))
        value = left << width | right
        if value < size:
            return value


def sequence_at(seed, num_sequences, sample, group=0):
    epoch, index = divmod(sample, num_sequences)
    return permute(seed, epoch, num_sequences, index, group)


def main():
    for seed, size, first in [(0, 1, 0), (1, 2, 0), (7, 10, 0), (7, 10, 10), (42, 1000, 0), (2**63 + 5, 4096, 8192),
                              (3, 2**40 + 1, 5), (9, 2**63, 2**63 - 4)]:
        values = [sequence_at(seed, size, first + k) for k in range(8)]
        print(f"  {{{seed}u, {size}u, {first}u, {{{', '.join(f'{v}u' for v in values)}}}}},")
    whole = b"".join(struct.pack("<Q", sequence_at(20, 9001, k)) for k in range(2 * 9001))
    print("two epochs of seed 20, 9001 sequences:", hashlib.sha256(whole).hexdigest())


if __name__ == "__main__":
    main()
