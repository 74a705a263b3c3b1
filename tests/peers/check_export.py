#!/usr/bin/env python3
"""Loads a folder of `reprise checkpoint export` with Hugging Face's transformers and compares with the run.

usage: check_export.py RUN DIR

The weights must be those of the checkpoint, bit for bit; the model's mean cross-entropy on the batch of the next step, read from
the shards in the order of the keyed permutation, must be the loss that run.log holds for that step; the tokenizer must give
back a text. Exit code 0: all agree; 77: safetensors or transformers is not installed.
"""
import math
import pathlib
import sys

import h5py
import numpy as np

try:
    import torch
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM, AutoTokenizer
except ImportError as error:
    print(f"SKIPPED: {error}")
    sys.exit(77)

from check_run import read_recipe, read_run_log, read_shards, require, text
from sample_order import sequence_at

TOLERANCE = 1e-5  # of a mean of binary32 losses, about 6


def check_weights(run, folder):
    with safe_open(folder / "model.safetensors", "pt") as exported:
        metadata = exported.metadata()
        step = int(metadata["reprise.step"])
        with h5py.File(run / "checkpoints" / f"step-{step:06d}.h5", "r") as stored:
            require(text(stored.attrs["root"]) == metadata["reprise.root"], "the metadata names another root")
            require(set(stored["weights"]) == set(exported.keys()), "the tensors have other names")
            for name in exported.keys():
                same = exported.get_tensor(name).numpy().tobytes() == stored["weights"][name][()].tobytes()
                require(same, f"{name} differs from the checkpoint")
    return step


def main(run, folder):
    step = check_weights(run, folder)
    records, _ = read_run_log(run / "run.log")
    logged = next(r.step for r in records if r.HasField("step") and r.step.step == step + 1)
    recipe = read_recipe(records[0].header.recipe_text)
    tokens, _, _ = read_shards(run, "train")
    length, seed = recipe.train.sequence_length, recipe.seed
    size = (len(tokens) - 1) // length
    rows = [sequence_at(seed, size, k) for k in range(logged.first_sample, logged.first_sample + logged.num_samples)]
    batch = torch.from_numpy(np.stack([tokens[s * length : s * length + length + 1] for s in rows]).astype(np.int64))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        logits = model(batch[:, :-1]).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten()).item()
    require(math.isfinite(loss) and abs(loss - logged.loss) < TOLERANCE, f"transformers' loss is {loss}, run.log holds {logged.loss}")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    sample = "Call me Ishmael. Some years ago, 1851!"
    require(tokenizer.decode(tokenizer.encode(sample)) == sample, "the tokenizer does not give back a text")
    print(f"step {step}: transformers' loss differs from run.log's by {abs(loss - logged.loss):.1e}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
