"""Readers of what a run has, from docs/formats: canonical_encoding.md, config.md, shard.md (and the order of samples, [C-26] of
docs/numeric_contract.md), tokenizer.md, checkpoint.md, run_log.md."""
import glob
import hashlib
import json
import math
import os
import re
import struct
import zlib
from fractions import Fraction

import h5py
import numpy as np

from exact_arithmetic import philox

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../configs/proto/config.proto")


def zstandard():
    """only where packed files are read"""
    try:
        import zstandard
    except ImportError:
        raise SystemExit("error: this Python has no zstandard, which reads packed files\n"
                         "hint: apt-get install python3-zstandard, or pip install zstandard") from None
    return zstandard


# --- docs/formats/canonical_encoding.md
def sha(data):
    return hashlib.sha256(data).digest()


def entry(kind, name, value):
    if kind == "s":
        payload = struct.pack("<Q", len(value)) + value
    else:
        payload = value if kind == "h" else struct.pack({"i": "<q", "d": "<d"}.get(kind, "<Q"), value)
    return kind.encode() + struct.pack("<I", len(name)) + name.encode() + payload


def canonical(domain, *fields):
    return sha(struct.pack("<Q", len(domain)) + domain.encode() + b"".join(entry(*f) for f in fields))


def merkle(leaves):                                                 # "Merkle tree" there
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1" + merkle(leaves[:split]) + merkle(leaves[split:]))


# --- docs/formats/config.md: the schema, a config in protobuf text, its defaults, its hash
class Schema:
    def __init__(self, path):
        self.messages, name = {}, None
        text = re.sub(r"//[^\n]*", "", open(path).read())
        for m in re.finditer(r"message (\w+) \{|(optional|repeated) (\w+) (\w+) = (\d+)\s*(?:\[(.*?)\])?;", text, re.S):
            if m[1]:
                name = m[1]
                self.messages[name] = []
            elif name:
                default = re.search(r"\bdefault = (\"[^\"]*\"|[^,\]\s]+)", m[6] or "")
                self.messages[name].append({"repeated": m[2] == "repeated", "type": m[3], "name": m[4], "number": int(m[5]),
                                            "default": default and default[1], "later": "added_later" in (m[6] or ""),
                                            "zero": "zero_is_a_value" in (m[6] or "")})

    def value(self, kind, text):
        if kind in self.messages:
            raise TypeError
        if text is None:
            return {"bool": False, "double": 0.0, "string": ""}.get(kind, 0)
        return {"bool": lambda: text == "true", "double": lambda: float(text), "string": lambda: text.strip('"')}.get(
            kind, lambda: int(text))()

    def parse(self, path, message):
        text = re.sub(r"^\s*#[^\n]*", "", open(path).read(), flags=re.M)
        tokens = re.findall(r"\"(?:\\.|[^\"])*\"|[{}\[\]:,]|[^\s{}\[\]:,\"]+", text)
        return self._parse_message(tokens, message)

    def _parse_message(self, tokens, message):
        result = {"given": set()}
        fields = {f["name"]: f for f in self.messages[message]}
        while tokens and tokens[0] != "}":
            f = fields[tokens.pop(0)]
            if tokens[0] == ":":
                tokens.pop(0)
            if f["type"] in self.messages:
                tokens.pop(0)
                v = self._parse_message(tokens, f["type"])
                tokens.pop(0)
            else:
                v = self.value(f["type"], tokens.pop(0))
            result["given"].add(f["name"])
            if f["repeated"]:
                result.setdefault(f["name"], []).append(v)
            else:
                result[f["name"]] = v
        return self.with_defaults(result, message)

    def with_defaults(self, value, message):
        for f in self.messages[message]:
            if f["name"] in value:
                continue
            if f["repeated"]:
                value[f["name"]] = []
            elif f["type"] not in self.messages:
                value[f["name"]] = self.value(f["type"], f["default"])
            elif not f["later"]:
                value[f["name"]] = self.with_defaults({"given": set()}, f["type"])
        return value

    def hash(self, value, message):
        return canonical(f"reprise.configs.{message}.v1", *self._entries(value, message, ""))

    def _entries(self, value, message, prefix):
        for f in sorted(self.messages[message], key=lambda f: f["number"]):
            path, is_message = prefix + f["name"], f["type"] in self.messages
            given, v = f["name"] in value["given"], value.get(f["name"])
            if f["repeated"]:
                if f["later"] and not v:
                    continue
                yield ("u", path, len(v))
                for i, element in enumerate(v):
                    yield from self._one(f, f"{path}[{i}]", element)
            elif is_message:
                if f["later"]:
                    if not given:
                        continue
                    yield ("b", path, 1)
                yield from self._one(f, path, v)
            elif not (f["later"] and v == self.value(f["type"], f["default"])):
                if f["zero"] and given and v == 0:
                    yield ("b", path, 1)
                yield from self._one(f, path, v)

    def _one(self, f, path, v):
        if f["type"] in self.messages:
            yield from self._entries(v, f["type"], path + ".")
        else:
            kind = {"double": "d", "bool": "b", "string": "s"}.get(f["type"], "u")
            yield (kind, path, v.encode() if kind == "s" else v)


