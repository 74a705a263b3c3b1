#!/usr/bin/env python3
"""Prints the known answers of tests/unit/train/parameter_groups_test.cpp: torch.optim.AdamW with parameter groups, in
binary64, on tensors and gradients that any program can make again."""
import torch

TENSORS = {"embed.weight": 3, "layers.0.norm.weight": 2, "layers.0.up.weight": 4, "layers.1.norm.weight": 2,
           "layers.1.up.weight": 3}
RATES = [0.01, 0.02, 0.03]


def start(k, i):
    return ((i * 5 + k) % 9 - 4) / 8


def gradient(k, i, step):
    return ((i * 7 + k * 3 + step * 5) % 11 - 5) / 16


values = {name: torch.tensor([start(k, i) for i in range(n)], dtype=torch.float64, requires_grad=True)
          for k, (name, n) in enumerate(TENSORS.items())}
norms = [values["layers.0.norm.weight"], values["layers.1.norm.weight"]]
slow = [values["embed.weight"], values["layers.0.up.weight"]]
optimizer = torch.optim.AdamW(
    [{"params": norms, "weight_decay": 0.0, "scale": 1.0}, {"params": slow, "weight_decay": 0.3, "scale": 0.25},
     {"params": [values["layers.1.up.weight"]], "weight_decay": 0.1, "scale": 1.0}],
    lr=0.0, betas=(0.9, 0.95), eps=1e-8)
for step, rate in enumerate(RATES, start=1):
    for k, (name, n) in enumerate(TENSORS.items()):
        values[name].grad = torch.tensor([gradient(k, i, step) for i in range(n)], dtype=torch.float64)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
    optimizer.step()
for name, tensor in values.items():
    print(f'      {{"{name}", {{{", ".join(repr(x) for x in tensor.tolist())}}}}},')
