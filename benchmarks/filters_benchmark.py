#!/usr/bin/env python3
"""The rules of FineWeb's filters beside datatrove's, on the same documents: speed in alternating rounds, and verdicts.

    python3 -m venv venv && venv/bin/pip install datatrove==0.10.1 spacy nltk
    venv/bin/python benchmarks/filters_benchmark.py build/bin/filters_benchmark TEXT... [--documents 2500] [--rounds 3]

TEXT: plain text, or Dolma JSON lines (.jsonl, .jsonl.zst; English by metadata.lang). Texts are cut into documents of 4,000
characters. Documents are normalised (v1) before either side sees them. Each filter judges the text as it came.
Prints MB per second of CPU of both sides (one thread each), the share of equal verdicts (kept or dropped) per filter, and each disagreement's class.
Then, whether words are all that differs in Gopher's quality rules: the verdicts of the rules of docs/reference/filters.md, written
again here, on the words of datatrove's splitter.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
NAMES = ("gopher_repetition", "gopher_quality", "c4", "fineweb_quality")


def normalise(text):
    """docs/formats/documents.md, normalisation v1."""
    text = re.sub("\r\n|[\r\x0b\x0c]", "\n", text)
    text = re.sub("[\x00-\x08\x0e-\x1f\x7f]", "", text)
    text = "\n".join(re.sub(f"[{SPACE}]+\\Z", "", line) for line in text.split("\n"))
    return text.lstrip("\n\ufeff").rstrip("\n")


def texts_of(path):
    if path.name.endswith((".jsonl", ".jsonl.zst")):
        command = ["zstd", "-dcq", str(path)] if path.suffix == ".zst" else ["cat", str(path)]
        for line in subprocess.run(command, check=True, capture_output=True).stdout.split(b"\n"):
            if line.strip():
                document = json.loads(line)
                if document.get("metadata", {}).get("lang", "en") in ("en", "eng"):
                    yield from pieces(document["text"])
        return
    yield from pieces(path.read_text(encoding="utf-8", errors="replace"))


def pieces(text):
    return (text[begin:begin + 4000] for begin in range(0, len(text), 4000))


def read_documents(paths, limit):
    documents = []
    for path in paths:
        for text in texts_of(path):
            text = normalise(text)
            if text:
                documents.append(text)
    step = max(1, len(documents) // limit)  # spread over the input, not its beginning alone
    return documents[::step][:limit]


def make_peers():
    from datatrove.pipeline.filters import (C4QualityFilter, FineWebQualityFilter, GopherQualityFilter,
                                            GopherRepetitionFilter)
    return (GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False),
            FineWebQualityFilter())


def judge_with_peers(peers, documents):
    """Returns MB/s and, for each document, None or the reason of each filter. The word cache is shared as they share it."""
    from datatrove.data import Document
    verdicts = []
    start = time.process_time()
    for index, text in enumerate(documents):
        row = []
        for peer in peers:
            kept = peer.filter(Document(text=text, id=str(index)))
            row.append(None if kept is True else kept[1])
        verdicts.append(row)
    seconds = time.process_time() - start
    return sum(len(text.encode()) for text in documents) / 1e6 / seconds, verdicts


def run_ours(program, folder, rounds):
    out = subprocess.run([program, str(folder / "documents.jsonl"), str(rounds), str(folder / "verdicts.jsonl")],
                         check=True, capture_output=True, text=True).stdout
    return [float(line) for line in out.split()]


def class_of(name, text, ours, theirs):
    """Why the two sides disagree, from what both measured."""
    from datatrove.utils.text import split_into_words
    words = split_into_words(text)
    rule = ours["rule"] if ours else theirs
    if theirs and theirs.startswith("top_"):
        n = int(theirs[4])
        if max(collections.Counter(zip(*(words[i:] for i in range(n)))).values()) == 1:
            return "an n-gram that occurs once counts there"
    if "alpha" in rule:
        # The same words with the clitics put back, which UAX #29 does not cut off.
        whole = [word for word in words if not re.fullmatch("(?i)['\u2019](s|d|m|ll|re|ve)|n['\u2019]t", word)]
        value = sum(any(c.isalpha() for c in word) for word in whole) / len(whole)
        if (value < 0.8) == (ours is not None):
            return "words: contractions are two there"
        return "words: abbreviations keep their full stop there, identifiers their marks, and contractions are two"
    if name.startswith("gopher") and "line" not in rule and "para" not in rule and "bullet" not in rule:
        return "words: contractions are two there"
    if "sentences" in rule:
        return "sentences"
    return "lines"


def quality_on_their_words(text):
    """gopher_quality, preset fineweb, as docs/reference/filters.md has it, with spaCy's words for segments. True: kept."""
    from datatrove.utils.text import split_into_words
    words = split_into_words(text)
    real = [word for word in words if any(c.isalnum() for c in word)]
    lines = [line for line in text.split("\n") if line.strip()]
    if not 50 <= len(real) <= 100000 or not 3 <= sum(map(len, real)) / len(real) <= 10:
        return False
    if text.count("#") / len(words) > 0.1 or (text.count("...") + text.count("\u2026")) / len(words) > 0.1:
        return False
    if sum(line.lstrip().startswith(("\u2022", "-")) for line in lines) / len(lines) > 0.9:
        return False
    if sum(line.rstrip().endswith(("...", "\u2026")) for line in lines) / len(lines) > 0.3:
        return False
    if sum(any(c.isalpha() for c in word) for word in words) / len(words) < 0.8:
        return False
    return len({"the", "be", "to", "of", "and", "that", "have", "with"} & set(words)) >= 2