# --- docs/formats/shard.md
class TokenSet:
    def __init__(self, folder, stem):
        self.documents, leaves, streams = [], [], []
        for path in sorted(glob.glob(f"{folder}/{stem}-*.h5")):
            with h5py.File(path) as f:
                for name, dataset in f.items():
                    assert sha(dataset[()].tobytes()).hex() == dataset.attrs["sha256"].decode(), (path, name)
                tokens, offsets = f["tokens"][()], f["document_offsets"][()].tolist()
                texts = {}
                for c in ("id", "language", "kind", "source", "source_file"):
                    o, b = f[c + "_offsets"][()].tolist(), f[c + "_bytes"][()].tobytes()
                    texts[c] = [b[o[i]:o[i + 1]] for i in range(len(o) - 1)]
                lines, sizes = f["source_line"][()].tolist(), f["num_bytes"][()].tolist()
                for i in range(len(lines)):
                    ids = tokens[offsets[i]:offsets[i + 1]]
                    self.documents.append({c: texts[c][i].decode() for c in texts} | {"tokens": ids})
                    leaves.append(canonical(
                        "reprise.document_tokens.v1", *[("s", c, texts[c][i]) for c in texts], ("u", "source_line", lines[i]),
                        ("u", "num_bytes", sizes[i]), ("u", "num_tokens", len(ids) - 1),
                        ("h", "tokens", sha(ids[:-1].astype("<u2").tobytes()))))
                streams.append(tokens)
                self.vocab_size, self.end_of_text = int(f.attrs["vocab_size"]), int(f.attrs["end_of_text"])
                self.tokenizer = bytes.fromhex(f.attrs["tokenizer_sha256"].decode())
                stored_root = f.attrs["root"].decode()
        self.stream = np.concatenate(streams).astype(np.int64)
        self.root = canonical("reprise.token_set.v1", ("u", "vocab_size", self.vocab_size), ("u", "end_of_text", self.end_of_text),
                              ("h", "tokenizer", self.tokenizer), ("u", "num_documents", len(leaves)),
                              ("u", "num_tokens", len(self.stream)), ("h", "documents", merkle(leaves)))
        assert self.root.hex() == stored_root


# --- [C-26], shard.md "Order of sequences", "Groups and stages", mixtures.md "Counts"
def permuted(k, size, epoch, seed, group=0):
    half = 1
    while 4 ** half < size:
        half += 1
    mask = (1 << half) - 1
    while True:
        left, right = k >> half, k & mask
        for r in range(8):
            left, right = right, left ^ (int(philox((2, epoch, 8 * group + r, right), seed)[0]) & mask)
        k = left << half | right
        if k < size:
            return k


