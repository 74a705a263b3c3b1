#!/usr/bin/env python3
"""Groups and stages, written again from docs/formats/shard.md and docs/reference/mixtures.md, by walking through every
sample in place of formulas. Run alone it prints the known answers of tests/unit/data_pipeline/mixture_test.cpp.
"""

import hashlib
import struct
from fractions import Fraction
from math import floor

from sample_order import sequence_at


def divide(total, weights):
    quotas = [Fraction(total * weight, sum(weights)) for weight in weights]
    counts = [floor(quota) for quota in quotas]
    order = sorted(range(len(weights)), key=lambda i: (counts[i] - quotas[i], i))
    for i in order[: total - sum(counts)]:
        counts[i] += 1
    return counts


def stage_counts(total, batch, length, num_sequences, shares):
    """shares: by group, None or (name, value) with the name weight, epochs or token_budget."""
    fixed, weights = [0] * len(shares), [0] * len(shares)
    greatest = max([value for name, value in filter(None, shares) if name == "weight"], default=1)
    for g, share in enumerate(shares):
        if share is None:
            continue
        name, value = share
        if name == "epochs":
            fixed[g] = floor(value * num_sequences[g] + 0.5)
        elif name == "token_budget":
            fixed[g] = value // length
        else:
            weights[g] = max(1, floor(value / greatest * 2**40 + 0.5))
    if sum(weights) > 0:
        return [a + b for a, b in zip(fixed, divide(total - sum(fixed), weights))]
    assert total <= sum(fixed) < total + batch
    return divide(total, fixed)


def interleave(counts):
    """The group at each place: each group in turn takes, of the places left, those where its rounded line climbs."""
    places = [None] * sum(counts)
    free = list(range(len(places)))
    for group, count in enumerate(counts):
        total = len(free)
        if count == 0:
            continue
        line = [floor(Fraction(i * count, total) + Fraction(1, 2)) for i in range(total + 1)]
        for i, place in enumerate(free):
            if line[i + 1] > line[i]:
                places[place] = group
        free = [place for place in free if places[place] is None]
    return places


def order(seed, num_sequences, stages):
    """(group, epoch, sequence) of every sample; stages: the counts of each."""
    drawn = [0] * len(num_sequences)
    for counts in stages:
        for group in interleave(counts):
            size = num_sequences[group]
            yield group, drawn[group] // size, sequence_at(seed, size, drawn[group], group)
            drawn[group] += 1


def main():
    # Groups a, b, c of 300, 40 and 7 sequences; batches of 10 sequences of 16 tokens.
    sizes = [300, 40, 7]
    stages = [
        stage_counts(400, 10, 16, sizes, [("weight", 0.7), ("weight", 0.3), None]),
        stage_counts(150, 10, 16, sizes, [("weight", 1.0), ("epochs", 1.5), ("token_budget", 200)]),
        stage_counts(90, 10, 16, sizes, [None, ("epochs", 2.1), ("epochs", 1.9)]),
    ]
    print("counts", stages)
    samples = list(order(9, sizes, stages))
    print("first", samples[:6], "of the second stage", samples[400:406])
    packed = b"".join(struct.pack("<QQQ", *sample) for sample in samples)
    print("digest", hashlib.sha256(packed).hexdigest())


if __name__ == "__main__":
    main()
