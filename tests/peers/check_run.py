#!/usr/bin/env python3
"""Checks a finished run with nothing of Reprise's own code: h5py, hashlib, protobuf; PyTorch for the second part.

usage: check_run.py RUN [--torch] [--steps N]

Part one recomputes from the files: the root of every checkpoint (tensor by tensor) and its chain, the hash chain of
run.log, the agreement of both, the tokenizer's hash, the root of the shards, the root of the manifest.
Part two (--torch) loads the weights of step 0 into a plain PyTorch model, reads the batches from the shards in the order
of the keyed permutation, trains, and compares the losses with the logged ones.

Needs: h5py numpy protobuf (and protoc on PATH); zstandard where checkpoints are stored as differences; --torch needs torch. Exit code 0: everything agrees.
"""
import argparse
import hashlib
import importlib
import json
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import zlib

import h5py
import numpy as np

from checkpoint_delta import apply_delta

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CHUNK = 4096


# ---- canonical encoding (docs/formats/canonical_encoding.md) and Merkle trees (RFC 6962)
class Canonical:
    def __init__(self, domain):
        self.hash = hashlib.sha256(struct.pack("<Q", len(domain)) + domain.encode())

    def field(self, tag, name, payload):
        self.hash.update(tag + struct.pack("<I", len(name)) + name.encode() + payload)
        return self

    def u64(self, name, value):
        return self.field(b"u", name, struct.pack("<Q", value))

    def i64(self, name, value):
        return self.field(b"i", name, struct.pack("<q", value))

    def f64(self, name, value):
        return self.field(b"d", name, struct.pack("<d", value))

    def string(self, name, value):
        return self.field(b"s", name, struct.pack("<Q", len(value.encode())) + value.encode())

    def digest(self, name, value):
        return self.field(b"h", name, value)

    def finish(self):
        return self.hash.digest()


def merkle(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + merkle(leaves[:split]) + merkle(leaves[split:])).digest()


def fail(message):
    sys.exit(f"check_run: {message}")


def require(condition, message):
    if not condition:
        fail(message)


def compiled(folder_of_schema, name):
    """The Python module of a protobuf schema."""
    folder = tempfile.mkdtemp()
    subprocess.run(["protoc", f"-I{SOURCE}/{folder_of_schema}", "-I/usr/include", f"--python_out={folder}", f"{name}.proto"],
                   check=True)
    sys.path.insert(0, folder)
    return importlib.import_module(f"{name}_pb2")


# ---- run.log (docs/formats/run_log.md)


def read_run_log(path):
    module = compiled("logs/proto", "run_log")
    data, offset, chain, records = path.read_bytes(), 0, bytes(32), []
    while offset < len(data):
        length, crc = struct.unpack_from("<II", data, offset)
        frame = data[offset : offset + 8 + length]
        require(len(frame) == 8 + length, f"{path}: torn record at offset {offset}")
        require(zlib.crc32(frame[8:]) == crc, f"{path}: CRC differs at offset {offset}")
        chain = hashlib.sha256(chain + frame).digest()
        record = module.RunLogRecord()
        record.ParseFromString(frame[8:])
        records.append(record)
        offset += len(frame)
    return records, chain


# ---- checkpoints (docs/formats/checkpoint.md)
PARTS = [
    ("weights", "digests/weights"),
    ("optimizer/first_moments", "digests/first_moments"),
    ("optimizer/second_moments", "digests/second_moments"),
]
HEADER = ["step", "tokens_seen", "next_sample", "adam_step", "beta1_power", "beta2_power", "seed", "contract_version",
          "recipe_hash", "data_root", "previous_root"]


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def schema_order(names):
    """Order of the tensors in the flat buffer: embedding, layers, final norm, head."""
    inner = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "self_attn.q_norm",
             "self_attn.k_norm", "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
             "post_feedforward_layernorm"]

    def key(name):
        if name.startswith("model.embed_tokens"):
            return (0, 0, 0)
        if name.startswith("model.layers."):
            layer, rest = name[len("model.layers."):].split(".", 1)
            return (1, int(layer), inner.index(rest[: -len(".weight")]))
        return (2, 0, 0) if name == "model.norm.weight" else (3, 0, 0)

    return sorted(names, key=key)