def compare(documents, folder, theirs):
    ours = [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]
    classes, equal = collections.Counter(), collections.Counter()
    all_equal = 0
    for text, row, peer_row in zip(documents, ours, theirs):
        same = True
        for name, peer in zip(NAMES, peer_row):
            if (row[name] is None) == (peer is None):
                equal[name] += 1
                continue
            same = False
            rule = f"ours: {row[name]['rule']}" if row[name] else f"datatrove: {peer}"
            classes[(name, class_of(name, text, row[name], peer), rule)] += 1
        all_equal += same
    kept_equal = sum((all(row[n] is None for n in NAMES)) == (not any(peer_row)) for row, peer_row in zip(ours, theirs))
    count = len(documents)
    for name in NAMES:
        kept = sum(row[name] is None for row in ours)
        print(f"{name:<18} {100 * equal[name] / count:6.2f} % equal verdicts, {kept} of {count} kept by us")
    print(f"{'all verdicts':<18} {100 * sum(equal.values()) / count / len(NAMES):6.2f} % equal")
    print(f"{'all four equal':<18} {100 * all_equal / count:6.2f} %   kept by all four or not: {100 * kept_equal / count:.2f} % equal")
    for (name, reason, rule), number in classes.most_common():
        print(f"  {number:>5}  {name}: {reason} ({rule})")
    same = sum(quality_on_their_words(text) == (row[1] is None) for text, row in zip(documents, theirs))
    print(f"gopher_quality with datatrove's words gives datatrove's verdict for {same} of {count}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("text", nargs="+", type=pathlib.Path)
    parser.add_argument("--documents", type=int, default=2500)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    documents = read_documents(arguments.text, arguments.documents)
    if not documents:
        sys.exit("no documents")
    peers = make_peers()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with open(folder / "documents.jsonl", "w", encoding="utf-8") as file:
            for index, text in enumerate(documents):
                file.write(json.dumps({"id": f"{index:08}", "text": text}, ensure_ascii=False) + "\n")
        judge_with_peers(peers, documents[:2])  # loads spaCy
        ours, theirs, verdicts = [], [], None
        for _ in range(arguments.rounds):
            ours += run_ours(arguments.program, folder, 3)
            speed, verdicts = judge_with_peers(peers, documents)
            theirs.append(speed)
        megabytes = sum(len(text.encode()) for text in documents) / 1e6
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"{len(documents)} documents, {megabytes:.2f} MB; MB per second of CPU, median (least to most)")
        print(f"reprise   {a:8.2f} ({min(ours):.2f} to {max(ours):.2f})")
        print(f"datatrove {b:8.3f} ({min(theirs):.3f} to {max(theirs):.3f})   ratio {a / b:.0f}")
        compare(documents, folder, verdicts)


if __name__ == "__main__":
    main()
