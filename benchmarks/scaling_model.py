#!/usr/bin/env python3
"""What a step costs from one rank to thousands, on paper: bytes, memory and time for the shapes of OLMo 2.

    python3 benchmarks/scaling_model.py                      # the tables of docs/scaling.md
    python3 benchmarks/scaling_model.py --check PROGRAM --docs docs/scaling.md
    python3 benchmarks/scaling_model.py --measure PROGRAM    # exchange times of this machine beside the model's

PROGRAM is build/bin/exchange_volume. --check holds the byte counts against those of the trainer's own code and the document
against what is printed here; it ends with 1 where they differ.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass

CHUNK = 4096  # elements; every tensor is padded to it
FLOAT = 4
GIB = 2**30
RANKS = [1, 8, 64, 512, 1024, 4096]


@dataclass(frozen=True)
class Shape:
    """A decoder of OLMo 2; the batch is that of its recipe, a grain is one sequence."""

    name: str
    hidden: int
    layers: int
    kv: int  # width of keys and values
    ffn: int
    batch: int
    sequence: int = 4096
    vocab: int = 100352

    def tensors(self):
        yield self.vocab * self.hidden  # embedding
        for _ in range(self.layers):
            yield from (self.hidden**2, self.hidden * self.kv, self.hidden * self.kv, self.hidden**2)
            yield from (self.hidden * self.ffn,) * 3
            yield from (self.hidden, self.kv, self.hidden, self.hidden)  # norms of q, k and the two outputs
        yield self.hidden
        yield self.vocab * self.hidden  # head

    def parameters(self):
        return sum(self.tensors())

    def chunks(self):
        return sum(-(-size // CHUNK) for size in self.tensors())

    def gradient_bytes(self):
        return self.chunks() * CHUNK * FLOAT

    def flops_per_grain(self):
        """Forward and backward: 6 per weight of a product, and causal attention."""
        products = self.parameters() - self.vocab * self.hidden
        return self.sequence * (6 * products + 6 * self.layers * self.sequence * self.hidden)

    def activation_bytes(self):
        """Of one grain, each layer computed again in the backward pass: train/src/memory_plan.cpp."""
        layer = 10 * self.hidden + 3 * self.ffn
        working = 8 * self.hidden + 3 * self.ffn
        return FLOAT * self.sequence * (self.layers * self.hidden + layer + working)


SHAPES = [
    Shape("1B", 2048, 16, 2048, 8192, 512),
    Shape("7B", 4096, 32, 4096, 11008, 1024),
    Shape("32B", 5120, 64, 1024, 27648, 2048),
]


@dataclass(frozen=True)
class Machine:
    """Rates that are assumed, not measured: one rank is one GPU of a node of eight."""

    name: str
    flops: float  # that a training step gets
    per_node: int = 8
    inside: float = 300e9  # bytes/s and direction between GPUs of a node
    between: float = 45e9  # bytes/s and direction of a GPU's link to other nodes
    message: float = 5e-6  # seconds to start one message


EXACT = Machine("exact: binary32 without tensor cores, 40 TFLOP/s", 40e12)
NATIVE = Machine("bf16 on tensor cores, 400 TFLOP/s", 400e12)


# --- bytes ---------------------------------------------------------------------------------------------------------


def slice_chunks(chunks, rank, ranks):
    return chunks // ranks + (1 if rank < chunks % ranks else 0)


def bytes_sent(grains, ranks, chunks):
    """Of each rank, where the ranks are a power of two that divides the grains: each sends one partial sum."""
    assert ranks & (ranks - 1) == 0 and grains % ranks == 0
    mine = [slice_chunks(chunks, rank, ranks) for rank in range(ranks)]
    return [((chunks - own) + (ranks - 1) * own) * CHUNK * FLOAT for own in mine]


def worst_bytes_sent(ranks, chunks):
    """Of a rank with a partial sum and the largest slice, also where ranks outnumber grains."""
    mine = slice_chunks(chunks, 0, ranks)
    return ((chunks - mine) + (ranks - 1) * mine) * CHUNK * FLOAT


def control_bytes(grains, ranks, chunks):
    """Sums of squares, digests of weights and moments, losses, and a report, to every other rank."""
    return (ranks - 1) * (slice_chunks(chunks, 0, ranks) * (4 + 3 * 32) + -(-grains // ranks) * 16 + 24)


# --- time ----------------------------------------------------------------------------------------------------------


def flat_seconds(machine, ranks, size):
    """Every rank sends a slice to every other one, then gets theirs: what the trainer does."""
    if ranks == 1:
        return 0.0
    near = min(ranks, machine.per_node) - 1
    far = ranks - 1 - near
    one_way = max(size / ranks * near / machine.inside, size / ranks * far / machine.between)
    return 2 * (one_way + (ranks - 1) * machine.message)


def node_first_seconds(machine, ranks, size):
    """The same order, the grains of a node added inside it first: not written. Also the bytes of a ring over nodes."""
    if ranks <= machine.per_node:
        return flat_seconds(machine, ranks, size)
    nodes = ranks / machine.per_node
    inside = size * (machine.per_node - 1) / machine.per_node / machine.inside
    between = size / machine.per_node * (nodes - 1) / nodes / machine.between
    return 2 * (inside + between + (machine.per_node + nodes - 2) * machine.message)


def in_network_seconds(machine, ranks, size):
    """An all-reduce whose additions switches make (NVLS, SHARP), in an order of theirs: not to be had with fixed bits."""
    if ranks <= machine.per_node:
        return 0.0 if ranks == 1 else size / machine.inside + math.log2(ranks) * machine.message
    inside = size * (machine.per_node - 1) / machine.per_node / machine.inside
    return 2 * inside + size / machine.per_node / machine.between + 2 * math.log2(ranks) * machine.message


def compute_seconds(machine, shape, ranks):
    return -(-shape.batch // ranks) * shape.flops_per_grain() / machine.flops


# --- memory --------------------------------------------------------------------------------------------------------


def memory_bytes(shape, ranks):
    """As it is: weights whole, moments as slices, the tree's stack of whole gradients, what other ranks send."""
    whole = shape.gradient_bytes()
    grains = -(-shape.batch // ranks)
    stack = min(grains, 1 + max(0, math.ceil(math.log2(grains))))
    received = 0 if ranks == 1 else whole * (ranks - 1) / ranks + whole / ranks
    return whole + 2 * whole / ranks + stack * whole + received + shape.activation_bytes()


def sharded_memory_bytes(shape, ranks):
    """Weights as slices too, gathered layer by layer (ZeRO stage 3), gradients in parts, one pass at a time: not written."""
    layer = max(shape.vocab * shape.hidden, (shape.gradient_bytes() / FLOAT - 2 * shape.vocab * shape.hidden) / shape.layers)
    return 4 * shape.gradient_bytes() / ranks + 4 * layer * FLOAT + shape.activation_bytes()


# --- tables --------------------------------------------------------------------------------------------------------


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def short(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"


def shapes_table():
    rows = [[s.name, f"{s.parameters() / 1e9:.2f}", f"{s.gradient_bytes() / GIB:.1f}", str(s.batch),
             f"{s.flops_per_grain() / 1e12:.0f}"] for s in SHAPES]
    return table(["model", "parameters, 10^9", "gradient, GiB", "grains", "TFLOP per grain"], rows)


def bytes_table():
    rows = []
    for ranks in RANKS:
        row = [f"{ranks:,}"]
        for shape in SHAPES:
            sent = worst_bytes_sent(ranks, shape.chunks())
            control = control_bytes(shape.batch, ranks, shape.chunks())
            row += [f"{sent / GIB:.1f} + {control / GIB:.2f}", f"{memory_bytes(shape, ranks) / GIB:.0f}",
                    f"{sharded_memory_bytes(shape, ranks) / GIB:.0f}"]
        rows.append(row)
    header = ["ranks"]
    for shape in SHAPES:
        header += [f"{shape.name}: sent", "memory", "sharded"]
    return table(header, rows)


def time_table(machine):
    rows = []
    for shape in SHAPES:
        one = compute_seconds(machine, shape, 1)
        for ranks in RANKS:
            size = shape.gradient_bytes()
            compute = compute_seconds(machine, shape, ranks)
            ways = [way(machine, ranks, size) for way in (flat_seconds, node_first_seconds, in_network_seconds)]
            share = [f"{one / (ranks * (compute + way)):.0%}" for way in ways]
            idle = f" ({ranks - shape.batch:,} idle)" if ranks > shape.batch else ""
            rows.append([shape.name, f"{ranks:,}{idle}", str(-(-shape.batch // ranks)), short(compute), short(ways[0]),
                         share[0], short(ways[1]), share[1], short(ways[2]), share[2]])
    return table(["model", "ranks", "grains", "compute", "flat", "of linear", "node first", "of linear", "in the network",
                  "of linear"], rows)


def all_tables():
    return {"shapes": shapes_table(), "bytes": bytes_table(), "exact": time_table(EXACT), "native": time_table(NATIVE)}


# --- checks --------------------------------------------------------------------------------------------------------


def ask(program, *arguments):
    return json.loads(subprocess.run([program, *map(str, arguments), "--json"], check=True, capture_output=True).stdout)


def check_bytes(program):
    """Every shape, and chunk counts that do not divide, at every power of two."""
    wrong = 0
    for shape in SHAPES:
        for chunks in (shape.chunks(), 1001):
            for row in ask(program, "--grains", shape.batch, "--chunks", chunks, "--ranks",
                           ",".join(str(2**i) for i in range(shape.batch.bit_length()))):
                sent = bytes_sent(shape.batch, row["ranks"], chunks)
                if sum(sent) != row["total_bytes_sent"] or max(sent) != row["most_bytes_sent"]:
                    print(f"{shape.name}: {row['ranks']} ranks: {max(sent)} bytes here, {row['most_bytes_sent']} there")
                    wrong += 1
    return wrong


def check_document(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    missing = [name for name, lines in all_tables().items() if lines not in text]
    for name in missing:
        print(f"{path} does not hold the table '{name}' as it is printed now")
    return len(missing)


# --- this machine --------------------------------------------------------------------------------------------------


def exchange_seconds(program, ranks, chunks, rounds):
    mpirun = ["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "btl", "self,vader", "--mca",
              "btl_vader_single_copy_mechanism", "none", "--mca", "mpi_yield_when_idle", "1"]
    if os.geteuid() == 0:
        mpirun.append("--allow-run-as-root")
    return ask(*mpirun, "-n", ranks, program, "--chunks", chunks, "--rounds", rounds)


def measure(program):
    """Exchanges of two ranks beside bytes / rate, with the rate of the largest. The least of many exchanges counts: what
    other programs take only ever adds."""
    sizes = [4, 64, 256, 512, 1024]
    seen = {chunks: [] for chunks in sizes}
    for _ in range(3):
        for chunks in sizes:
            seen[chunks].append(exchange_seconds(program, 2, chunks, 60 if chunks < 100 else 15))
    least = {chunks: min(one["least_seconds"] for one in seen[chunks]) for chunks in sizes}
    medians = {chunks: sorted(one["median_seconds"] for one in seen[chunks]) for chunks in sizes}
    sent = {chunks: bytes_sent(64, 2, chunks)[0] for chunks in sizes}
    rate = sent[sizes[-1]] / least[sizes[-1]]
    print(f"2 ranks, {rate / 1e9:.2f} GB/s at the largest size")
    rows = [[str(c), f"{sent[c] / 2**20:.2f}", f"{least[c] * 1e3:.2f}", f"{sent[c] / rate * 1e3:.2f}",
             f"{medians[c][0] * 1e3:.2f} to {medians[c][-1] * 1e3:.2f}"] for c in sizes]
    print(table(["chunks", "MiB sent by a rank", "least, ms", "model, ms", "medians of the rounds, ms"], rows))


def main():
    parser = argparse.ArgumentParser(description="What a step costs from one rank to thousands, on paper")
    parser.add_argument("--check", metavar="PROGRAM", help="hold the byte counts against those of exchange_volume")
    parser.add_argument("--docs", metavar="FILE", help="with --check: the document that shows the tables")
    parser.add_argument("--measure", metavar="PROGRAM", help="time exchanges of two ranks on this machine")
    flags = parser.parse_args()
    if flags.measure:
        measure(flags.measure)
    elif flags.check:
        wrong = check_bytes(flags.check) + (check_document(flags.docs) if flags.docs else 0)
        sys.exit(1 if wrong else 0)
    else:
        for name, lines in all_tables().items():
            print(f"<!-- {name} -->\n{lines}\n")


if __name__ == "__main__":
    main()
