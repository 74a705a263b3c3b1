"""A plain PyTorch OLMo 2 trainer for check_run.py: torch.nn and torch.optim.AdamW alone, no code of the product."""
import math

import numpy as np
import torch
from olmo2_reference import Olmo2, token_losses
from sample_order import sequence_at


def learning_rate(recipe, step):
    peak, warmup, total = recipe("peak"), recipe("warmup_steps"), recipe("num_steps")
    if step <= warmup:
        return peak * step / warmup
    final = peak * recipe("final_fraction")
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


def follow_losses(recipe, weights, tokens, logged):
    """Yields (mean cross-entropy, weighted mean of logsumexp squared) of each logged step, training along."""
    length, seed = int(recipe("sequence_length")), int(recipe("seed"))
    vocab, hidden = weights["model.embed_tokens.weight"].shape
    ffn = weights["model.layers.0.mlp.gate_proj.weight"].shape[0]
    model = Olmo2(vocab, hidden, int(recipe("num_layers")), int(recipe("num_heads")), ffn, recipe("rope_theta"), recipe("norm_eps"))
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    embedding = [model.model.embed_tokens.weight]
    others = [p for p in model.parameters() if p is not embedding[0]]
    optimizer = torch.optim.AdamW(
        [{"params": others, "weight_decay": recipe("weight_decay")}, {"params": embedding, "weight_decay": 0.0}],
        lr=0.0, betas=(recipe("beta1"), recipe("beta2")), eps=recipe("epsilon"))
    size = (len(tokens) - 1) // length
    for step in logged:
        rows = [sequence_at(seed, size, k) for k in range(step.first_sample, step.first_sample + step.num_samples)]
        batch = torch.from_numpy(np.stack([tokens[s * length : s * length + length + 1] for s in rows]).astype(np.int64))
        cross_entropy, z = (losses.mean() for losses in token_losses(model(batch[:, :-1]), batch[:, 1:]))
        z_loss = recipe("z_loss") * z
        optimizer.zero_grad()
        (cross_entropy + z_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe("clip_norm"))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step.step)
        optimizer.step()
        yield cross_entropy.item(), z_loss.item()
