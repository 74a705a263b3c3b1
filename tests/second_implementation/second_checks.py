#!/usr/bin/env python3
"""More of the documents: averages of checkpoints ([C-50], docs/formats/average.md), packed checkpoints (checkpoint.md,
"Differences"; needs zstandard) and held-out scores (eval_results.md). The exit code is 1 when something differs.

second_checks.py average FILE...
second_checks.py differences PACKED_RUN SAME_RUN_UNPACKED
second_checks.py held_out RUN FIGURES.json      of `reprise eval RUN --tasks held_out --json`
"""
import glob
import json
import sys

import h5py
import numpy as np

import run_files as rf
from exact_decoder import Decoder
from host_values import LOG_2
from run_files import SCHEMA


VERDICTS = {True: "same", False: "DIFFER"}


def ema_weights(decay, count):
    p, result = 1.0, []
    for i in range(count, 0, -1):
        result.insert(0, (1 - decay) * p if i > 1 else p)
        p = p * decay
    return result


def check_average(path):
    f = h5py.File(path)
    a, kind = f.attrs, f["sources"].attrs["kind"]
    places = [p.split("@") for p in f["sources/places"][()].tobytes().decode().splitlines()]
    paths = [p[0] if len(p) == 1 else f"{p[0]}/checkpoints/step-{int(p[1]):06d}.h5" for p in places]
    steps, weights, roots = (f["sources/" + n][()] for n in ("steps", "weights", "roots"))
    sources = [rf.read_checkpoint(p)[1]["weights"] for p in paths]
    names = sorted(f["weights"], key=lambda n: f["weights"][n].attrs["index"])
    values_same, tensors = True, []
    for name in names:
        s, total = np.zeros(sources[0][name].shape), 0.0
        for w, source in zip(weights.tolist(), sources):
            s, total = s + w * source[name].astype(np.float64), total + w
        ours = (s / total).astype(np.float32)
        tensors.append((name, ours))
        values_same = values_same and ours.tobytes() == f["weights"][name][()].tobytes()
    values = {n: bytes.fromhex(a[n].decode()) for n in ("recipe_hash", "data_root", "previous_root")}
    header = rf.checkpoint_header_digest({n: values[n] if n in values else a[n].item() for n in rf.HEADER_FIELDS})
    fields = [("s", "kind", kind), ("u", "num_sources", len(steps))]
    for r, s, w in zip(roots, steps.tolist(), weights.tolist()):
        fields += [("h", "root", r.tobytes()), ("u", "step", s), ("d", "weight", w)]
    recipe = rf.canonical("reprise.average.v1", *fields, ("h", "header", header))
    root_same = rf.merkle([recipe] + list(rf.tensor_digests(tensors))).hex() == a["root"].decode()
    ema_same = kind != b"ema" or any(ema_weights(d, len(steps)) == weights.tolist() for d in (0.9, 0.8))
    print(f"{path}: {kind.decode()}, values {VERDICTS[values_same]}, root {VERDICTS[root_same]}, weights {VERDICTS[ema_same]}")
    return values_same and root_same and ema_same


def decoded(anchor, data):
    """the values of one packed tensor, given those of its anchor"""
    parts = []
    for piece in (anchor[i:i + 2 ** 20] for i in range(0, anchor.size, 2 ** 20)):
        frame = rf.zstandard().ZstdDecompressor().decompressobj()
        planes = np.frombuffer(frame.decompress(data), np.uint8).reshape(4, -1).astype(np.uint32)
        data = frame.unused_data
        u = planes[0] | planes[1] << 8 | planes[2] << 16 | planes[3] << 24
        in_place = np.empty_like(u)
        in_place[np.argsort(piece >> 23 & 255, kind="stable")] = u
        parts.append(piece + np.where(in_place & 1, ~(in_place >> 1), in_place >> 1))
    assert not data
    return np.concatenate(parts).astype(np.uint32).view(np.float32)


def check_differences(packed, whole):
    anchors, verdicts = {}, []
    for path in sorted(glob.glob(f"{packed}/checkpoints/step-*.h5")):
        f = h5py.File(path)
        if f.attrs["format"] == b"reprise.checkpoint.v1":
            anchors[f.attrs["root"]] = {n: d[()] for n, d in f["weights"].items()}
            continue
        reference, anchor, same = rf.read_checkpoint(path.replace(packed, whole))[1]["weights"], anchors[f.attrs["anchor_root"]], True
        for name, d in f["weight_deltas"].items():
            ours = decoded(anchor[name].reshape(-1).view(np.uint32), d[()].tobytes())
            same = same and ours.reshape(json.loads(d.attrs["shape"])).tobytes() == reference[name].tobytes()
        print(f"{path}: anchor {int(f.attrs['anchor_step'])}, {VERDICTS[same]}")
        verdicts.append(same)
    return all(verdicts) and len(verdicts) > 0


def check_held_out(run, figures):
    figures = json.load(open(figures))
    recipe = rf.Schema(SCHEMA).parse(f"{run}/recipe.pbtxt", "RunConfig")["recipe"]
    length = recipe["train"]["sequence_length"]
    shards = rf.TokenSet(f"{run}/shards", "held_out")
    decoder = Decoder(recipe, shards.end_of_text, length)
    weights = rf.read_checkpoint(f"{run}/checkpoints/step-{figures['step']:06d}.h5")[1]["weights"]
    groups = {"all": 0.0}
    for d in shards.documents:
        stream = np.concatenate([[shards.end_of_text], d["tokens"]])
        for i in range(0, len(stream) - 1, length):
            part = stream[i:i + length + 1]
            for x in decoder.losses(weights, part[None, :-1], part[None, 1:])[0].tolist():
                for group in ("all", d["language"]):
                    groups[group] = groups.get(group, 0.0) + x
    if {g["name"] for g in figures["held_out"]} != set(groups):
        raise SystemExit(f"the program has other groups: {[g['name'] for g in figures['held_out']]}")
    wrong = [g["name"] for g in figures["held_out"]
             if g["nll_nats"] != groups[g["name"]] or g["bits_per_byte"] != groups[g["name"]] / LOG_2 / g["bytes"]]
    print(f"held-out scores of {len(groups)} groups: {VERDICTS[not wrong]} {', '.join(wrong)}; all: {groups['all']!r}")
    return not wrong


def main(kind, *arguments):
    if kind == "average":
        return all([check_average(path) for path in arguments])
    return {"differences": check_differences, "held_out": check_held_out}[kind](*arguments)


if __name__ == "__main__":
    raise SystemExit(not main(*sys.argv[1:]))
