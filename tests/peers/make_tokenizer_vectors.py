#!/usr/bin/env python3
"""Makes tests/unit/data_pipeline/tokenizer_vectors.json: what Hugging Face tokenizers 0.23.3 answers.

    python tests/peers/make_tokenizer_vectors.py           # writes the file (needs tokenizers==0.23.3 and zstd)
    python tests/peers/make_tokenizer_vectors.py --check   # compares it with what would be written
"""

import argparse
import hashlib
import json
import pathlib
import random
import subprocess
import sys

import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / "tests" / "unit" / "data_pipeline" / "tokenizer_vectors.json"
END_OF_TEXT = "<|endoftext|>"

TRAINING_TEXTS = [
    "the cat sat on the mat; the cats' mats aren't the cat's.",
    "She'll say: they've gone, we're here, I'm late, he'd known. 'tis the season, don't shout!",
    "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n",
    "Straße, naïve café, Ελληνικά, русский текст, 日本語のテキスト, 한국어, العربية, हिन्दी, 😀😀😀 12345 ½ Ⅷ",
    "aaaa aaa aa a aaaaaaaa aaaaaaaa\t\t\tabababab   \r\n\r\n  end  ",
]

TEXTS = TRAINING_TEXTS + [
    "",
    " ",
    "  ",
    "\n",
    " \n ",
    "a",
    " a",
    "  a",
    "a  ",
    "'s't're've'm'll'd'S'LL",
    "x's's 's ''s !'s 1's",
    "it's' 're",
    "a\u00a0b\u3000c\u2003\u2003d\u0085e\u200bf\ufeffg",
    "tabs\tand\x0bvertical\x0cform\x1cfile\x00nul\x7fdel",
    "e\u0301 combining, o\u0308\u0323 two marks",
    "१२३ ٣٤ ² ³¹ ⅻ 〇 一二三",
    "\U00010330\U0001d7d8 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0010ffff \ue000",
    "\U000105c0\u1c89\ua7da Unicode 16 letters",
    "literally <|endoftext|> in the text",
    "a" * 200,
    "ab" * 300 + "b" * 301,
    " " * 100 + "x" + "\n" * 64,
    "-" * 49 + "=" * 48,
]

# Ill-formed UTF-8, from tables 3-8 to 3-11 of the Unicode standard and around them.
BYTES = [
    "c0af e0 80bf f0 81 82 41",
    "eda080edbfbfeda0 41",
    "f4919293ff 4180bf42",
    "e180e2f09192f1bf41",
    "ff fe fd", "80", "c3", "e282", "f09f98", "61c3", "61e28262", "f09f9880f09f98",
    "c3a9c3a9 c3", "f48fbfbf f4908080", "ed9fbf ee8080", "20ff20", "27ff73",
]


def train(texts, vocab_size, min_frequency):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.encode_special_tokens = True
    return tokenizer


def file_digest(tokenizer):
    return hashlib.sha256(tokenizer.to_str(pretty=True).encode()).hexdigest()


def corpus_texts():
    texts = []
    for path in sorted((ROOT / "corpora" / "tiny").glob("*.jsonl.zst")):
        lines = subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout
        texts += [json.loads(line)["text"] for line in lines.split(b"\n") if line]
    return texts


def random_texts(seed):
    """Long words over a few letters: overlapping pairs, equal counts, every way to merge the same run."""
    generator = random.Random(seed)
    alphabet = ["ab", "abc", "aab ", "a b\u00e9"][seed % 4]
    return ["".join(generator.choice(alphabet) for _ in range(generator.randint(100, 1500))) for _ in range(3)]


def pieces(text):
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    return [text[begin:end] for _, (begin, end) in splitter.pre_tokenize_str(text)]


def make():
    small = train(TRAINING_TEXTS, 400, 1)
    corpus = corpus_texts()
    tiny = train(corpus, 4096, 2)
    trainings = []
    for seed in range(12):
        texts, vocab_size, min_frequency = random_texts(seed), 270 + 60 * seed, seed % 4
        trainings.append({"texts": texts, "vocab_size": vocab_size, "min_frequency": min_frequency,
                          "sha256": file_digest(train(texts, vocab_size, min_frequency))})
    repaired = [bytes.fromhex(value).decode("utf-8", errors="replace") for value in BYTES]
    return {
        "made_by": f"tests/peers/make_tokenizer_vectors.py with tokenizers {tokenizers.__version__}",
        "small": {"texts": TRAINING_TEXTS, "vocab_size": 400, "min_frequency": 1, "sha256": file_digest(small)},
        "trainings": trainings,
        "corpus": {"vocab_size": 4096, "min_frequency": 2, "sha256": file_digest(tiny),
                   "num_tokens": sum(len(e.ids) for e in tiny.encode_batch(corpus))},
        "encodings": [{"text": t, "pieces": pieces(t), "ids": small.encode(t).ids} for t in TEXTS],
        "ill_formed": [{"bytes": b.replace(" ", ""), "repaired": r, "ids": small.encode(r).ids}
                       for b, r in zip(BYTES, repaired)],
    }


def render(answers):
    """One line per member, and one per element of its lists."""
    members = []
    for key, value in answers.items():
        if isinstance(value, list):
            body = "[\n" + ",\n".join("  " + json.dumps(element) for element in value) + "\n ]"
        else:
            body = json.dumps(value)
        members.append(f" {json.dumps(key)}: {body}")
    return "{\n" + ",\n".join(members) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = render(make())
    if not arguments.check:
        TARGET.write_text(text, encoding="ascii")
    elif TARGET.read_text(encoding="ascii") != text:
        sys.exit(f"{TARGET.name} differs from what this script makes")


if __name__ == "__main__":
    main()
