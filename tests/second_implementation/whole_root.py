#!/usr/bin/env python3
"""The root of a whole run (docs/formats/manifest.md), every artefact computed here: from files, and from the second
implementation's own training and scores. Needs zstandard; tokenizers without merges alone.

whole_root.py RUN CORPUS_DIR SUITE.txt          of `reprise eval suite --pairs N`, whose sentences are in no document
"""
import json
import sys

import numpy as np

import run_files as rf
from host_values import LOG_2
from second_implementation import Run


def lines_of(path):
    return [json.loads(line) for line in rf.zstandard().ZstdDecompressor().stream_reader(open(path, "rb")).read().decode().splitlines()]


def documents_digest(run, which):
    """documents.md, Digests"""
    leaves = []
    for d in lines_of(f"{run}/data/{which}.jsonl.zst"):
        m = d["metadata"]
        fields = [("s", k, v.encode()) for k, v in (("id", d["id"]), ("text", d["text"]), ("source", d["source"]), ("kind", m.get("kind", "")),
                                                    ("lang", m.get("lang", "")), ("license", m.get("license", "")))]
        domain = "reprise.document.v1"
        if which == "dropped":
            x, domain = d["dropped"], "reprise.dropped_document.v1"
            fields += [("s", "rule", x["rule"].encode()), ("d", "value", float(x["value"])), ("d", "threshold", float(x["threshold"])),
                       ("s", "survivor", x["survivor"].encode())]
        leaves.append(rf.canonical(domain, *fields))
    root = rf.merkle(leaves)
    return rf.canonical(f"reprise.documents.{which}.v1", ("u", "count", len(leaves)), ("h", "root", root))


def report_digest(run):
    r = json.load(open(f"{run}/data/report.json"))
    fields = [("u", "text_bytes", r["read"]["text_bytes"]), ("u", "normalised_bytes", r["read"]["normalised_bytes"]), ("u", "rows", len(r["rows"]))]
    for row in r["rows"]:
        fields += [("s", k, row[k].encode()) for k in ("source", "lang", "kind", "split", "rule")]
        fields += [("u", k, row[k]) for k in ("documents", "bytes", "tokens") if k in row]
    fields.append(("u", "edits", len(r["edits"])))
    for e in r["edits"]:
        fields += [("s", "rule", e["rule"].encode())] + [("u", k, e[k]) for k in ("documents", "lines", "bytes")]
    return rf.canonical("reprise.report.v1", *fields)


def corpus_digest(recipe, folder):
    fields, files = [], sorted(f["path"] for f in recipe["data"]["file"])
    fields.append(("u", "files", len(files)))
    for name in files:
        data = rf.zstandard().ZstdDecompressor().stream_reader(open(f"{folder}/{name}", "rb")).read()
        fields += [("s", "file", name.encode()), ("u", "bytes", len(data)), ("s", "sha256", rf.sha(data).hex().encode())]
    return rf.canonical("reprise.corpus.v1", *fields)


class Scorer:
    """eval_results.md; streams of one length are scored together, for losses do not depend on what shares a batch"""
    def __init__(self, run):
        self.run, self.length = run, run.train["sequence_length"]

    def losses(self, streams):
        windows = [(n, i, s[i:i + self.length + 1]) for n, s in enumerate(streams) for i in range(0, len(s) - 1, self.length)]
        result, by_length = {}, {}
        for w in windows:
            by_length.setdefault(len(w[2]), []).append(w)
        for group in by_length.values():
            for at in range(0, len(group), 16):
                part = group[at:at + 16]
                x = np.stack([w[2] for w in part])
                losses = self.run.decoder.losses(self.run.weights, x[:, :-1], x[:, 1:])[0].reshape(len(part), -1)
                result.update({w[:2]: row.tolist() for w, row in zip(part, losses)})
        return [[x for i in range(0, len(s) - 1, self.length) for x in result[n, i]] for n, s in enumerate(streams)]

    def checkpoint_fields(self, pairs, token_of_byte):
        end, shards = self.run.shards.end_of_text, self.run.held_out
        sums = {}
        losses = self.losses([np.concatenate([[end], d["tokens"]]) for d in shards.documents])
        for d, x in zip(shards.documents, losses):
            size = sum(self.run.token_bytes[t] for t in d["tokens"])
            for name in ("all", d["language"]):
                s = sums.setdefault(name, [0, 0, 0, 0.0])
                s[0], s[1], s[2] = s[0] + 1, s[1] + len(d["tokens"]), s[2] + size
                for v in x:
                    s[3] += v
        fields = [("u", "held_out", len(sums))]
        for name in ["all"] + sorted((n for n in sums if n != "all"), key=str.encode):
            n, tokens, size, nll = sums[name]
            fields += [("s", "name", name.encode()), ("u", "documents", n), ("u", "tokens", tokens), ("u", "bytes", size), ("d", "nll_nats", nll),
                       ("d", "bits_per_byte", nll / LOG_2 / size)]
        streams = [np.array([end] + [token_of_byte[b] for b in (" " + s).encode()]) for p in pairs for s in p[1:]]
        scores, counts = [-sum_of(x) for x in self.losses(streams)], {}
        for i, p in enumerate(pairs):
            for name in ("all", p[0]):
                c = counts.setdefault(name, [0, 0])
                c[0], c[1] = c[0] + 1, c[1] + (scores[2 * i] > scores[2 * i + 1])
        fields.append(("u", "pairs", len(counts)))
        for name in ["all"] + sorted((n for n in counts if n != "all"), key=str.encode):
            fields += [("s", "name", name.encode()), ("u", "pairs", counts[name][0]), ("u", "correct", counts[name][1])]
        return fields


