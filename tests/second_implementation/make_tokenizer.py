#!/usr/bin/env python3
"""Prints a tokenizer with byte fallback, like those of Llama, for the bytes of a token ([C-44]): make_tokenizer.py KIND, where
KIND is replace (decoders Replace, ByteFallback, Fuse, Strip) or metaspace (ByteFallback, Metaspace)."""
import json
import sys

SPECIAL, CHARACTERS = ("<unk>", "<s>", "</s>"), "▁etaoinshrdluéß日本—½"
MERGES = [("▁", "t"), ("▁t", "h"), ("▁th", "e"), ("▁", "a"), ("▁", "▁"), ("▁▁", "▁▁"), ("i", "n"), ("é", "s"), ("日", "本"),
          ("e", "▁")]
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
KINDS = {
    "replace": {
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": None,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}},
    "metaspace": {
        "normalizer": None, "pre_tokenizer": METASPACE,
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, METASPACE]}},
}


def main(kind):
    merges = MERGES if kind == "replace" else MERGES[:-1]             # Metaspace splits before each ▁
    pieces = [*SPECIAL, *(f"<0x{b:02X}>" for b in range(256)), *CHARACTERS, *(a + b for a, b in merges)]
    added = [{"id": i, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
             for i, c in enumerate(SPECIAL)]
    model = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
             "fuse_unk": True, "byte_fallback": True, "ignore_merges": False, "vocab": {p: i for i, p in enumerate(pieces)},
             "merges": [f"{a} {b}" for a, b in merges]}
    tokenizer = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **KINDS[kind],
                 "post_processor": None, "model": model}
    json.dump(tokenizer, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main(sys.argv[1])