def tensor_digest(name, shape, chunks):
    hasher = Canonical("reprise.tensor.v1").string("name", name).string("dtype", "float32")
    for dim in shape:
        hasher.i64("dim", dim)
    for chunk in chunks:
        hasher.digest("chunk", chunk)
    return hasher.finish()


def chunks_of(array):
    flat = np.ascontiguousarray(array, dtype="<f4").reshape(-1)
    return [hashlib.sha256(flat[i : i + CHUNK].tobytes()).digest() for i in range(0, flat.size, CHUNK)]


def read_weights(path, file):
    """Returns the weights by name, in the order of the schema, from their values or their differences from an anchor."""
    if "weights" in file:
        return {name: file["weights"][name][...] for name in schema_order(list(file["weights"]))}
    anchor_path = path.parent / f"step-{int(file.attrs['anchor_step']):06d}.h5"
    require(anchor_path.exists(), f"{path}: its anchor {anchor_path.name} is not there")
    with h5py.File(anchor_path, "r") as anchor:
        require(text(anchor.attrs["root"]) == text(file.attrs["anchor_root"]), f"{path}: {anchor_path.name} has another root")
        return {
            name: apply_delta(file["weight_deltas"][name][...].tobytes(), anchor["weights"][name][...])
            for name in schema_order(list(file["weight_deltas"]))
        }


