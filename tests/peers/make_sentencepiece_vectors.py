#!/usr/bin/env python3
"""Makes tests/unit/data_pipeline/sentencepiece/: small models, and what the sentencepiece wheel answers for them.

    python tests/peers/make_sentencepiece_vectors.py           # writes models and vectors (needs sentencepiece==0.2.3)
    python tests/peers/make_sentencepiece_vectors.py --check   # compares the vectors with the committed models' answers

unigram.model: unigram pieces and normaliser nmt_nfkc, as T5 has. bpe.model: BPE pieces, no normaliser, byte fallback, digits
split, as Llama 2 and Mistral have. user_defined.model: unigram pieces, some of which are user-defined, and a score so low
that a few unknown characters bring the sum of scores to where the wheel moves it back to 0, as long texts do.
"""

import argparse
import json
import os
import pathlib
import struct
import sys

import sentencepiece

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "unit" / "data_pipeline" / "sentencepiece"
TRAINING = [
    "the cat sat on the mat; the cats' mats aren't the cat's.", "in 1999, 2000 and 2024: 3.14159; 100,000.00",
    "She'll say they've gone, we're here, I'm late, he'd known.", "Straße, naïve café, Ελληνικά, русский текст",
    "def add(a, b): return a + b", "日本語のテキスト 한국어",
] * 20
TEXTS = [
    "", " ", "a", " a", "the cat sat on the mat", "  two  spaces  ", "line\nfeed\ttab", "1234 5.6", "café cafe\u0301 ｆｕｌｌ ①",
    "日本語のテキスト", "😀 \u200b\ufeff", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "\u2581 \u2581a", "<s> </s> <unk> <0x0A>", "nul\x00byte",
    "unknown \U0001f600 \u0e01", "  ", "a\u00a0b\u3000c", "She'llat 1999he", "the cat sat in 1999 at the mat aaaa",
    "abba ab cab", "the cats sat", "<sep> a<sep>b", "\u0e01\u0e01 0000 00000 the cats",
]


def train(name, **options):
    os.chdir(FOLDER)  # the model records the path that it is given
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TRAINING), model_prefix=name, num_threads=1, minloglevel=2, **options)
    (FOLDER / f"{name}.vocab").unlink()


def set_score(name, piece, score):
    """Changes a score in the file: field 1 of a piece is its text, field 2 its score, of 4 bytes."""
    path, field = FOLDER / f"{name}.model", b"\x0a" + bytes([len(piece)]) + piece + b"\x15"
    before, after = path.read_bytes().split(field)
    path.write_bytes(before + field + struct.pack("<f", score) + after[4:])


def answers(name):
    model = sentencepiece.SentencePieceProcessor(model_file=str(FOLDER / f"{name}.model"))
    ids = [model.encode(text) for text in TEXTS]
    return {"ids": ids, "decoded": [model.decode(i) for i in ids], "vocab_size": model.vocab_size()}


def render():
    content = {"made_by": f"tests/peers/make_sentencepiece_vectors.py with sentencepiece {sentencepiece.__version__}",
               "texts": TEXTS, **{name: answers(name) for name in ("unigram", "bpe", "user_defined")}}
    return json.dumps(content, indent=0) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    target = FOLDER / "vectors.json"
    if arguments.check:
        if target.read_text(encoding="ascii") != render():
            sys.exit(f"{target.name} differs from what the models answer")
        return
    FOLDER.mkdir(exist_ok=True)
    train("unigram", model_type="unigram", vocab_size=150, normalization_rule_name="nmt_nfkc", hard_vocab_limit=False)
    train("bpe", model_type="bpe", vocab_size=420, normalization_rule_name="identity", byte_fallback=True,
          split_digits=True, remove_extra_whitespaces=False)
    train("user_defined", model_type="unigram", vocab_size=150, normalization_rule_name="identity", hard_vocab_limit=False,
          user_defined_symbols=["ab", "<sep>", "ats", "the c"])
    set_score("user_defined", b"+", -1e9)
    target.write_text(render(), encoding="ascii")


if __name__ == "__main__":
    main()
