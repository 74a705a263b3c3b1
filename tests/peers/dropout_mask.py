#!/usr/bin/env python3
"""The mask of dropout, written again from clause [C-39] of docs/numeric_contract.md. Run alone it prints the known answers
of tests/unit/numerics/dropout_test.cpp: which of the first 160 elements are kept, 32 in a word, the first one lowest.
"""

import math

from sample_order import MASK32, philox4x32_10

DROPOUT = 3  # RandomPurpose::kDropout


def random_word(seed, layer, place, sample, element):
    block = 32 * (element // 128) + element % 32
    site = 8 * layer + place
    counter = (DROPOUT, (site << 16) + (sample >> 32), sample & MASK32, block)
    return philox4x32_10(counter, (seed & MASK32, seed >> 32))[element // 32 % 4]


def kept_words(seed, layer, place, sample, rate, num_words):
    threshold = math.floor(rate * 2.0**32 + 0.5)
    kept = [random_word(seed, layer, place, sample, e) >= threshold for e in range(32 * num_words)]
    return [sum(kept[32 * w + bit] << bit for bit in range(32)) for w in range(num_words)]


if __name__ == "__main__":
    for sample, rate in ((0, 0.1), (123456789012345, 0.5)):
        words = kept_words(0x123456789ABCDEF0, 11, 2, sample, rate, 5)
        print(sample, rate, ", ".join(f"0x{word:08x}u" for word in words))