def sum_of(values):
    total = 0.0
    for v in values:
        total += v
    return total


def bytes_of_tokens(tokenizer):
    """tokenizer.md, "Ids of a trained tokenizer": 1 to 256 are the bytes in the order of their characters"""
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in own]
    character = {b: chr(b) for b in own} | {b: chr(256 + i) for i, b in enumerate(others)}
    assert not tokenizer["model"]["merges"]
    return [tokenizer["model"]["vocab"][character[b]] for b in range(256)]


def main(folder, corpus, suite):
    run = Run(folder)
    pairs = [line.rstrip("\n").split("\t") for line in open(suite) if line.count("\t") == 2]
    tokenizer = open(f"{folder}/tokenizer/tokenizer.json", "rb").read()
    suite_hash = rf.canonical("reprise.suite.v1", ("u", "pairs", len(pairs)),
                              *[("s", k, v.encode()) for p in pairs for k, v in zip(("phenomenon", "good", "bad"), p)])
    n, scheduled = run.recipe["eval"]["num_checkpoints"], sorted(run.scheduled)
    evaluated = sorted({min(scheduled, key=lambda s: (abs(s - i * run.plan.num_steps / (n - 1)), s)) for i in range(n)})
    scorer, checkpoints, frames, scores = Scorer(run), [], [], []
    for name, frame in run.records():
        frames.append(frame)
        if name.startswith("checkpoint"):
            checkpoints.append((f"checkpoints/step-{run.step:06d}", run.previous_root))
            if run.step in evaluated:
                scores += [("u", "step", run.step), ("h", "checkpoint_root", run.previous_root)]
                scores += scorer.checkpoint_fields(pairs, bytes_of_tokens(json.loads(tokenizer)))
    results = rf.canonical("reprise.eval.v1", ("h", "suite", suite_hash), ("u", "checkpoints", len(evaluated)), *scores)
    artefacts = [("corpus", corpus_digest(run.recipe, corpus)), ("recipe", run.recipe_hash),
                 ("contract", rf.canonical("reprise.contract.v1", ("s", "numerics", run.recipe["numerics"].encode()),
                                           ("u", "version", run.recipe["contract_version"])))]
    artefacts += [(f"data/{w}", documents_digest(folder, w)) for w in ("train", "held_out", "dropped")]
    artefacts += [("data/report", report_digest(folder)), ("tokenizer", rf.sha(tokenizer)), ("shards/train", run.shards.root),
                  ("shards/held_out", run.held_out.root), *checkpoints, ("run.log", rf.chain(frames)), ("eval/suite", suite_hash),
                  ("eval/results", results)]
    root = rf.merkle([rf.canonical("reprise.artefact.v1", ("s", "name", n.encode()), ("h", "content", d)) for n, d in artefacts])
    published = json.load(open(f"{folder}/manifest.json"))
    for (name, digest), theirs in zip(artefacts, published["artefacts"], strict=True):
        print("same   " if (name, digest.hex()) == (theirs["name"], theirs["digest"]) else "DIFFERS", name, digest.hex())
    same = root.hex() == published["root"]
    print("SAME" if same else "DIFFERENT", "root", root.hex())
    return not same


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
