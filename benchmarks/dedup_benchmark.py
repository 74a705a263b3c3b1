#!/usr/bin/env python3
"""MinHash deduplication beside datatrove's, on the same documents, in alternating rounds; and what each finds.

    dedup_benchmark.py --program "build/bin/reprise data" --input FILE.jsonl... [--megabytes 10] [--rounds 3] [--work DIR]
                       [--sweep 10,40] [--sample 300]

Documents are those of the inputs; a quarter of them comes a second time with every k-th word replaced (k from 5 to 160), so that
there is something to find. Both programs use one thread. datatrove (0.10.1, spacy) runs its four stages with its defaults: 5-grams,
14 buckets of 8 hashes, xxHash in 64 bits. Its import, and reading the input for ours, are inside the time. --sweep also times ours
on other sizes. Recall: all pairs of a sample with the Jaccard similarity of their sets of 5-grams, and how many of them share a
component, beside 1 - (1 - s^8)^14.

Run it with a Python that has datatrove and spacy installed.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

WORD = re.compile(r"\w+")


def read_documents(paths):
    for path in paths:
        command = ["zstd", "-dcq", path] if path.endswith(".zst") else ["cat", path]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            for line in process.stdout:
                yield json.loads(line)["text"]


def altered(text, every, source):
    """Replaces one word in `every`, at places chosen at random."""
    return re.sub(r"\S+", lambda m: f"x{source.randrange(10**6)}y" if source.randrange(every) == 0 else m.group(), text)


def write_input(texts, megabytes, path):
    source = random.Random(1)
    size, count = 0, 0
    with open(path, "w", encoding="utf-8") as out:
        for text in texts:
            # Long texts are cut into documents of web size.
            for begin in range(0, len(text), 6000):
                piece = text[begin:begin + 6000]
                copies = [piece]
                if source.randrange(4) == 0:
                    copies.append(altered(piece, source.choice([5, 10, 20, 40, 80, 160]), source))
                for copy in copies:
                    out.write(json.dumps({"id": f"{count:08}", "text": copy}, ensure_ascii=False) + "\n")
                    size += len(copy.encode())
                    count += 1
            if size >= megabytes * 1e6:
                break
    return size, count


def run_ours(program, path, out):
    start = time.perf_counter()
    subprocess.run([*shlex.split(program), "dedup", str(path), "--out", str(out), "--threads", "1", "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


DATATROVE = """
import sys
from datatrove.executor.local import LocalPipelineExecutor as Executor
from datatrove.pipeline.dedup import MinhashDedupSignature, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
source, name, work = sys.argv[1:]
config = MinhashConfig()
def run(pipeline, tasks, log):
    Executor(pipeline, tasks=tasks, workers=1, logging_dir=f"{work}/logs/{log}").run()
reader = lambda: JsonlReader(source, glob_pattern=name)
run([reader(), MinhashDedupSignature(f"{work}/signatures", config)], 1, 1)
run([MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config)], 14, 2)
run([MinhashDedupCluster(f"{work}/buckets", f"{work}/removed", config=config)], 1, 3)
run([reader(), MinhashDedupFilter(f"{work}/removed", exclusion_writer=JsonlWriter(f"{work}/dropped", compression=None)),
     JsonlWriter(f"{work}/kept", compression=None)], 1, 4)
"""


def run_datatrove(path, out):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", DATATROVE, str(path.parent), path.name, str(out)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def dropped_by_ours(out):
    data = subprocess.run(["zstd", "-dcq", f"{out}/dropped.jsonl.zst"], capture_output=True, check=True).stdout
    return {d["id"]: d["dropped"]["survivor"] for d in map(json.loads, data.splitlines())}


def dropped_by_datatrove(out):
    return {json.loads(line)["id"] for path in pathlib.Path(out, "dropped").glob("*") for line in open(path, encoding="utf-8")}


def shingles(text):
    words = WORD.findall(text.lower())
    return {tuple(words[i:i + 5]) for i in range(len(words) - 4)}


def recall(path, dropped, sample):
    """Prints, by similarity, how many pairs of a sample there are and how many share a component."""
    texts = {}
    for line in open(path, encoding="utf-8"):
        document = json.loads(line)
        texts[document["id"]] = document["text"]
    names = sorted(texts)
    # Pairs of neighbours hold the altered copies; all pairs of the sample hold the rest.
    chosen = random.Random(2).sample(range(len(names) - 1), min(sample, len(names) - 1))
    sets = {names[k]: shingles(texts[names[k]]) for i in chosen for k in (i, i + 1)}
    members = sorted(sets)
    table = collections.defaultdict(lambda: [0, 0, 0.0])
    for i, a in enumerate(members):
        for b in members[i + 1:]:
            union = len(sets[a] | sets[b])
            similarity = len(sets[a] & sets[b]) / union if union else 0
            if similarity < 0.3:
                continue
            row = table[int(similarity * 10)]
            row[0] += 1
            row[1] += dropped.get(a, a) == dropped.get(b, b)
            row[2] += 1 - (1 - similarity**8)**14
    print("\nsimilarity   pairs   found   share   1-(1-s^8)^14, mean over the pairs")
    for tenth, (pairs, found, expected) in sorted(table.items()):
        print(f"{tenth / 10:.1f} to {tenth / 10 + 0.1:.1f} {pairs:7} {found:7}   {found / pairs:.3f}   {expected / pairs:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/bin/reprise data")
    parser.add_argument("--input", nargs="+", required=True)
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sweep", default="")
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--work")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        work = pathlib.Path(arguments.work or stack.enter_context(tempfile.TemporaryDirectory()))
        if work.is_dir() and any(work.iterdir()):
            parser.error(f"--work {work} is not empty: datatrove would take its finished stages from there")
        path = work / "input" / "documents.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        size, count = write_input(read_documents(arguments.input), arguments.megabytes, path)
        print(f"{count} documents, {size / 1e6:.1f} MB of text; load average {os.getloadavg()[0]:.1f}")
        ratios = []
        for i in range(arguments.rounds):
            ours = run_ours(arguments.program, path, work / "ours")
            theirs = run_datatrove(path, work / f"datatrove{i}")
            ratios.append(theirs / ours)
            print(f"round {i + 1}: ours {size / 1e6 / ours:.1f} MB/s, datatrove {size / 1e6 / theirs:.3f} MB/s, "
                  f"ratio {ratios[-1]:.0f}", flush=True)
        if ratios:
            print(f"median ratio {statistics.median(ratios):.0f}")
            a, b = dropped_by_ours(work / "ours"), dropped_by_datatrove(work / "datatrove0")
            print(f"dropped: ours {len(a)}, datatrove {len(b)}")
        recall(path, dropped_by_ours(work / "ours"), arguments.sample)
        for megabytes in map(float, filter(None, arguments.sweep.split(","))):
            size, count = write_input(read_documents(arguments.input), megabytes, path)
            times = [run_ours(arguments.program, path, work / "ours") for _ in range(3)]
            print(f"{size / 1e6:.1f} MB, {count} documents: {min(times) / size * 1e9:.1f} ms/MB (best of 3)")


if __name__ == "__main__":
    main()
