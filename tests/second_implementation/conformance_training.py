#!/usr/bin/env python3
"""The training of "Conformance" in docs/numeric_contract.md, computed again: python3 conformance_training.py [--steps 1]. A
step is some 22 billion fused multiply-adds, minutes; behind each the digest is printed, and compared with the table of the page.
"""
import argparse
import hashlib
import math
import os
import re
import time

import numpy as np

from exact_arithmetic import CHUNK, F32, U64, philox, tree
from exact_decoder import Decoder, schema
from second_implementation import Optimizer, gradient_norm, sum_in_order

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/numeric_contract.md")
VOCAB, LENGTH, GRAINS, RATE, CLIP, Z_WEIGHT = 8192, 272, 3, 1e-3, 1.0, 1e-4
MODEL = {"hidden_size": 256, "ffn_size": 1024, "num_layers": 6, "num_heads": 4, "norm_eps": 1e-6, "rope_theta": 10000.0}
RECIPE = {"model": MODEL, "tokenizer": {"vocab_size": VOCAB}, "train": {"document_mask": False, "z_loss": Z_WEIGHT}}
ADAMW = {"beta1": float(F32(0.9)), "beta2": float(F32(0.95)), "epsilon": 1e-8, "weight_decay": 0.1, "decay_embeddings": False,
         "group": []}


def words(stream, part, count):
    """[C-24]: word j is word j mod 4 of the counter (255, stream, part, floor(j / 4)), seed 0"""
    blocks = np.arange(-(-count // 4), dtype=U64)
    return np.stack(philox((255, stream, part, blocks), 0), -1).reshape(-1)[:count].astype(np.int64)


def initial_weights(index, shape):
    if len(shape) == 1:
        return np.ones(shape, F32)
    return (((words(2, index, math.prod(shape)) >> 8) - 2 ** 23) * 2.0 ** -28).astype(F32).reshape(shape)


def sequences_of(step):
    """inputs and targets of each grain; steps count from 1"""
    drawn = words(3, step - 1, GRAINS * (LENGTH + 2)).reshape(GRAINS, -1).tolist()
    for first, *others in drawn:
        tokens = [first % VOCAB]
        for word in others[:LENGTH]:                                # the last word of a sequence decides nothing
            tokens.append((5 * tokens[-1] + word % 3) % VOCAB)
        yield np.array([tokens[:-1]]), np.array([tokens[1:]])


def train_step(step, decoder, weights, optimizer):
    losses, gradients = [], []
    for inputs, targets in sequences_of(step):
        losses.append(sum_in_order(decoder.losses(weights, inputs, targets)[0]))
        gradients.append(decoder.gradient(weights))
    gradient = {n: tree([g[n] for g in gradients]) / F32(GRAINS * LENGTH) for n in weights}
    norm = gradient_norm([gradient[n] for n in weights])
    if norm > CLIP:
        gradient = {n: g * F32(CLIP / norm) for n, g in gradient.items()}
    optimizer.update(weights, gradient, RATE)
    return tree(losses) / (GRAINS * LENGTH), norm


def digest_of(history, parts):
    digest = hashlib.sha256(np.array(history).astype("<f8").tobytes())
    for part in parts:
        for values in part.values():
            digest.update(values.astype("<f4").tobytes() + bytes(-values.size % CHUNK * 4))
    return digest.hexdigest()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=1)
    options, begin, different = options.parse_args(), time.time(), 0
    with open(PAGE, encoding="utf-8") as page:
        published = {int(m[1]): m[2] for m in re.finditer(r"^\| (\d+) \| `(\w{64})` \|$", page.read(), re.M)}
    if 1 not in published:
        raise SystemExit(f"{PAGE} has no digest for 1 step")
    tensors = schema(RECIPE)
    weights = {n: initial_weights(i, s) for i, (n, s) in enumerate(tensors)}
    decoder, optimizer, history = Decoder(RECIPE, None, LENGTH), Optimizer(ADAMW, tensors), []
    for step in range(1, options.steps + 1):
        history += train_step(step, decoder, weights, optimizer)
        digest = digest_of(history, (weights, optimizer.m, optimizer.v))
        verdict = "not published" if step not in published else "same" if digest == published[step] else "DIFFERS"
        different += verdict == "DIFFERS"
        print(f"step {step}: loss {history[-2]!r}, norm {history[-1]!r}, digest {digest} {verdict}, {time.time() - begin:.0f} s",
              flush=True)
    print("DIFFERENT" if different else "SAME")
    return different


if __name__ == "__main__":
    raise SystemExit(main())
