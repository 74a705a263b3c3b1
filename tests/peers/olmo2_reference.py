#!/usr/bin/env python3
"""A plain PyTorch OLMo 2 decoder, independent of Reprise, and the known answers made with it.

usage: olmo2_reference.py OUT.json        writes tests/unit/model/olmo2_known_answer.json

Parameter names are those of Hugging Face's Olmo2ForCausalLM, so a checkpoint of Reprise loads with load_state_dict.
The known answers are computed in binary64, from weights that any program can make again (an integer hash)."""
import json
import math
import re
import statistics
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn


class RmsNorm(nn.Module):
    def __init__(self, dim, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.epsilon = epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight


class Attention(nn.Module):
    def __init__(self, hidden, heads, epsilon):
        super().__init__()
        self.heads = heads
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            setattr(self, name, nn.Linear(hidden, hidden, bias=False))
        self.q_norm = RmsNorm(hidden, epsilon)
        self.k_norm = RmsNorm(hidden, epsilon)

    def forward(self, x, cos, sin):
        batch, length, hidden = x.shape

        def split(y):
            return y.view(batch, length, self.heads, hidden // self.heads).transpose(1, 2)

        def rotate(y):
            half = y.shape[-1] // 2
            return y * cos + torch.cat([-y[..., half:], y[..., :half]], -1) * sin

        q = rotate(split(self.q_norm(self.q_proj(x))))
        k = rotate(split(self.k_norm(self.k_proj(x))))
        scores = q @ k.transpose(-1, -2) / math.sqrt(hidden // self.heads)
        mask = torch.full((length, length), float("-inf"), dtype=x.dtype).triu(1)
        mixed = torch.softmax(scores + mask, -1) @ split(self.v_proj(x))
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, hidden))


class FeedForward(nn.Module):
    def __init__(self, hidden, ffn):
        super().__init__()
        self.gate_proj = nn.Linear(hidden, ffn, bias=False)
        self.up_proj = nn.Linear(hidden, ffn, bias=False)
        self.down_proj = nn.Linear(ffn, hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, hidden, heads, ffn, epsilon):
        super().__init__()
        self.self_attn = Attention(hidden, heads, epsilon)
        self.post_attention_layernorm = RmsNorm(hidden, epsilon)
        self.mlp = FeedForward(hidden, ffn)
        self.post_feedforward_layernorm = RmsNorm(hidden, epsilon)

    def forward(self, x, cos, sin):
        x = x + self.post_attention_layernorm(self.self_attn(x, cos, sin))
        return x + self.post_feedforward_layernorm(self.mlp(x))


class Olmo2(nn.Module):
    """Olmo2(vocab, hidden, layers, heads, ffn)(ids [B,T]) gives logits [B,T,V]."""

    def __init__(self, vocab, hidden, layers, heads, ffn, theta=500000.0, epsilon=1e-6):
        super().__init__()
        self.head_dim, self.theta = hidden // heads, theta
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(vocab, hidden)
        self.model.layers = nn.ModuleList(Layer(hidden, heads, ffn, epsilon) for _ in range(layers))
        self.model.norm = RmsNorm(hidden, epsilon)
        self.lm_head = nn.Linear(hidden, vocab, bias=False)

    def forward(self, ids):
        x = self.model.embed_tokens(ids)
        # As transformers: inverse frequencies and angles in binary32.
        exponent = torch.arange(0, self.head_dim, 2, dtype=torch.int64).to(torch.float64) / self.head_dim
        frequency = (1.0 / self.theta**exponent).to(torch.float32)
        angle = torch.outer(torch.arange(ids.shape[1], dtype=torch.float32), frequency).to(torch.float64)
        angle = torch.cat([angle, angle], -1)
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return self.lm_head(self.model.norm(x))


def token_losses(logits, targets):
    """Returns cross-entropy and logsumexp^2 of each token, 0 where the target is negative."""
    logsumexp = torch.logsumexp(logits, -1)
    chosen = logits.gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    kept = (targets >= 0).to(logits.dtype)
    return (logsumexp - chosen) * kept, logsumexp**2 * kept


# ---- Known answers
# "small" for exhaustive tests, "tiny" with the shape and grain of configs/runs/tiny.pbtxt. Weights are uniform in
# [-scale / 2, scale / 2); scales are powers of two, so that every weight is exact in binary32.
CASES = {
    "small": {"vocab": 61, "hidden": 16, "layers": 2, "heads": 2, "ffn": 24,
              "sequences": 2, "length": 12, "scale": 0.5},
    "tiny": {"vocab": 4096, "hidden": 128, "layers": 4, "heads": 4, "ffn": 384,
             "sequences": 2, "length": 256, "scale": 0.125},
}
Z_WEIGHT, SEED = 0.01, 20261121


def hash32(stream, index):
    h = (stream * 0x9E3779B9 + index * 0x85EBCA6B + 0x27D4EB2F) & 0xFFFFFFFF
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        h = ((h ^ (h >> shift)) * factor) & 0xFFFFFFFF
    return h ^ (h >> 16)


def fraction(stream, index):
    """A multiple of 2^-24 in [-0.5, 0.5): exact in binary32."""
    return (hash32(stream, index) >> 8) / 2**24 - 0.5


def to_float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def fill(parameters, scale):
    for stream, parameter in enumerate(parameters):
        norm = parameter.dim() == 1
        values = [fraction(stream, i) for i in range(parameter.numel())]
        values = [to_float32(1 + v * 0.5) if norm else v * scale for v in values]
        parameter.data = torch.tensor(values, dtype=torch.float64).view(parameter.shape)


def schema_names(layers):
    per_layer = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "self_attn.q_norm",
                 "self_attn.k_norm", "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
                 "post_feedforward_layernorm"]
    names = [f"model.layers.{i}.{n}.weight" for i in range(layers) for n in per_layer]
    return ["model.embed_tokens.weight"] + names + ["model.norm.weight", "lm_head.weight"]


