#!/usr/bin/env python3
"""Makes tests/unit/data_pipeline/tokenizer_kinds.json: tokenizer.json files of many kinds, and what Hugging Face
tokenizers 0.23.3 answers for each.

    python tests/peers/make_tokenizer_kinds.py           # writes the file (needs tokenizers==0.23.3)
    python tests/peers/make_tokenizer_kinds.py --check   # compares it with what would be written

A kind is a set of parts that replace those of one of two models: "bytes" (byte-level BPE) and "characters" (BPE over
characters with byte fallback). "ids" are Tokenizer.encode(text).ids; "plain" those after encode_special_tokens = True
and without special tokens added; "decoded" is Tokenizer.decode(ids).
"""

import argparse
import hashlib
import json
import pathlib
import random
import sys

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / "tests" / "unit" / "data_pipeline" / "tokenizer_kinds.json"

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = CL100K.replace("{1,3}", "")
CASES = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]%s[\p{Ll}\p{Lm}\p{Lo}\p{M}]%s"
LEAD = r"[^\r\n\p{L}\p{N}]?"
AFTER = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = "|".join([LEAD + CASES % ("*", "+") + CONTRACTION, LEAD + CASES % ("+", "*") + CONTRACTION, r"\p{N}{1,3}", AFTER])
TEKKEN = "|".join([LEAD + CASES % ("*", "+"), LEAD + CASES % ("+", "*"), r"\p{N}", AFTER])
TRAINING = [
    "the cat sat on the mat; THE CATS' mats aren't the cat's. She'LL say they've gone, I'm late, he'd known.",
    "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\r\n\treturn a - b  \n",
    "Straße, naïve café, Ελληνικά, русский текст, 日本語のテキスト, 한국어, العربية, हिन्दी, 😀😀 12345 678 ½ Ⅷ",
    "in 1999, 2000 and 2024: 3.14159; 100,000.00 <|a|> <|b|> [INST] hello world </s> e\u0301 o\u0308\u0323",
]
TEXTS = [
    "", " ", "  ", "\n", " \n \r\n", "a", " a", "  a", "a  ", "the cat's mats", "'S'T'Re'VE'm'lL'D x'ſs 'ſ y'ſa 'ꞌs",
    "1 12 123 1234 12345 1234567 ١٢٣٤٥ ½½½½ ⅧⅧ a1b22c333d4444", "\n\n  x\n \n  y  \r\n\r\n", "...\n\n!!!\r\n  ?? \n",
    "\u00a0\u00a0x \u3000y\u2028\u2029z \u0085", "e\u0301 o\u0308\u0323 o\u0323\u0308 \u1e69 s\u0307\u0323 A\u030a \u212b \u2126",
    "\u1112\u1161\u11ab\uac00\u11a8 \uac01\u11a8 \u1100\u1161", "\u0958 \u0915\u093c \ufb1d \u2add\u0338 \U0001d15e \U00011938 \U00011935\U00011930",
    "x\u0316\u08d3\u0334 \u09c7\u09be \u0344 \u0340 \u0374 \uf900", "<|a|>the<|b|> cat <|a|> <|b|>", "x<|a|>x <|w|> a<|w|>b <|w|>. é<|w|>",
    "  <|l|>  x  <|r|>  y <|l|><|r|>  <|l|>z", "<|a<|a|>|> <|ab|> <|abc|> <|abcd", "caf\u00e9x cafe\u0301x CAFE\u0301",
    "</s> [INST] a [/INST]", "\u2581a \u2581\u2581b c", "tab\tand\x00nul\x1c\x7f\u200b\ufeff", "日本語のテキスト 한국어 العربية",
    "\U0001f468\u200d\U0001f469 😀😀😀 \U0010ffff\ue000", "aaaaaaaaaaaaaaaa" * 8 + " " + "ab" * 40, "\u16ff4\U00016ff4 \U00011de1\U00011de2",
]


# Where o200k goes back: marks and letters without case before, between and after letters with one.
CASED = [
    "aB Ab AB ab aBc ABc abC ABC aBCdEFg HTTPServer XMLHttpRequest iPhone McDonald's O'REILLY'S DON'T don'T",
    "\u0301ABC \u0301abc \u0301Abc A\u0301B a\u0301B A\u0301b \u0301 \u0301\u0301 !\u0301A \n\u0301A \t\u0301\u0301AB 1\u0301A",
    "日A A日 A日B 日AB AB日C a日B 日本ABC日本abc ªA AªB ʰA AʰB Aʰb ǅa aǅ ǅǅ ǅA AǅB ǆǅǄ",
    "path/to/file // /\n/ ...\n/\n!/x http://a.b/c'd /'s '/s x'S'T a's'S A'S日's \u0301's 'sA 'ſ aſ A'ſ ſ's",
    "\r\nAb\rAB \nAB \n\n/a\n/ \r\n/", "ÀÉÎõü ΣΊΣΥΦΟΣ ПРИВЕТмир ПриВет Ωmega ßẞß \U00010400\U00010428 \U0001e900\U0001e922",
]


def special(content, **flags):
    token = {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True}
    return dict(token, **flags)