def glob_matches(pattern, text):
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), text, re.S) is not None


class SampleOrder:
    def __init__(self, train, token_set, seed, stage_samples):
        self.length, self.seed, self.stages = train["sequence_length"], seed, []
        self.streams = [token_set.stream]
        if train["group"]:
            names, parts = [g["name"] for g in train["group"]], [[] for _ in train["group"]]
            for d in token_set.documents:
                parts[next(i for i, g in enumerate(train["group"]) if self._takes(g, d))].append(d["tokens"])
            self.streams = [np.concatenate(p).astype(np.int64) if p else np.zeros(0, np.int64) for p in parts]
            drawn = [0] * len(names)
            for stage, samples in zip(train["stage"], stage_samples):
                counts = self._counts(stage, samples, names)
                self.stages.append((samples, counts, list(drawn)))
                drawn = [d + c for d, c in zip(drawn, counts)]

    @staticmethod
    def _takes(group, d):
        return ((not group["source"] or any(glob_matches(p, d["source"]) for p in group["source"])) and
                (not group["language"] or d["language"] in group["language"]) and
                (not group["kind"] or d["kind"] in group["kind"]))

    def _size(self, group):
        return (len(self.streams[group]) - 1) // self.length

    def _counts(self, stage, total, names):
        counts, weights = [0] * len(names), [0] * len(names)
        greatest = max((s["weight"] for s in stage["share"]), default=0)
        for s in stage["share"]:
            g = names.index(s["group"])
            if "epochs" in s["given"]:
                counts[g] = math.floor(s["epochs"] * self._size(g) + 0.5)
            elif "token_budget" in s["given"]:
                counts[g] = s["token_budget"] // self.length
            else:
                weights[g] = max(1, math.floor(s["weight"] / greatest * 2 ** 40 + 0.5))
        if not any(weights):
            return self._divide(total, counts)
        return [c + d for c, d in zip(counts, self._divide(total - sum(counts), weights))]

    @staticmethod
    def _divide(total, weights):
        quotas = [Fraction(total * w, sum(weights)) for w in weights]
        result = [math.floor(q) for q in quotas]
        by_remainder = sorted(range(len(weights)), key=lambda i: (result[i] - quotas[i], i))
        for i in by_remainder[:total - sum(result)]:
            result[i] += 1
        return result

    def sequence(self, ordinal):
        """inputs and targets of the sample with this global ordinal"""
        group, draw = 0, ordinal
        if self.stages:
            i, stage = ordinal, 0
            while i >= self.stages[stage][0]:
                i, stage = i - self.stages[stage][0], stage + 1
            t, counts, drawn = self.stages[stage]
            for group, c in enumerate(counts):
                if c == 0:
                    continue
                b = lambda i: (2 * i * c + t) // (2 * t)
                if b(i + 1) > b(i):
                    draw = drawn[group] + b(i)
                    break
                i, t = i - b(i), t - c
        s = permuted(draw % self._size(group), self._size(group), draw // self._size(group), self.seed, group)
        part = self.streams[group][s * self.length:(s + 1) * self.length + 1]
        return part[:-1], part[1:]


def batch_hash(inputs, targets):                                    # training.md, "One step"
    return canonical("reprise.batch.v1", ("u", "num_sequences", len(inputs)), ("u", "sequence_length", inputs.shape[1]),
                     ("s", "inputs", inputs.astype("<i4").tobytes()), ("s", "targets", targets.astype("<i4").tobytes()))


def token_bytes(path):
    """[C-44]: bytes of text of each id, whatever stands around it; docs/formats/tokenizer.md"""
    tokenizer = json.load(open(path))
    decoders = tokenizer["decoder"] or {"type": None}
    decoders = decoders.get("decoders", [decoders])
    at_byte_level = any(d["type"] == "ByteLevel" for d in decoders)
    bytes_fall_back = any(d["type"] == "ByteFallback" for d in decoders)
    added = {t["content"]: t["id"] for t in tokenizer["added_tokens"]}
    sizes = {}
    for piece, i in (tokenizer["model"]["vocab"] | added).items():
        if at_byte_level:
            sizes[i] = len(piece.encode()) if piece in added else len(piece)
            continue
        if bytes_fall_back and re.fullmatch("<0x[0-9A-F]{2}>", piece):
            sizes[i] = 1
            continue
        for d in decoders:
            if d["type"] == "Metaspace":                             # Strip does nothing in the middle of a text
                piece = piece.replace(d["replacement"], " ")
            elif d["type"] == "Replace":
                piece = piece.replace(d["pattern"]["String"], d["content"])
        sizes[i] = len(piece.encode())
    sizes.update({t["id"]: 0 for t in tokenizer["added_tokens"] if t["special"]})
    return [sizes.get(i, 0) for i in range(max(sizes) + 1)]


# --- docs/formats/checkpoint.md
def tensor_digests(tensors):
    for name, values in tensors:
        data, dims = values.astype("<f4").tobytes(), [("i", "dim", n) for n in values.shape]
        chunks = [("h", "chunk", sha(data[i:i + 16384])) for i in range(0, len(data), 16384)]
        yield canonical("reprise.tensor.v1", ("s", "name", name.encode()), ("s", "dtype", b"float32"), *dims, *chunks)


def state_digest(step, digests):
    return canonical("reprise.state.v1", ("u", "step", step), *[("h", "tensor", d) for d in digests])


HEADER_FIELDS = {"step": "u", "tokens_seen": "u", "next_sample": "u", "adam_step": "u", "beta1_power": "d", "beta2_power": "d",
                 "seed": "u", "contract_version": "u", "recipe_hash": "h", "data_root": "h", "previous_root": "h"}


def checkpoint_header_digest(header):
    return canonical("reprise.checkpoint.v1", *[(kind, name, header[name]) for name, kind in HEADER_FIELDS.items()])


def checkpoint_root(header, digests):
    return merkle([checkpoint_header_digest(header)] + digests)


def read_checkpoint(path):
    with h5py.File(path) as f:
        parts = {part: {n: d[()] for n, d in f[group].items()} for part, group in
                 (("weights", "weights"), ("first_moments", "optimizer/first_moments"), ("second_moments", "optimizer/second_moments"))
                 if group in f}
        return dict(f.attrs), parts, {n: int(d.attrs["index"]) for n, d in f["weights"].items()}


# --- docs/formats/run_log.md; the numbers of the fields are those of the table there
def _varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def protobuf(*fields):
    """fields in order of number from 1; None is left out"""
    out = b""
    for number, value in enumerate(fields, 1):
        if value is None:
            continue
        wire, payload = 2, value
        if isinstance(value, np.float32):
            wire, payload = 5, struct.pack("<f", value)
        elif isinstance(value, float):
            wire, payload = 1, struct.pack("<d", value)
        elif isinstance(value, int):
            wire, payload = 0, _varint(value)
        out += _varint(number << 3 | wire) + (_varint(len(payload)) if wire == 2 else b"") + payload
    return out


def frame(kind, *fields):
    """kind: 1 header, 2 step, 3 checkpoint, 4 evaluation"""
    record = protobuf(*fields)
    payload = _varint(kind << 3 | 2) + _varint(len(record)) + record
    return struct.pack("<II", len(payload), zlib.crc32(payload)) + payload


def chain(frames):
    c = bytes(32)
    for f in frames:
        c = sha(c + f)
    return c


def split_frames(data):
    frames, at = [], 0
    while at < len(data):
        size = 8 + struct.unpack_from("<I", data, at)[0]
        frames.append(data[at:at + size])
        at += size
    return frames