def philox4x32_10(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def initial_weight(tensor_index, element, deviation=0.02, cut=3.0):
    words = philox4x32_10((1, tensor_index, element & 0xFFFFFFFF, element >> 32), (SEED & 0xFFFFFFFF, SEED >> 32))
    uniform = (((words[0] << 32 | words[1]) >> 11) + 0.5) * 2.0**-53
    normal = statistics.NormalDist()
    low, high = normal.cdf(-cut), normal.cdf(cut)
    return to_float32(normal.inv_cdf(low + uniform * (high - low)) * deviation)


def known_answer(vocab, hidden, layers, heads, ffn, sequences, length, scale):
    model = Olmo2(vocab, hidden, layers, heads, ffn).double()
    names = schema_names(layers)
    parameters = dict(model.named_parameters())
    assert sorted(names) == sorted(parameters)
    fill([parameters[n] for n in names], scale)
    count = sequences * length
    ids = [hash32(1000, i) % vocab for i in range(count)]
    targets = [-1 if i % 7 == 3 else hash32(1001, i) % vocab for i in range(count)]
    as_tensor = lambda values: torch.tensor(values).view(sequences, length)
    cross_entropy, z = token_losses(model(as_tensor(ids)), as_tensor(targets))
    (cross_entropy + to_float32(Z_WEIGHT) * z).sum().backward()
    gradients = []
    for stream, name in enumerate(names):
        g = parameters[name].grad.flatten().tolist()
        gradients.append({"name": name, "norm": math.sqrt(sum(x * x for x in g)),
                          "projection": sum(x * fraction(2000 + stream, i) for i, x in enumerate(g)),
                          "first": g[:4], "last": g[-4:]})
    rounded = lambda tensor: [round(x, 9) for x in tensor.flatten().tolist()]
    return {"cross_entropy": rounded(cross_entropy), "z": rounded(z), "gradients": gradients}


def known_answers():
    initial = [{"tensor": t, "element": e, "value": initial_weight(t, e)}
               for t in (0, 1, 10, 46) for e in (0, 1, 2, 1000, 16383)]
    return {"made_by": f"tests/peers/olmo2_reference.py, torch {torch.__version__.split('+')[0]}, "
                       f"Python {sys.version.split()[0]}",
            "z_weight": Z_WEIGHT, "seed": SEED, "initial": initial,
            "cases": {name: {**case, **known_answer(**case)} for name, case in CASES.items()}}


def write(answers, out):
    """JSON with one list of numbers, or one gradient, to a line."""
    text = json.dumps(answers, indent=1)
    text = re.sub(r"\[\s*([^][{}]*?)\s*\]", lambda m: "[" + re.sub(r"\s+", " ", m.group(1)) + "]", text)
    out.write(text + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    with open(sys.argv[1], "w") as out_file:
        write(known_answers(), out_file)
