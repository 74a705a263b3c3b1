#!/usr/bin/env python3
"""Recomputes the root of a set of token shards from its files, as docs/formats/shard.md describes it.

    check_shards.py FOLDER STEM     # prints the root; exits 1 when a hash or a root in the files differs

Needs h5py. Other checks may import shards_root.
"""

import hashlib
import pathlib
import sys

import h5py

TEXT_COLUMNS = ("id", "language", "kind", "source", "source_file")


class Canonical:
    """docs/formats/canonical_encoding.md: typed, named fields behind a domain."""

    def __init__(self, domain):
        self.data = len(domain).to_bytes(8, "little") + domain.encode()

    def field(self, tag, name, payload):
        self.data += tag + len(name).to_bytes(4, "little") + name.encode() + payload
        return self

    def u64(self, name, value):
        return self.field(b"u", name, int(value).to_bytes(8, "little"))

    def string(self, name, value):
        return self.field(b"s", name, len(value).to_bytes(8, "little") + value)

    def digest(self, name, value):
        return self.field(b"h", name, value)

    def finish(self):
        return hashlib.sha256(self.data).digest()


def merkle_root(leaves):
    """RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def document_leaves(file):
    offsets, tokens = file["document_offsets"][()], file["tokens"][()]
    columns = {name: (file[name + "_offsets"][()], file[name + "_bytes"][()].tobytes()) for name in TEXT_COLUMNS}
    lines, sizes = file["source_line"][()], file["num_bytes"][()]
    for k in range(len(offsets) - 1):
        ids = tokens[offsets[k] : offsets[k + 1] - 1]
        leaf = Canonical("reprise.document_tokens.v1")
        for name, (begins, data) in columns.items():
            leaf.string(name, data[begins[k] : begins[k + 1]])
        leaf.u64("source_line", lines[k]).u64("num_bytes", sizes[k]).u64("num_tokens", len(ids))
        yield leaf.digest("tokens", hashlib.sha256(ids.astype("<u2").tobytes()).digest()).finish()


def shards_root(folder, stem):
    leaves, num_tokens, index = [], 0, 0
    while True:
        path = pathlib.Path(folder) / f"{stem}-{index:05}.h5"
        with h5py.File(path, "r") as file:
            for name, dataset in file.items():
                if hashlib.sha256(dataset[()].tobytes()).hexdigest() != dataset.attrs["sha256"].decode():
                    sys.exit(f"{path}: {name}: another SHA-256")
            attributes = file.attrs
            leaves += document_leaves(file)
            num_tokens += len(file["tokens"])
            root = (
                Canonical("reprise.token_set.v1")
                .u64("vocab_size", attributes["vocab_size"])
                .u64("end_of_text", attributes["end_of_text"])
                .digest("tokenizer", bytes.fromhex(attributes["tokenizer_sha256"].decode()))
                .u64("num_documents", len(leaves))
                .u64("num_tokens", num_tokens)
                .digest("documents", merkle_root(leaves))
                .finish()
            )
            if root.hex() != attributes["root"].decode():
                sys.exit(f"{path}: another root")
            if attributes["is_last"]:
                return root
        index += 1


if __name__ == "__main__":
    print(shards_root(sys.argv[1], sys.argv[2]).hex())
