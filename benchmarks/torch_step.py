"""One training step of an OLMo 2 decoder in PyTorch on the CPU: the peer of `reprise bench step`.

usage: torch_step.py MODE D LAYERS HEADS FFN VOCAB SEQ SEQUENCES STEPS THREADS
MODE: eager, compile, or eager-bf16 / compile-bf16 (autocast). Prints one line of JSON: median and best tokens per second of
all steps but the first two, peak memory of the process. Same work as ours: forward, cross-entropy and z-loss, backward,
gradient norm and clip, fused AdamW.
"""

import json
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional

mode = sys.argv[1]
hidden, layers, heads, ffn, vocab, length, sequences, steps, threads = map(int, sys.argv[2:11])
torch.set_num_threads(threads)
torch.manual_seed(0)


class RmsNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden))

    def forward(self, x):
        return functional.rms_norm(x, (hidden,), self.weight, 1e-6)


def rotary_tables():
    head = hidden // heads
    frequency = 500000.0 ** (-torch.arange(0, head, 2).float() / head)
    angle = torch.outer(torch.arange(length).float(), frequency).repeat(1, 2)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(hidden, hidden, bias=False) for _ in range(4))
        self.gate, self.up = (nn.Linear(hidden, ffn, bias=False) for _ in range(2))
        self.down = nn.Linear(ffn, hidden, bias=False)
        self.query_norm, self.key_norm, self.attention_norm, self.feed_forward_norm = (RmsNorm() for _ in range(4))

    def forward(self, x, cos, sin):
        def split(y):
            return y.view(sequences, length, heads, hidden // heads).transpose(1, 2)

        query = rotate(split(self.query_norm(self.query(x))), cos, sin)
        key = rotate(split(self.key_norm(self.key(x))), cos, sin)
        mixed = functional.scaled_dot_product_attention(query, key, split(self.value(x)), is_causal=True)
        x = x + self.attention_norm(self.output(mixed.transpose(1, 2).reshape(sequences, length, hidden)))
        return x + self.feed_forward_norm(self.down(functional.silu(self.gate(x)) * self.up(x)))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(vocab, hidden)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.norm = RmsNorm()
        self.head = nn.Linear(hidden, vocab, bias=False)
        cos, sin = rotary_tables()
        self.register_buffer("cos", cos)
        self.register_buffer("sin", sin)

    def forward(self, ids, targets):
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        logits = self.head(self.norm(x)).float().view(-1, vocab)
        z = torch.logsumexp(logits, -1).square().mean()
        return functional.cross_entropy(logits, targets.view(-1)) + 1e-5 * z


model = Decoder()
run = torch.compile(model) if mode.startswith("compile") else model
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
seconds = []
for _ in range(steps + 2):
    ids = torch.randint(0, vocab, (sequences, length))
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=mode.endswith("bf16")):
        loss = run(ids, ids)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    seconds.append(time.perf_counter() - start)
timed = seconds[2:]
print(json.dumps({
    "tokens_per_second": sequences * length / statistics.median(timed),
    "best_tokens_per_second": sequences * length / min(timed),
    "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "parameters": sum(p.numel() for p in model.parameters()),
}))
