#!/usr/bin/env python3
"""Computes a run of Reprise again, from the documents alone, and compares every bit of run.log and of the checkpoints:

second_implementation.py RUN [--steps N] [--published MANIFEST]

What a run is: docs/numeric_contract.md (the step: [C-16] to [C-27], [C-42] to [C-45], [C-51]), docs/formats/ (config.md,
shard.md, checkpoint.md, run_log.md) and docs/reference/ (training.md, forks.md, mixtures.md). The exit code is 1 when
something differs.
"""
import argparse
import json
import math
import time

import numpy as np

import host_values
import run_files as rf
from exact_arithmetic import CHUNK, F32, fma, lane_sum, tree
from exact_decoder import Decoder, schema

FAR = 10 ** 18


class Plan:
    """[C-45], [C-23] and the schedule of checkpoints: what each step is, from the recipe alone"""
    def __init__(self, train):
        self.train, self.length, self.warmup = train, train["sequence_length"], []
        for b in train["batch_warmup"]:
            steps = b["steps"] or -(-b["tokens"] // (b["sequences"] * self.length))
            self.warmup.append((b["sequences"], steps))
        self.num_steps = train["num_steps"]
        self.begin = [0]                                             # samples before step s + 1
        for s in range(1, self.num_steps + 1):
            self.begin.append(self.begin[-1] + self.sequences(s))

    def sequences(self, step):
        for size, steps in self.warmup:
            if step <= steps:
                return size
            step -= steps
        return self.train["batch_sequences"]

    def steps_with(self, tokens, first=1):
        """the fewest steps from `first` on that have so many tokens"""
        seen = steps = 0
        while seen < tokens:
            seen += self.sequences(first + steps) * self.length
            steps += 1
        return steps

    def stage_samples(self, step):
        """samples of each stage; the first one begins behind `step`"""
        result = []
        for stage in self.train["stage"]:
            steps = stage["steps"] or (self.steps_with(stage["tokens"], step + 1) if stage["tokens"] else self.num_steps - step)
            result.append(self.begin[step + steps] - self.begin[step])
            step += steps
        return result

    def learning_rate(self, step):
        """[C-23], binary64, not yet rounded"""
        r = self.train["learning_rate"]
        peak, f, shape = r["peak"], r["final_fraction"], r["shape"]
        start = r["start_step"]
        warmup = self.steps_with(r["warmup_tokens"], start + 1) if r["warmup_tokens"] else r["warmup_steps"]
        end = r["shape_steps"] or self.num_steps - start
        t = step - start
        if t <= warmup:
            return peak * t / warmup
        if shape == "inverse_sqrt":
            return peak * math.sqrt(warmup / t)
        t = min(t, end)
        cosine = lambda x: 0.5 * (1 + host_values.cosine(math.pi * x))
        if shape == "wsd":
            d = r["decay_steps"]
            x = (t - (end - d)) / d
            curve = {"linear": lambda: 1 - x, "cosine": lambda: cosine(x), "one_minus_sqrt": lambda: 1 - math.sqrt(x)}[r["decay"]]
            return peak * (1 if t <= end - d else f + (1 - f) * curve())
        if shape == "constant":
            return peak * 1
        x = (t - warmup) / (end - warmup)
        return peak * (f + (1 - f) * (cosine(x) if shape == "cosine" else 1 - x))

    def checkpoints(self):
        c, n = self.train["checkpoints"], self.num_steps
        steps = set(range(0, n + 1, c["interval"])) | {n} | set(c["step"])
        k = 0
        while c["per_doubling"] and 2 ** (k / c["per_doubling"]) <= 2 * n:
            steps |= {s for s in [_root_of_power(k, c["per_doubling"])] if s <= n}
            k += 1
        if c["interval_tokens"]:
            seen = [b * self.length // c["interval_tokens"] for b in self.begin]
            steps |= {s for s in range(1, n + 1) if seen[s] > seen[s - 1]}
        return steps


def _root_of_power(k, n):
    """largest whole number whose n-th power is at most 2^k"""
    s = 1
    while (s + 1) ** n <= 2 ** k:
        s += 1
    return s


class Optimizer:
    """[C-17], [C-42]"""
    def __init__(self, adamw, tensors):
        self.a, self.step, self.power1, self.power2 = adamw, 0, 1.0, 1.0
        self.m = {n: np.zeros(s, F32) for n, s in tensors}
        self.v = {n: np.zeros(s, F32) for n, s in tensors}

    def _of(self, name):
        decay = self.a["weight_decay"] if "embed_tokens" not in name or self.a["decay_embeddings"] else 0.0
        for group in self.a["group"]:
            if any(rf.glob_matches(p, name) for p in group["tensor"]):
                return (group["weight_decay"] if "weight_decay" in group["given"] else decay), group["learning_rate_scale"]
        return decay, 1.0

    def update(self, weights, gradient, rate):
        self.step += 1
        self.power1, self.power2 = self.power1 * self.a["beta1"], self.power2 * self.a["beta2"]
        b1, b2, one = F32(1 - self.power1), F32(1 - self.power2), F32(1)
        beta1, beta2, epsilon = F32(self.a["beta1"]), F32(self.a["beta2"]), F32(self.a["epsilon"])
        for name, w in weights.items():
            decay, scale = self._of(name)
            r, g = F32(rate * scale), gradient[name]
            w = w * fma(-r, F32(decay), one)
            m = self.m[name] = fma(beta1, self.m[name], (one - beta1) * g)
            v = self.v[name] = fma(beta2, self.v[name], (one - beta2) * (g * g))
            weights[name] = fma(-r, (m / b1) / (np.sqrt(v / b2) + epsilon), w)


def gradient_norm(tensors):
    """[C-16]"""
    sums = []
    for g in tensors:
        flat = g.reshape(-1)
        full = len(flat) // CHUNK * CHUNK
        if full:
            sums += lane_sum(flat[:full].reshape(-1, CHUNK), flat[:full].reshape(-1, CHUNK)).astype(np.float64).tolist()
        if full < len(flat):
            sums.append(float(lane_sum(flat[full:], flat[full:])))
    return math.sqrt(tree(sums))


def sum_in_order(values):
    total = 0.0
    for v in values.astype(np.float64).tolist():
        total += v
    return total


class SpikeWatch:
    """[C-43]"""
    def __init__(self, options):
        self.o, self.values = options, {"loss": [], "gradient_norm": []}

    def limits_passed(self, loss, norm):
        passed = {}
        for kind, value in (("loss", loss), ("gradient_norm", norm)):
            x = self.values[kind][-self.o["window"]:]
            n = len(x)
            if self.o[kind] and n >= 2 and n + 1 >= self.o["window"] // 2:
                mean = sum_in_order(np.array(x)) / n
                squares = 0.0
                for y in x:
                    squares += (y - mean) * (y - mean)
                limit = mean + self.o["sigma"] * math.sqrt(squares / (n - 1))
                if value > limit:
                    passed[kind] = limit
            self.values[kind].append(value)
        return passed


class Run:
    def __init__(self, folder):
        configs = rf.Schema(rf.SCHEMA)
        self.recipe_text = open(f"{folder}/recipe.pbtxt").read()
        self.recipe = configs.parse(f"{folder}/recipe.pbtxt", "RunConfig")["recipe"]
        self.recipe_hash = configs.hash(self.recipe, "Recipe")
        self.train, self.seed = self.recipe["train"], self.recipe["seed"]
        self.shards, self.held_out = (rf.TokenSet(f"{folder}/shards", stem) for stem in ("train", "held_out"))
        self.plan, self.tensors = Plan(self.train), schema(self.recipe)
        self.parent = self.recipe.get("parent")
        restart = self.parent and self.parent["restart_data"]
        staged = self.plan.stage_samples(self.parent["step"] if restart else 0)
        self.order = rf.SampleOrder(self.train, self.shards, self.seed, staged)
        self.decoder = Decoder(self.recipe, self.shards.end_of_text, self.train["sequence_length"])
        m = self.recipe["model"]
        self.optimizer, self.step, self.previous_root = Optimizer(self.train["adamw"], self.tensors), 0, bytes(32)
        self.sample_offset = self.token_offset = 0                   # a child goes on where its parent stood
        if self.parent:
            self._go_on_from(f"{folder}/parent.h5", restart)
        else:
            self.weights = {n: host_values.initial_weights(i, s, self.seed, m["init_std"], m["init_cut"])
                            for i, (n, s) in enumerate(self.tensors)}
        self.watch = SpikeWatch(self.train["spike_skipping"]) if "spike_skipping" in self.train else None
        self.token_bytes = rf.token_bytes(f"{folder}/tokenizer/tokenizer.json")
        self.scheduled = self.plan.checkpoints()
        self.updates_left_out = 0

    def _go_on_from(self, path, restart):
        """docs/reference/forks.md"""
        attributes, parts, _ = rf.read_checkpoint(path)
        self.weights, self.previous_root = parts["weights"], bytes.fromhex(self.parent["root"])
        digests = [d for part in parts.values() for d in rf.tensor_digests([(n, part[n]) for n, _ in self.tensors])]
        header = {n: bytes.fromhex(attributes[n].decode()) if kind == "h" else attributes[n].item()
                  for n, kind in rf.HEADER_FIELDS.items()}
        assert rf.checkpoint_root(header, digests) == self.previous_root
        o, self.step = self.optimizer, self.parent["step"]
        if not self.parent["reset_optimizer"]:
            o.m, o.v, o.step = parts["first_moments"], parts["second_moments"], int(attributes["adam_step"])
            o.power1, o.power2 = float(attributes["beta1_power"]), float(attributes["beta2_power"])
        begin = self.plan.begin[self.step]
        self.sample_offset = (0 if restart else int(attributes["next_sample"])) - begin
        self.token_offset = int(attributes["tokens_seen"]) - begin * self.train["sequence_length"]

    def next_sample(self):
        return self.plan.begin[self.step] + self.sample_offset

    def tokens_seen(self):
        return self.plan.begin[self.step] * self.train["sequence_length"] + self.token_offset

    def header(self):
        p = self.parent
        return rf.frame(1, 1, self.recipe["name"].encode(), self.recipe_hash, self.recipe["contract_version"], self.shards.root,
                        self.shards.tokenizer, self.recipe_text.encode(), sum(math.prod(s) for _, s in self.tensors),
                        self.train["batch_sequences"] // self.train["grain_sequences"],
                        *([p["run"].encode(), p["step"], bytes.fromhex(p["root"])] if p else []))

    def _grains(self, samples):
        size = self.train["grain_sequences"]
        for i in range(0, len(samples), size):
            yield tuple(np.stack([s[k] for s in samples[i:i + size]]) for k in (0, 1))

    def digests(self):
        return [d for part in (self.weights, self.optimizer.m, self.optimizer.v)
                for d in rf.tensor_digests([(n, part[n]) for n, _ in self.tensors])]

    def train_step(self):
        """[C-19], [C-20], [C-22]; returns the frame of the step's record"""
        begin, size = self.next_sample(), self.plan.sequences(self.step + 1)
        self.step += 1
        samples = [self.order.sequence(begin + i) for i in range(size)]
        losses, z_losses, gradients = [], [], []
        for inputs, targets in self._grains(samples):
            loss, z = self.decoder.losses(self.weights, inputs, targets)
            losses.append(sum_in_order(loss))
            z_losses.append(sum_in_order(z))
            gradients.append(self.decoder.gradient(self.weights))
        num_targets = size * self.train["sequence_length"]
        gradient = {n: tree([g[n] for g in gradients]) / F32(num_targets) for n, _ in self.tensors}
        norm = gradient_norm([gradient[n] for n, _ in self.tensors])
        clip = self.train["clip_norm"]
        factor = F32(clip / norm) if norm > clip else F32(1)
        if norm > clip:
            gradient = {n: g * factor for n, g in gradient.items()}
        loss = tree(losses) / num_targets
        z_loss = tree(z_losses) / num_targets * float(self.decoder.z_weight)
        rate = self.plan.learning_rate(self.step)
        passed = self.watch.limits_passed(loss, norm) if self.watch else {}
        if not passed:
            self.optimizer.update(self.weights, gradient, rate)
        self.updates_left_out += bool(passed)
        self.tensor_digests = self.digests()
        inputs, targets = (np.stack([s[k] for s in samples]) for k in (0, 1))
        skipped = rf.protobuf(passed.get("loss"), passed.get("gradient_norm")) if passed else None
        return rf.frame(2, self.step, begin, size, num_targets, self.tokens_seen(),
                        rf.batch_hash(inputs, targets), loss, z_loss, np.array(losses).tobytes(), np.array(z_losses).tobytes(), norm,
                        factor, F32(rate), rf.state_digest(self.step, self.tensor_digests), skipped)

    def evaluation(self):
        """[C-44]"""
        o, length, grain = self.train["evaluation"], self.train["sequence_length"], self.train["grain_sequences"]
        stream = self.held_out.stream
        count = min(o["sequences"], (len(stream) - 1) // length) // grain * grain
        samples = [(stream[s * length:(s + 1) * length], stream[s * length + 1:(s + 1) * length + 1]) for s in range(count)]
        total = tree([sum_in_order(self.decoder.losses(self.weights, *g)[0]) for g in self._grains(samples)])
        inputs, targets = (np.stack([s[k] for s in samples]) for k in (0, 1))
        num_bytes = sum(self.token_bytes[t] for t in targets.reshape(-1).tolist())
        return rf.frame(4, self.step, count, targets.size, num_bytes, rf.batch_hash(inputs, targets), total / targets.size,
                        (total / host_values.LOG_2) / num_bytes)

    def checkpoint(self):
        o = self.optimizer
        self.tensor_digests = self.digests()
        self.checkpoint_header = dict(
            step=self.step, tokens_seen=self.tokens_seen(), next_sample=self.next_sample(), adam_step=o.step,
            beta1_power=o.power1, beta2_power=o.power2, seed=self.seed,
            contract_version=self.recipe["contract_version"], recipe_hash=self.recipe_hash, data_root=self.shards.root,
            previous_root=self.previous_root)
        self.previous_root = rf.checkpoint_root(self.checkpoint_header, self.tensor_digests)
        return rf.frame(3, self.step, self.previous_root)

    def compare_checkpoint(self, folder):
        """stored values and attributes against ours; returns a list of what differs"""
        attributes, parts, indices = rf.read_checkpoint(f"{folder}/checkpoints/step-{self.step:06d}.h5")
        ours = {"weights": self.weights, "first_moments": self.optimizer.m, "second_moments": self.optimizer.v}
        wrong = [f"{part}/{n}: {np.count_nonzero(v.view(np.uint32) != ours[part][n].view(np.uint32))} of {v.size} elements"
                 for part, tensors in parts.items() for n, v in tensors.items() if v.tobytes() != ours[part][n].tobytes()]
        for name, value in self.checkpoint_header.items():
            stored = attributes[name]
            if (stored.decode() != value.hex()) if isinstance(value, bytes) else (stored != value):
                wrong.append(f"attribute {name}")
        if indices != {n: i for i, (n, _) in enumerate(self.tensors)}:
            wrong.append("order of tensors")
        return wrong, len(parts)

    def records(self):
        """frames of run.log, in order"""
        yield "header", self.header()
        yield f"checkpoint {self.step}", self.checkpoint()
        while self.step < self.plan.num_steps:
            yield f"step {self.step + 1}", self.train_step()
            evaluation, last = self.train.get("evaluation"), self.step == self.plan.num_steps
            if evaluation and (self.step % evaluation["interval"] == 0 or last):
                yield f"evaluation {self.step}", self.evaluation()
            if self.step in self.scheduled:
                yield f"checkpoint {self.step}", self.checkpoint()


def compare(folder, steps=FAR, published=None):
    """returns the run as computed here, or None when something differs; stops there"""
    begin, ours = time.time(), []
    with open(f"{folder}/run.log", "rb") as log:
        theirs = rf.split_frames(log.read())
    run = Run(folder)
    for i, (name, frame) in enumerate(run.records()):
        same, note = i < len(theirs) and frame == theirs[i], ""
        if name.startswith("checkpoint"):
            wrong, parts = run.compare_checkpoint(folder)
            note = f", root {run.previous_root.hex()[:12]}, {parts} of 3 parts stored: {'; '.join(wrong[:8]) or 'all bits same'}"
            same = same and not wrong
            if published:
                as_published = published[f"checkpoints/step-{run.step:06d}"] == run.previous_root.hex()
                note += ", root as published" if as_published else ", root NOT as published"
                same = same and as_published
        print(f"{'same   ' if same else 'DIFFERS'} {name:14} {len(frame):6} bytes{note}  [{time.time() - begin:.0f} s]", flush=True)
        if not same:
            if i < len(theirs):
                print("  ours  ", frame[8:].hex(), "\n  theirs", theirs[i][8:].hex())
            return None
        ours.append(frame)
        if run.step >= steps and run.step in run.scheduled and name.startswith("checkpoint"):
            break
    if steps == FAR and len(ours) < len(theirs):
        print(f"DIFFERS: run.log has {len(theirs) - len(ours)} records more")
        return None
    whole = "the whole log" if len(ours) == len(theirs) else f"the first {len(ours)} of {len(theirs)} records"
    print(f"chain of {whole}: {rf.chain(ours).hex()}; {host_values.decided} values of host functions near a tie; "
          f"{run.updates_left_out} updates left out")
    return run


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run")
    options.add_argument("--steps", type=int, default=FAR, help="stop at the first scheduled checkpoint from this step on")
    options.add_argument("--published", help="a manifest whose roots of checkpoints must be ours too")
    options, begin, published = options.parse_args(), time.time(), None
    if options.published:
        with open(options.published, encoding="utf-8") as manifest:
            published = {a["name"]: a["digest"] for a in json.load(manifest)["artefacts"]}
    same = compare(options.run, options.steps, published) is not None
    print("SAME" if same else "DIFFERENT", f"{time.time() - begin:.1f} s")
    return not same


if __name__ == "__main__":
    raise SystemExit(main())
