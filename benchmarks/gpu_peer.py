#!/usr/bin/env python3
"""PyTorch beside gpu_benchmark: whole training steps of the same decoder, and attention, on a GPU.

usage: gpu_peer.py --shape NAME=hidden,layers,heads,feed-forward,vocabulary,length,sequences,grains [--shape ...]
                   [--device cuda] [--only step,attention] [--modes fp32-eager,bf16-compile,fp32-compile]
                   [--rounds 5] [--seconds 0.03] [--deadline 240]
Prints one JSON object per line, as gpu_benchmark does. Same work in a step: forward, cross-entropy and z-loss, backward,
gradient norm and clip, fused AdamW; grains are nothing to PyTorch, all sequences are one batch. float32 is without TF32; its
attention is what PyTorch chooses ("efficient", which multiplies with three TF32 products each on the tensor cores).
"flex" is measured behind the steps, because it is compiled for each of its tiles: with PyTorch's own, which in the
backward pass in float32 are a fallback of 16 x 16, and with larger ones; the fastest is the one to compare with.
bf16 is autocast with float32 weights, and flash attention. No measurement begins behind the deadline (seconds).
"""

import argparse
import gc
import json
import math
import resource
import subprocess
import time

import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

START = time.perf_counter()
MODES = {  # name printed, autocast, compiled
    "fp32-eager": ("pytorch fp32 eager", False, False),
    "fp32-compile": ("pytorch fp32 compile", False, True),
    "bf16-compile": ("pytorch bf16 compile flash", True, True),
}
SDPA = {"pytorch fp32 math": SDPBackend.MATH, "pytorch fp32 efficient": SDPBackend.EFFICIENT_ATTENTION}
FLEX = "pytorch fp32 flex"
FLEX_TILES = {  # name printed: queries, keys, stages, warps of a block of the backward pass
    FLEX: None,  # torch.compile's own; max-autotune would compile 28 more for each shape, some for most of a minute
    f"{FLEX} 32 x 32": (32, 32, 3, 4),
    f"{FLEX} 32 x 64": (32, 64, 3, 4),
    f"{FLEX} 64 x 64": (64, 64, 3, 8),
}
ATTENTION = [*SDPA, *FLEX_TILES]


class Shape:
    def __init__(self, text):
        self.name, sizes = text.split("=")
        (self.hidden, self.layers, self.heads, self.ffn, self.vocab, self.length, self.sequences,
         _) = map(int, sizes.split(","))


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return functional.rms_norm(x, (x.shape[-1],), self.weight, 1e-6)


def rotary_tables(shape):
    head = shape.hidden // shape.heads
    frequency = 10000.0 ** (-torch.arange(0, head, 2).float() / head)
    angle = torch.outer(torch.arange(shape.length).float(), frequency).repeat(1, 2)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        width, ffn = shape.hidden, shape.ffn
        self.heads = shape.heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = (nn.Linear(width, ffn, bias=False) for _ in range(2))
        self.down = nn.Linear(ffn, width, bias=False)
        self.query_norm, self.key_norm, self.attention_norm, self.feed_forward_norm = (RmsNorm(width) for _ in range(4))

    def forward(self, x, cos, sin):
        batch, length, width = x.shape

        def split(y):
            return y.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

        query = rotate(split(self.query_norm(self.query(x))), cos, sin)
        key = rotate(split(self.key_norm(self.key(x))), cos, sin)
        mixed = functional.scaled_dot_product_attention(query, key, split(self.value(x)), is_causal=True)
        x = x + self.attention_norm(self.output(mixed.transpose(1, 2).reshape(batch, length, width)))
        return x + self.feed_forward_norm(self.down(functional.silu(self.gate(x)) * self.up(x)))


class Decoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.embedding = nn.Embedding(shape.vocab, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = RmsNorm(shape.hidden)
        self.head = nn.Linear(shape.hidden, shape.vocab, bias=False)
        cos, sin = rotary_tables(shape)
        self.register_buffer("cos", cos)
        self.register_buffer("sin", sin)

    def forward(self, ids, targets):
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        logits = self.head(self.norm(x)).float().flatten(0, 1)
        z = torch.logsumexp(logits, -1).square().mean()
        return functional.cross_entropy(logits, targets.flatten()) + 1e-4 * z


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def seconds_of(device, work, repetitions):
    synchronize(device)
    start = time.perf_counter()
    for _ in range(repetitions):
        work()
    synchronize(device)
    return (time.perf_counter() - start) / repetitions


def rounds_of(options, work):
    """Seconds of one call, a value per round."""
    work()
    once = seconds_of(options.device, work, 1)
    repetitions = min(1000, max(1, math.ceil(options.seconds / once)))
    return [seconds_of(options.device, work, repetitions) for _ in range(options.rounds)]


def peak_bytes(device):
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure_step(options, shape, mode):
    who, is_bf16, is_compiled = MODES[mode]
    torch.compiler.reset()
    gc.collect()  # the model before
    if options.device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    torch.manual_seed(0)
    with torch.device(options.device):
        model = Decoder(shape)
    run = torch.compile(model) if is_compiled else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    backends = [SDPBackend.FLASH_ATTENTION] if is_bf16 else [
        SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]

    def step():
        ids = torch.randint(0, shape.vocab, (shape.sequences, shape.length + 1), device=options.device)
        with torch.autocast(options.device, torch.bfloat16, enabled=is_bf16), sdpa_kernel(backends):
            loss = run(ids[:, :-1], ids[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    step()
    step()
    seconds = rounds_of(options, step)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    tokens = shape.sequences * shape.length
    weights = parameters - shape.vocab * shape.hidden
    return {"figure": "step", "case": f"{shape.name} {shape.sequences} x {shape.length} tokens", "who": who,
            "parameters": parameters, "tokens": tokens,
            "flops": tokens * 6.0 * (weights + shape.layers * shape.hidden * shape.length),
            "seconds": seconds, "bytes": peak_bytes(options.device)}


def flex_forward(options, shape, inputs, tiles):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    torch.compiler.reset()  # each shape and each choice of tiles is a compilation, and their number has a limit
    kernel_options = {}
    if tiles is not None:
        queries, keys, stages, warps = tiles
        kernel_options = {"bwd_BLOCK_M1": queries, "bwd_BLOCK_N1": keys, "bwd_BLOCK_M2": keys, "bwd_BLOCK_N2": queries,
                          "bwd_num_stages": stages, "bwd_num_warps": warps}
    mask = create_block_mask(lambda b, h, q, k: q >= k, None, None, shape.length, shape.length, device=options.device)
    compiled = torch.compile(flex_attention)
    return lambda: compiled(*inputs, block_mask=mask, kernel_options=kernel_options)


def measure_attention(options, shape, who):
    head = shape.hidden // shape.heads
    torch.manual_seed(0)

    def values():
        x = torch.rand(shape.sequences, shape.length, shape.heads, head, device=options.device) * 2 - 1
        return x.transpose(1, 2)

    inputs = [values().requires_grad_() for _ in range(3)]
    gradient = values()
    tiles = FLEX_TILES.get(who)
    if who in FLEX_TILES:
        forward = flex_forward(options, shape, inputs, tiles)
    else:
        def forward():
            with sdpa_kernel([SDPA[who]]):
                return functional.scaled_dot_product_attention(*inputs, is_causal=True)

    out = forward()

    def backward():
        torch.autograd.grad(out, inputs, gradient, retain_graph=True)

    pairs = shape.sequences * shape.heads * shape.length * (shape.length + 1) / 2
    case = f"{shape.name} {shape.sequences} x {shape.length} x {shape.heads} x {head}"
    works = [("attention forward", 2, forward), ("attention backward", 5, backward)]
    for figure, products, work in works if tiles is None else works[1:]:  # the tiles are the backward pass's
        yield {"figure": figure, "case": case, "who": who, "flops": products * 2.0 * pairs * head,
               "seconds": rounds_of(options, work)}


def driver_version():
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ""


def show(figure):
    print(json.dumps(figure), flush=True)


def attempt(options, what, measure):
    """A measurement that is not possible here is a figure without seconds."""
    if time.perf_counter() - START > options.deadline:
        show(what | {"missing": "the deadline was over"})
        return
    try:
        for figure in measure():
            show(figure)
    except Exception as error:  # out of memory, no kernel for it, a compiler that is not installed
        show(what | {"missing": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"})


def attempt_attention(options, names):
    for who in names:
        for shape in options.shapes:
            attempt(options, {"figure": "attention backward", "case": shape.name, "who": who},
                    lambda: measure_attention(options, shape, who))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", required=True, type=Shape, dest="shapes")
    parser.add_argument("--device", default="cuda", choices=["cpu", "cuda"])
    parser.add_argument("--only", default="attention,step")
    parser.add_argument("--modes", default="fp32-eager,bf16-compile,fp32-compile")
    parser.add_argument("--attention", default=",".join(ATTENTION))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.03, help="least duration of the repetitions of a round")
    parser.add_argument("--deadline", type=float, default=240)
    options = parser.parse_args()
    unknown = [mode for mode in options.modes.split(",") if mode not in MODES]
    unknown += [who for who in options.attention.split(",") if who not in ATTENTION]
    if unknown:
        parser.error(f"there is no {unknown[0]}")
    return options


def main():
    options = parse_arguments()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    show({"figure": "machine", "who": "pytorch", "device": name, "torch": torch.__version__,
          "cuda": torch.version.cuda or "", "driver": driver_version()})
    only = options.only.split(",")
    attention = options.attention.split(",") if "attention" in only else []
    attempt_attention(options, [who for who in attention if who not in FLEX_TILES])
    if "step" in only:
        for mode in options.modes.split(","):
            for shape in options.shapes:
                attempt(options, {"figure": "step", "case": shape.name, "who": MODES[mode][0]},
                        lambda: [measure_step(options, shape, mode)])
    attempt_attention(options, [who for who in attention if who in FLEX_TILES])


if __name__ == "__main__":
    main()
