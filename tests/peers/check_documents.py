#!/usr/bin/env python3
"""Builds the documents of a run again, from docs/formats/documents.md and docs/reference/filters.md alone, and compares
them with RUN/data. Python's standard library and the zstd program; shares no code with Reprise.

usage: check_documents.py CORPUS_DIR RUN [disabled part ...]     (recipe: tiny's filters with these parts switched off)
"""
import collections
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import unicodedata

SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
POLICY = ["terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"]
REQUIRED = ["the", "be", "to", "of", "and", "that", "have", "with"]
OFF = set()


def lines_of(path):
    return subprocess.run(["zstd", "-dc", str(path)], check=True, capture_output=True).stdout.decode().split("\n")[:-1]


def normalise(text):
    text = re.sub("\r\n|\r|\v|\f", "\n", text)
    text = re.sub("[\x00-\x08\x0e-\x1f\x7f]", "", text)
    text = "\n".join(line.rstrip(SPACE) for line in text.split("\n"))
    return text.lstrip("\n\ufeff").rstrip("\n")


def words_of(text):
    return [w for w in re.split("[" + SPACE + "]+", text) if w]


def lines_with_text(text):
    return [line for line in text.split("\n") if line.strip(SPACE)]


def ratio(a, b):
    return a / b if b else 0.0


def gopher_quality(text):
    words, lines = words_of(text), lines_with_text(text)
    n = len(words)
    mean = ratio(sum(map(len, words)), n)
    bullets = ratio(sum(line.strip(SPACE)[0] in "\u2022-" for line in lines), len(lines))
    ellipses = ratio(sum(line.rstrip(SPACE).endswith(("...", "\u2026")) for line in lines), len(lines))
    letters = ratio(sum(any(unicodedata.category(c)[0] == "L" for c in w) for w in words), n)
    yield "gopher_word_count", n, 50, n < 50
    yield "gopher_word_count", n, 100000, n > 100000
    yield "gopher_mean_word_length", mean, 3, mean < 3
    yield "gopher_mean_word_length", mean, 10, mean > 10
    hashes = ratio(text.count("#"), n)
    yield "gopher_symbol_ratio.hash", hashes, 0.1, hashes > 0.1
    dots = ratio(text.count("...") + text.count("\u2026"), n)
    yield "gopher_symbol_ratio.ellipsis", dots, 0.1, dots > 0.1
    yield "gopher_bullet_lines", bullets, 0.9, bullets > 0.9
    yield "gopher_ellipsis_lines", ellipses, 0.3, ellipses > 0.3
    yield "gopher_alphabetic_words", letters, 0.8, letters < 0.8
    required = len(set(words) & set(REQUIRED))
    yield "gopher_stop_words", required, 2, required < 2


def duplicates(items):
    seen, count, characters = set(), 0, 0
    for item in items:
        if item in seen:
            count, characters = count + 1, characters + len(item)
        seen.add(item)
    return ratio(count, len(items)), characters


def gopher_repetition(text):
    size, words = len(text), words_of(text)
    paragraphs, run = [], []
    for line in text.split("\n") + [""]:
        if line.strip(SPACE):
            run.append(line)
        elif run:
            paragraphs.append("\n".join(run))
            run = []
    line_share, line_characters = duplicates(lines_with_text(text))
    paragraph_share, paragraph_characters = duplicates(paragraphs)
    for rule, value, limit in (
            ("lines", line_share, 0.30), ("paragraphs", paragraph_share, 0.30),
            ("line_characters", ratio(line_characters, size), 0.20),
            ("paragraph_characters", ratio(paragraph_characters, size), 0.20)):
        yield "gopher_duplicate_" + rule, value, limit, value > limit
    for n, limit in ((2, 0.20), (3, 0.18), (4, 0.16)):
        grams = [tuple(words[i:i + n]) for i in range(len(words) - n + 1)]
        top = collections.Counter(grams).most_common(1)
        value = ratio(len(" ".join(top[0][0])) * top[0][1], size) if top and top[0][1] > 1 else 0.0
        yield f"gopher_top_ngrams.{n}", value, limit, value > limit
    for n, limit in zip(range(5, 11), (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)):
        seen, i, characters = set(), 0, 0
        while i + n <= len(words):
            gram = tuple(words[i:i + n])
            if gram in seen:
                characters, i = characters + sum(map(len, gram)), i + n
            else:
                seen.add(gram)
                i += 1
        value = ratio(characters, size)
        yield f"gopher_duplicate_ngrams.{n}", value, limit, value > limit