def split(expression, behaviour="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": expression}, "behavior": behaviour, "invert": invert}


def byte_level(prefix=False, regex=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def sequence(key, *parts):
    return {"type": "Sequence", key: list(parts)}


def before_byte_level(*parts):
    return sequence("pretokenizers", *parts, byte_level())


def template(first, last=None):
    ids = {first: 0, last: 0}
    single = [{"SpecialToken": {"id": first, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    if last:
        single.append({"SpecialToken": {"id": last, "type_id": 0}})
    names = {name: {"id": name, "ids": [name], "tokens": [name]} for name in ids if name}
    return {"type": "TemplateProcessing", "single": single, "pair": single + [{"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": names}


def around(name):
    options = {"trim_offsets": True, "add_prefix_space": False} if name == "Roberta" else {}
    return dict({"type": name + "Processing", "sep": ["<|b|>", "<|b|>"], "cls": ["<|a|>", "<|a|>"]}, **options)


ADDED = [special("<|a|>"), special("<|b|>"), special("<|ab|>", special=False), special("<|abc|>", special=False, normalized=True),
         special("<|w|>", single_word=True), special("<|l|>", lstrip=True), special("<|r|>", rstrip=True, special=False),
         special("caf\u00e9x", normalized=True, special=False)]
NFC = {"type": "NFC"}
METASPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
LLAMA2_DECODER = sequence("decoders", {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                          {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0})

# name: (model, added tokens, parts of the file, options of the model)
KINDS = {
    "gpt2": ("bytes", ADDED[:1], {"pre_tokenizer": byte_level(regex=True)}, {}),
    "gpt2 with prefix space": ("bytes", ADDED, {"pre_tokenizer": byte_level(True, True)}, {}),
    "gpt2 as split": ("bytes", ADDED, {"pre_tokenizer": before_byte_level(split(GPT2))}, {}),
    "no cuts": ("bytes", [], {"pre_tokenizer": byte_level()}, {}),
    "gpt4": ("bytes", ADDED[:2], {"pre_tokenizer": before_byte_level(split(CL100K, "Removed", True))}, {}),
    "llama3": ("bytes", ADDED[:2], {
        "pre_tokenizer": before_byte_level(split(CL100K)),
        "post_processor": sequence("processors", byte_level(True, True), template("<|a|>"))}, {"ignore_merges": True}),
    "olmo2": ("bytes", ADDED, {"pre_tokenizer": before_byte_level(split(CL100K))}, {}),
    "qwen2": ("bytes", ADDED, {"pre_tokenizer": before_byte_level(split(QWEN2)), "normalizer": NFC,
                               "post_processor": byte_level()}, {}),
    "nfc": ("bytes", ADDED, {"pre_tokenizer": byte_level(regex=True), "normalizer": sequence("normalizers", NFC)}, {}),
    "gpt-4o": ("bytes", ADDED, {"pre_tokenizer": before_byte_level(split(O200K, "Removed", True))}, {}),
    "gpt-oss": ("bytes", ADDED[:2], {"pre_tokenizer": before_byte_level(split(O200K))}, {"ignore_merges": True}),
    "tekken": ("bytes", ADDED[:2], {"pre_tokenizer": before_byte_level(split(TEKKEN))}, {}),
    "roberta": ("bytes", ADDED, {"pre_tokenizer": byte_level(regex=True), "post_processor": around("Roberta")}, {}),
    "bert": ("bytes", ADDED, {"pre_tokenizer": byte_level(regex=True), "post_processor": around("Bert")}, {}),
    "digits": ("bytes", ADDED, {"pre_tokenizer": sequence(
        "pretokenizers", {"type": "Digits", "individual_digits": True}, byte_level(regex=True))}, {}),
    "digit runs": ("bytes", [], {"pre_tokenizer": sequence(
        "pretokenizers", {"type": "Digits", "individual_digits": False}, byte_level(True, True))}, {}),
    "triples": ("bytes", [], {"pre_tokenizer": sequence(
        "pretokenizers", split(r"\p{N}{1,3}"), split(r"\p{N}"), byte_level(regex=True))}, {}),
    "literals": ("bytes", [], {"pre_tokenizer": before_byte_level(
        {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithNext", "invert": False},
        {"type": "Split", "pattern": {"String": "a"}, "behavior": "MergedWithPrevious", "invert": False},
        {"type": "Split", "pattern": {"String": "e"}, "behavior": "Removed", "invert": False},
        {"type": "Split", "pattern": {"String": "\n"}, "behavior": "Isolated", "invert": False})}, {}),
    "template": ("bytes", ADDED, {"pre_tokenizer": byte_level(regex=True), "post_processor": template("<|a|>", "<|b|>")}, {}),
    "no decoder": ("bytes", ADDED, {"pre_tokenizer": byte_level(regex=True), "decoder": None}, {}),
    "llama2": ("characters", ADDED, {
        "normalizer": sequence("normalizers", {"type": "Prepend", "prepend": "\u2581"},
                               {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}),
        "post_processor": template("<|a|>"), "decoder": LLAMA2_DECODER}, {}),
    "metaspace always": ("characters", ADDED, {"pre_tokenizer": METASPACE, "decoder": METASPACE}, {}),
    "metaspace first": ("characters", ADDED, {
        "pre_tokenizer": dict(METASPACE, prepend_scheme="first", split=False),
        "decoder": dict(METASPACE, prepend_scheme="first")}, {"fuse_unk": False}),
    "metaspace never": ("characters", [], {
        "pre_tokenizer": dict(METASPACE, prepend_scheme="never"), "decoder": dict(METASPACE, prepend_scheme="never")},
        {"byte_fallback": False}),
    "no unknown": ("characters", [], {"pre_tokenizer": METASPACE, "decoder": METASPACE},
                   {"byte_fallback": False, "unk_token": None}),
}


def base_models():
    """Returns the JSON of the two models."""
    level = Tokenizer(models.BPE())
    level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    level.train_from_iterator(TRAINING, trainers.BpeTrainer(
        vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    characters = Tokenizer(models.BPE(unk_token="<unk>"))
    characters.pre_tokenizer = pre_tokenizers.Metaspace()
    characters.train_from_iterator(TRAINING[:2] + TRAINING[3:], trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)], show_progress=False))
    result = {"bytes": json.loads(level.to_str())["model"], "characters": json.loads(characters.to_str())["model"]}
    result["characters"].update(byte_fallback=True, fuse_unk=True)
    return result


def file_of(kind, bases):
    """Returns the parts of a kind that differ from the base; ids of added tokens and of templates are put in."""
    base, added, parts, options = kind
    size = len(bases[base]["vocab"])
    added = [dict(token, id=size + k) for k, token in enumerate(added)]
    ids = {token["content"]: token["id"] for token in added}
    parts = json.loads(json.dumps(parts))
    root = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": None, "post_processor": None, "decoder": byte_level(True, True)}
    root.update(parts)
    for part in [root["post_processor"] or {}] + (root["post_processor"] or {}).get("processors", []):
        for token in part.get("special_tokens", {}).values():
            token["ids"] = [ids[name] for name in token["ids"]]
        for token in (part[key] for key in ("sep", "cls") if key in part):
            token[1] = ids[token[1]]
    return root, options


def whole(root, model, options):
    return json.dumps(dict(root, model=dict(model, **options)))


def random_texts(count, seed=11):
    generator = random.Random(seed)
    parts = ["<|a|>", "<|b|>", "<|ab|>", "<|w|>", "<|l|>", "<|r|>", "cafe\u0301x", " ", "  ", "\n", "\r\n", "\t", "'s", "'LL",
             "the", "Cat", "ä", "e\u0301", "1", "23", "½", "!", "...", "日本", "한", "\u1161", "\u0323", "😀", "\u2581", "\x00"]
    return ["".join(generator.choice(parts) for _ in range(generator.randint(1, 14))) for _ in range(count)]


def answers(text, root, model, options):
    tokenizer = Tokenizer.from_str(whole(root, model, options))
    ids = tokenizer.encode(text).ids
    decoded = tokenizer.decode(ids)
    tokenizer.encode_special_tokens = True
    return {"ids": ids, "plain": tokenizer.encode(text, add_special_tokens=False).ids, "decoded": decoded}


def trained(name):
    """SHA-256 of the file that the reference writes for a pre-tokeniser of a recipe."""
    tokenizer = Tokenizer(models.BPE())
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=name == "digits")
    steps = {"cl100k": pre_tokenizers.Split(Regex(CL100K), "isolated"), "qwen2": pre_tokenizers.Split(Regex(QWEN2), "isolated"),
             "digits": pre_tokenizers.Digits(individual_digits=True),
             "o200k": pre_tokenizers.Split(Regex(O200K), "isolated"), "tekken": pre_tokenizers.Split(Regex(TEKKEN), "isolated")}
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([steps[name], level])
    if name == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=450, min_frequency=1, special_tokens=["<|endoftext|>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(TRAINING + TEXTS, trainer)
    return hashlib.sha256(tokenizer.to_str(pretty=True).encode()).hexdigest()


def make():
    bases = base_models()
    texts = TEXTS + random_texts(30) + CASED
    kinds = []
    for name, kind in KINDS.items():
        root, options = file_of(kind, bases)
        model = bases[kind[0]]
        cases = [answers(text, root, model, options) for text in texts]
        kinds.append({"name": name, "base": kind[0], "root": root, "options": options,
                      **{key: [case[key] for case in cases] for key in ("ids", "plain", "decoded")}})
    return {"made_by": f"tests/peers/make_tokenizer_kinds.py with tokenizers {tokenizers.__version__}", "models": bases,
            "texts": texts, "training": TRAINING + TEXTS,
            "trained": {name: trained(name) for name in ("cl100k", "qwen2", "digits", "o200k", "tekken")}, "kinds": kinds}


def render(answers):
    """One line per member, and one per element of its lists and objects."""
    lines = []
    for key, value in answers.items():
        if isinstance(value, list):
            lines.append(f" {json.dumps(key)}: [\n" + ",\n".join("  " + json.dumps(v) for v in value) + "\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


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