def read_checkpoint(path):
    """Returns header, root, state digest; every stored tensor is hashed again."""
    with h5py.File(path, "r") as file:
        header = {name: file.attrs[name] for name in HEADER}
        weights = read_weights(path, file)
        names = list(weights)
        shapes = {name: weights[name].shape for name in names}
        hasher = Canonical("reprise.checkpoint.v1")
        for name in HEADER:
            value = header[name]
            if name.endswith("_power"):
                hasher.f64(name, float(value))
            elif name.endswith(("_hash", "_root")):
                header[name] = bytes.fromhex(text(value))
                hasher.digest(name, header[name])
            else:
                header[name] = int(value)
                hasher.u64(name, header[name])
        leaves = [hasher.finish()]
        state = Canonical("reprise.state.v1").u64("step", header["step"])
        for group, digests in PARTS:
            stored = [bytes(row) for row in file[digests][...]]
            position = 0
            for name in names:
                count = -(-int(np.prod(shapes[name])) // CHUNK)
                chunks = stored[position : position + count]
                position += count
                if group == "weights" or group in file:
                    values = weights[name] if group == "weights" else file[group][name][...]
                    require(chunks_of(values) == chunks, f"{path}: {group}/{name} differs from its digests")
                leaves.append(tensor_digest(name, shapes[name], chunks))
                state.digest("tensor", leaves[-1])
            require(position == len(stored), f"{path}: {digests} holds {len(stored)} chunks, the tensors {position}")
        root = merkle(leaves)
        require(root.hex() == text(file.attrs["root"]), f"{path}: the stored root is not that of its contents")
        return header, root, state.finish()


def pruned_checkpoints(run):
    """Roots and parents of the files that were taken away on purpose, by step."""
    path = run / "checkpoints" / "pruned.json"
    pruned = json.loads(path.read_text())["pruned"] if path.exists() else []
    return {p["step"]: (bytes.fromhex(p["root"]), bytes.fromhex(p["previous_root"])) for p in pruned if p["what"] == "file"}


def check_checkpoints(run, records, artefacts):
    logged = {r.checkpoint.step: r.checkpoint.root for r in records if r.HasField("checkpoint")}
    states = {r.step.step: r.step.state for r in records if r.HasField("step")}
    previous = bytes(32)
    files = {int(path.stem.split("-")[1]): path for path in (run / "checkpoints").glob("step-*.h5")}
    pruned = {step: roots for step, roots in pruned_checkpoints(run).items() if step not in files}
    for step in sorted(files.keys() | pruned.keys()):
        name = f"step-{step:06d}"
        if step in pruned:
            root, parent = pruned[step]
        else:
            header, root, state = read_checkpoint(files[step])
            parent = header["previous_root"]
            require(step == header["step"], f"{name}: holds step {header['step']}")
            require(step == 0 or states[step] == state, f"{name}: run.log holds another state digest")
        require(parent == previous, f"{name}: does not follow the checkpoint before it")
        require(logged.get(step) == root, f"{name}: run.log holds another root")
        require(artefacts[f"checkpoints/{name}"] == root.hex(), f"{name}: the manifest holds another root")
        previous = root
    listed = sum(name.startswith("checkpoints/") for name in artefacts)
    require(len(files) + len(pruned) == listed, f"checkpoints are missing: {len(files)} of {listed} are there")
    return len(files)


# ---- manifest (docs/formats/manifest.md)
def read_manifest(run):
    manifest = json.loads((run / "manifest.json").read_text())
    leaves = [
        Canonical("reprise.artefact.v1").string("name", a["name"]).digest("content", bytes.fromhex(a["digest"])).finish()
        for a in manifest["artefacts"]
    ]
    require(merkle(leaves).hex() == manifest["root"], "manifest.json: the root is not that of its artefacts")
    return manifest["root"], {a["name"]: a["digest"] for a in manifest["artefacts"]}


def part_one(run):
    root, artefacts = read_manifest(run)
    records, chain = read_run_log(run / "run.log")
    require(artefacts["run.log"] == chain.hex(), "run.log: the manifest holds another chain")
    require(records[0].HasField("header"), "run.log: no header record")
    require(records[0].header.recipe_hash.hex() == artefacts["recipe"], "run.log: another recipe than the manifest")
    tokenizer = hashlib.sha256((run / "tokenizer" / "tokenizer.json").read_bytes()).hexdigest()
    require(artefacts["tokenizer"] == tokenizer, "tokenizer.json: the manifest holds another hash")
    for stem in ("train", "held_out"):
        require(artefacts[f"shards/{stem}"] == shards_root(run, stem).hex(), f"shards/{stem}: the manifest holds another root")
    require(records[0].header.data_root.hex() == artefacts["shards/train"], "run.log: trained on other shards")
    count = check_checkpoints(run, records, artefacts)
    steps = sum(r.HasField("step") for r in records)
    print(f"part one: {count} checkpoints, {steps} steps, {len(artefacts)} artefacts agree; root={root}")
    return records


# ---- shards (docs/formats/shard.md)
def text_column(file, name):
    offsets, data = file[f"{name}_offsets"][()], file[f"{name}_bytes"][()].tobytes()
    return [data[offsets[i] : offsets[i + 1]].decode() for i in range(len(offsets) - 1)]


def read_shards(run, stem):
    """Returns the token stream, the leaves of the documents and the attributes of the last file."""
    tokens, leaves, attributes = [], [], {}
    for path in sorted((run / "shards").glob(f"{stem}-*.h5")):
        with h5py.File(path, "r") as file:
            for name in file:
                stored = text(file[name].attrs["sha256"])
                require(hashlib.sha256(file[name][()].tobytes()).hexdigest() == stored, f"{path}: {name} differs from its hash")
            attributes = {name: text(value) for name, value in file.attrs.items()}
            columns = {name: text_column(file, name) for name in ("id", "language", "kind", "source", "source_file")}
            offsets, stream = file["document_offsets"][()], file["tokens"][()].astype("<u2")
            for i in range(len(offsets) - 1):
                ids = stream[offsets[i] : offsets[i + 1] - 1]
                leaf = Canonical("reprise.document_tokens.v1")
                for name, values in columns.items():
                    leaf.string(name, values[i])
                leaf.u64("source_line", int(file["source_line"][i])).u64("num_bytes", int(file["num_bytes"][i]))
                leaf.u64("num_tokens", len(ids)).digest("tokens", hashlib.sha256(ids.tobytes()).digest())
                leaves.append(leaf.finish())
            tokens.append(stream)
    return np.concatenate(tokens), leaves, attributes


def shards_root(run, stem):
    tokens, leaves, attributes = read_shards(run, stem)
    root = (
        Canonical("reprise.token_set.v1")
        .u64("vocab_size", int(attributes["vocab_size"]))
        .u64("end_of_text", int(attributes["end_of_text"]))
        .digest("tokenizer", bytes.fromhex(attributes["tokenizer_sha256"]))
        .u64("num_documents", len(leaves))
        .u64("num_tokens", len(tokens))
        .digest("documents", merkle(leaves))
        .finish()
    )
    require(root.hex() == attributes["root"], f"shards/{stem}: the stored root is not that of its contents")
    return root


# ---- part two: a plain PyTorch model
def read_recipe(recipe_text):
    from google.protobuf import text_format

    return text_format.Parse(recipe_text, compiled("configs/proto", "config").RunConfig()).recipe


def check_skipped_steps(recipe, logged):
    """Decides again which steps were spikes ([C-43]), from the logged losses and norms."""
    if not recipe.train.HasField("spike_skipping"):
        require(not any(step.HasField("skipped") for step in logged), "steps are skipped without train.spike_skipping")
        return
    rule = recipe.train.spike_skipping
    for i, step in enumerate(logged):
        window = logged[max(0, i - rule.window) : i]
        limits = {}
        for name, watched in (("loss", rule.loss), ("gradient_norm", rule.gradient_norm)):
            values = [getattr(s, name) for s in window]
            if watched and len(values) >= 2 and len(values) + 1 >= rule.window // 2:
                mean = statistics.fmean(values)
                limits[name] = mean + rule.sigma * statistics.stdev(values)
        passed = {name for name, limit in limits.items() if getattr(step, name) > limit}
        said = {name for name in limits if step.skipped.HasField(f"{name}_limit")}
        require(passed == said, f"step {step.step}: the log says {said or 'no'} spike, its values say {passed or 'none'}")
        require(step.HasField("skipped") == bool(said), f"step {step.step}: skipped without a limit")


def check_batch_sizes(train, logged):
    """Counts the sequences of every step again ([C-45])."""
    sizes = []
    for size in train.batch_warmup:
        steps = size.steps or -(-size.tokens // (size.sequences * train.sequence_length))
        sizes += [size.sequences] * steps
    first = logged[0].first_sample
    for step in logged:
        size = sizes[step.step - 1] if step.step <= len(sizes) else train.batch_sequences
        require((step.first_sample, step.num_samples) == (first, size), f"step {step.step}: does not read [{first}, {first + size})")
        first += size


def refuse_what_pytorch_does_not_follow(recipe):
    train = recipe.train
    for name, given in (("train.group", train.group), ("train.document_mask", train.document_mask),
                        ("parent", recipe.HasField("parent")),
                        ("numerics", recipe.numerics != "exact")):
        require(not given, f"part two does not follow runs with recipe.{name}")
    require(train.learning_rate.shape == "cosine", f"part two follows the shape cosine, not {train.learning_rate.shape}")
    for name in ("warmup_tokens", "shape_steps"):
        require(not train.learning_rate.HasField(name), f"part two does not follow runs with recipe.train.learning_rate.{name}")


def part_two(run, records, num_steps):
    from olmo2_training import follow_losses  # needs torch

    recipe = read_recipe(records[0].header.recipe_text)
    refuse_what_pytorch_does_not_follow(recipe)
    tokens, _, _ = read_shards(run, "train")
    with h5py.File(run / "checkpoints" / "step-000000.h5", "r") as file:
        weights = read_weights(run / "checkpoints" / "step-000000.h5", file)
    logged = [r.step for r in records if r.HasField("step")]
    check_skipped_steps(recipe, logged)
    check_batch_sizes(recipe.train, logged)
    logged = logged[:num_steps]
    worst = 0.0
    for step, (loss, z_loss) in zip(logged, follow_losses(recipe, weights, tokens, logged)):
        difference = max(abs(loss - step.loss), abs(z_loss - step.z_loss))
        worst = max(worst, difference)
        require(difference < 1e-4, f"step {step.step}: PyTorch's loss is {loss}, run.log holds {step.loss}")
    print(f"part two: PyTorch follows the losses of {len(logged)} steps, largest difference {worst:.2e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--torch", action="store_true", help="also train the first steps in PyTorch")
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    records = part_one(arguments.run)
    if arguments.torch:
        part_two(arguments.run, records, arguments.steps)


if __name__ == "__main__":
    main()