def count_sentences(line):
    pieces = re.split("[.?!\u2026][.?!\u2026\"')\\]\u2019\u201d]*[" + SPACE + "]", line)
    return sum(any(unicodedata.category(c)[0] in "LN" for c in piece) for piece in pieces)


def c4(text):
    kept, sentences = [], 0
    for raw in text.split("\n"):
        whole = raw.strip(SPACE)
        if not whole:
            continue
        line = whole if "c4_citations" in OFF else re.sub(r"\[[0-9]*\]|\[edit\]|\[citation needed\]", "", whole).strip(SPACE)
        if "c4_max_word_length" not in OFF and any(len(w) > 1000 for w in words_of(whole)):
            continue
        if "c4_terminal_punctuation" not in OFF and (
                not line.endswith((".", "?", "!", '"', "\u201d")) or line.endswith("...")):
            continue
        if "c4_min_words_per_line" not in OFF and len(words_of(line)) < 3:
            continue
        lower = "".join(c.lower() if c.isascii() else c for c in line)
        if "c4_lorem_ipsum" not in OFF and "lorem ipsum" in lower:
            return text, ("c4_lorem_ipsum", lower.count("lorem ipsum"), 0)
        if "c4_javascript" not in OFF and "javascript" in lower:
            continue
        if "c4_curly_bracket" not in OFF and "{" in line:
            return text, ("c4_curly_bracket", line.count("{"), 0)
        if "c4_policy" not in OFF and any(phrase in lower for phrase in POLICY):
            continue
        if line:
            kept.append(line)
            sentences += count_sentences(line)
    if "c4_min_sentences" not in OFF and sentences < 5:
        return text, ("c4_min_sentences", sentences, 5)
    return "\n".join(kept), None


def judge(text, kind, language):
    """Returns the text and the drop, or None."""
    if not text:
        return text, ("empty_text", 0, 1)
    if (kind, language) != ("natural", "en"):
        return text, None
    for rules in (gopher_quality, gopher_repetition):
        for rule, value, limit, dropped in rules(text):
            if dropped and rule.split(".")[0] not in OFF:
                return text, (rule, value, limit)
    edited, drop = c4(text)
    if drop or not edited:
        return text, drop or ("empty_text", 0, 1)
    return edited, None


def expected_documents(corpus):
    documents = {}
    for path in sorted(corpus.glob("*.jsonl.zst")):
        for number, line in enumerate(lines_of(path), 1):
            if not line.strip():
                continue
            raw = json.loads(line)
            text, drop = judge(normalise(raw["text"]), raw["metadata"]["kind"], raw["metadata"]["lang"])
            documents[raw["id"]] = [text, drop, "", (path.name, number)]
    first = collections.defaultdict(list)
    for name in sorted(documents, key=str.encode):
        if not documents[name][1]:
            first[documents[name][0]].append(name)
    for names in first.values():
        for name in names[1:]:
            documents[name][1:3] = ("exact_duplicate", len(names), 1), names[0]
    return documents


def main():
    corpus, run = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    OFF.update(sys.argv[3:])
    expected, found = expected_documents(corpus), 0
    for name in ("train", "held_out", "dropped"):
        ids = []
        for line in lines_of(run / "data" / f"{name}.jsonl.zst"):
            document = json.loads(line)
            text, drop, survivor, place = expected[document["id"]]
            got = document.get("dropped", {})
            want = {"rule": drop[0], "value": drop[1], "threshold": drop[2], "survivor": survivor} if drop else {}
            fraction = int.from_bytes(hashlib.sha256(b"reprise.held_out.v1" + document["id"].encode()).digest()[:8],
                                      "big") / 2**64
            split = "dropped" if drop else "held_out" if fraction < 0.05 else "train"
            assert (split, want, text) == (name, got, document["text"]), (document["id"], split, want, got)
            assert place == (document["metadata"]["file"], document["metadata"]["line"]), document["id"]
            ids.append(document["id"].encode())
        assert ids == sorted(ids), name
        found += len(ids)
    assert found == len(expected), (found, len(expected))
    print(f"{found} documents as expected")


if __name__ == "__main__":
    main()
