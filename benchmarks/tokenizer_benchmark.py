#!/usr/bin/env python3
"""Encoding and training beside tiktoken and Hugging Face tokenizers, in alternating rounds.

    python benchmarks/tokenizer_benchmark.py --text TEXT [--file LONG_TEXT] [--vocab 32000] [--rounds 5]
                                             [--program build/bin/tokenizer_benchmark]

Needs tokenizers==0.23.3 and tiktoken==0.14.0. Every program trains on, or encodes, the same documents of 20,000 characters
with GPT-2's pre-tokeniser; the ids and the file are compared. Training and encoding are of one thread, in seconds of the
processor, which other work on the machine stretches less. Prints the median of MB/s over the rounds, and of the ratios "time of
the peer / time of reprise" of each round with their range.

Scaling: LONG_TEXT (TEXT where it is left out) is encoded from file to file as `reprise tokenizer encode` does, by a fresh process in
every round, with one thread and with two. Where other programs use the cores, elapsed time says little; so the least time of the
processor over the rounds is printed too, and that of the thread that reads, encodes and writes: what it would take with a core for
each thread.
"""

import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import numpy as np
import tiktoken
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END_OF_TEXT = "<|endoftext|>"
PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""


class Ours:
    """One process of tokenizer_benchmark; each call is one round and returns its seconds, of the processor or elapsed."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        elapsed, processor, thread, _ = map(float, self.process.stdout.readline().split())
        self.last = {"elapsed": elapsed, "processor": processor, "calling thread": thread}
        return processor


def timed(work):
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def train(documents, vocab):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  special_tokens=[END_OF_TEXT], show_progress=False)
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer


def tiktoken_encoding(path):
    """The same model for tiktoken, which wants the bytes of each piece."""
    byte_of = {}
    extra = 0
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174:
            byte_of[chr(byte)] = byte
        else:
            byte_of[chr(256 + extra)] = byte
            extra += 1
    vocabulary = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    ranks = {bytes(byte_of[c] for c in piece): id for piece, id in vocabulary.items() if piece != END_OF_TEXT}
    return tiktoken.Encoding("peer", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={END_OF_TEXT: 0})


def report(name, megabytes, times):
    """Prints each competitor's speed, and the ratios to the first one round by round."""
    ours = times["reprise"]
    for peer, seconds in times.items():
        line = f"{name:<9} {peer:<22} {megabytes / statistics.median(seconds):8.1f} MB/s"
        if peer != "reprise":
            ratios = [theirs / mine for theirs, mine in zip(seconds, ours)]
            line += f"   {statistics.median(ratios):7.2f} x reprise's time ({min(ratios):.2f} to {max(ratios):.2f})"
        print(line, flush=True)


def measure(competitors, rounds):
    times = {name: [] for name in competitors}
    for work in competitors.values():
        work()  # warms caches, allocators and lazy tables
    for _ in range(rounds):
        for name, work in competitors.items():
            times[name].append(work())
    return times


def report_scaling(program, tokenizer, text, rounds):
    rows = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        for _ in range(rounds):
            for threads, row in rows.items():
                work = Ours(program, "file", tokenizer, text, threads, pathlib.Path(name) / f"{threads}.npy")
                work()
                row.append(work.last)
                work.process.stdin.close()
                work.process.wait()
        ids = [(pathlib.Path(name) / f"{threads}.npy").read_bytes() for threads in rows]
    for threads, row in rows.items():
        least = ", ".join(f"{key} {min(r[key] for r in row):.3f} s" for key in row[0])
        print(f"file      {text.stat().st_size / 1e6:.1f} MB, threads {threads}: least {least}")
    ratio = lambda key: [a[key] / b[key] for a, b in zip(rows[1], rows[2])]
    for key in ("elapsed", "calling thread"):
        print(f"file      {key}, 1 thread / 2: {statistics.median(ratio(key)):.2f} ({min(ratio(key)):.2f} to {max(ratio(key)):.2f})")
    print(f"file      the same file for 1 and 2 threads: {ids[0] == ids[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=pathlib.Path, required=True)
    parser.add_argument("--file", type=pathlib.Path)
    parser.add_argument("--vocab", type=int, default=32000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--training-rounds", type=int, default=2)
    parser.add_argument("--program", type=pathlib.Path, default=pathlib.Path("build/bin/tokenizer_benchmark"))
    arguments = parser.parse_args()
    text = arguments.text.read_text(encoding="utf-8", errors="replace")
    documents = [text[k : k + 20000] for k in range(0, len(text), 20000)]
    raw = [document.encode() for document in documents]
    megabytes = sum(map(len, raw)) / 1e6
    print(f"{megabytes:.1f} MB, {len(documents)} documents, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        packed, path, ids_path = folder / "documents", folder / "tokenizer.json", folder / "ids.npy"
        packed.write_bytes(b"".join(struct.pack("<I", len(d)) + d for d in raw))
        train_ours = Ours(arguments.program, "train", packed, arguments.vocab, 1, path)
        their_json = []
        times = measure({"reprise": train_ours,
                         "tokenizers": lambda: timed(lambda: their_json.append(train(documents, arguments.vocab)))[0]},
                        arguments.training_rounds)
        report("training", megabytes, times)
        same = their_json[-1].to_str(pretty=True) == path.read_text(encoding="utf-8")
        print(f"training  the same file: {same}")

        reference, peer = Tokenizer.from_file(str(path)), tiktoken_encoding(path)
        reference.encode_special_tokens = True
        ours = Ours(arguments.program, "encode", path, packed, 1, ids_path)
        times = measure({"reprise": ours, "tiktoken": lambda: timed(lambda: [peer.encode_ordinary(d) for d in documents])[0],
                         "tokenizers": lambda: timed(lambda: reference.encode_batch_fast(documents))[0]}, arguments.rounds)
        report("encoding", megabytes, times)
        ids = np.load(ids_path)
        for name, theirs in (("tokenizers", [e.ids for e in reference.encode_batch_fast(documents)]),
                             ("tiktoken", [peer.encode_ordinary(d) for d in documents])):
            print(f"encoding  the same ids as {name}: {np.array_equal(ids, np.concatenate([np.array(t) for t in theirs]))}")

        report_scaling(arguments.program, path, arguments.file or arguments.text, arguments.rounds)


if __name__ == "__main__":
    main()
