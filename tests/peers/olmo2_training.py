"""A plain PyTorch OLMo 2 trainer for check_run.py: torch.nn and torch.optim.AdamW alone, no code of the product."""
import fnmatch
import math

import numpy as np
import torch
from olmo2_reference import Olmo2, token_losses
from sample_order import sequence_at


def learning_rate(train, step):
    rate = train.learning_rate
    warmup, total = rate.warmup_steps, train.num_steps
    if step <= warmup:
        return rate.peak * step / warmup
    final = rate.peak * rate.final_fraction
    return final + (rate.peak - final) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


def parameter_groups(model, adamw):
    """One group of torch.optim.AdamW per tensor, with the values of the first group of the recipe that names it."""
    groups = []
    for name, tensor in model.named_parameters():
        decays = adamw.decay_embeddings or name != "model.embed_tokens.weight"
        group = {"params": [tensor], "weight_decay": adamw.weight_decay if decays else 0.0, "scale": 1.0}
        named = [g for g in adamw.group if any(fnmatch.fnmatchcase(name, glob) for glob in g.tensor)]
        if named:
            group["scale"] = named[0].learning_rate_scale
            if named[0].HasField("weight_decay"):
                group["weight_decay"] = named[0].weight_decay
        groups.append(group)
    return groups


def follow_losses(recipe, weights, tokens, logged):
    """Yields (mean cross-entropy, weighted mean of logsumexp squared) of each logged step, training along."""
    train, shape = recipe.train, recipe.model
    length, seed = train.sequence_length, recipe.seed
    vocab, hidden = weights["model.embed_tokens.weight"].shape
    ffn = weights["model.layers.0.mlp.gate_proj.weight"].shape[0]
    model = Olmo2(vocab, hidden, shape.num_layers, shape.num_heads, ffn, shape.rope_theta, shape.norm_eps)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    adamw = train.adamw
    optimizer = torch.optim.AdamW(parameter_groups(model, adamw), lr=0.0, betas=(adamw.beta1, adamw.beta2), eps=adamw.epsilon)
    size = (len(tokens) - 1) // length
    for step in logged:
        rows = [sequence_at(seed, size, k) for k in range(step.first_sample, step.first_sample + step.num_samples)]
        batch = torch.from_numpy(np.stack([tokens[s * length : s * length + length + 1] for s in rows]).astype(np.int64))
        cross_entropy, z = (losses.mean() for losses in token_losses(model(batch[:, :-1]), batch[:, 1:]))
        z_loss = train.z_loss * z
        optimizer.zero_grad()
        (cross_entropy + z_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), train.clip_norm)
        for group in optimizer.param_groups:
            group["lr"] = group["scale"] * learning_rate(train, step.step)
        if not step.HasField("skipped"):
            optimizer.step()
        yield cross_entropy.item(), z_loss.item()
