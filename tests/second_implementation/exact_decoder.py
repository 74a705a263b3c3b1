"""The decoder of [C-51] of docs/numeric_contract.md, forward and backward of one grain, with the operators of [C-9] to [C-15],
[C-18], [C-40] and [C-41]."""
import math

import numpy as np

from exact_arithmetic import F32, exp, fma, lane_sum, log, product, product_of_rows, row_maximum, sigmoid
from host_values import cosines_and_sines, inverse_frequencies


def schema(recipe):
    """[C-51]: names and shapes in schema order"""
    m, v = recipe["model"], recipe["tokenizer"]["vocab_size"]
    d, f = m["hidden_size"], m["ffn_size"]
    tensors = [("model.embed_tokens.weight", (v, d))]
    for n in range(m["num_layers"]):
        a, p = f"model.layers.{n}.self_attn.", f"model.layers.{n}."
        tensors += [(f"{a}{x}_proj.weight", (d, d)) for x in "qkvo"] + [(f"{a}{x}_norm.weight", (d,)) for x in "qk"]
        tensors += [(p + "post_attention_layernorm.weight", (d,)), (p + "mlp.gate_proj.weight", (f, d)),
                    (p + "mlp.up_proj.weight", (f, d)), (p + "mlp.down_proj.weight", (d, f)),
                    (p + "post_feedforward_layernorm.weight", (d,))]
    return tensors + [("model.norm.weight", (d,)), ("lm_head.weight", (v, d))]


class Norm:
    """[C-10]"""
    def __init__(self, x, w, epsilon):
        self.x, self.w = x, w
        self.i = (F32(1) / np.sqrt(lane_sum(x, x) / F32(x.shape[-1]) + epsilon))[:, None]
        self.h = x * self.i
        self.y = self.h * w

    def backward(self, dy):
        t = dy * self.w
        m = (lane_sum(t, self.h) / F32(dy.shape[-1]))[:, None]
        return self.i * fma(-self.h, m, t), product_of_rows(dy, self.h)


class Rotary:
    """[C-11]"""
    def __init__(self, length, size, theta):
        angles = np.arange(length, dtype=F32)[:, None] * inverse_frequencies(theta, size)
        self.cos, self.sin = cosines_and_sines(angles)

    def turn(self, x, sign):
        half = x.shape[-1] // 2
        a, b, cos, sin = x[..., :half], x[..., half:], self.cos[:x.shape[-2]], self.sin[:x.shape[-2]] * F32(sign)
        return np.concatenate([fma(a, cos, -(b * sin)), fma(b, cos, a * sin)], -1)


class Attention:
    """[C-12], [C-40] first key, [C-41]; q, k, v are [heads, T, E] of one sequence; first[i] is the first key of query i"""
    def __init__(self, q, k, v, first):
        self.q, self.k, self.v = q, k, v
        length, size = q.shape[1:]
        self.scale = F32(1 / math.sqrt(size))
        j = np.arange(length)
        self.allowed = (j[None, :] <= j[:, None]) & (j[None, :] >= first[:, None])
        self.keys = [(int(f), i + 1) for i, f in enumerate(first)]                       # keys of a query
        self.queries = [(i, int(np.searchsorted(first, i, "right"))) for i in range(length)]    # queries of a key
        s = np.where(self.allowed, product(q, k.swapaxes(1, 2)) * self.scale, F32(-np.inf))
        self.p = np.where(self.allowed, exp(s - row_maximum(s)[..., None]), F32(0))
        self.l = lane_sum(self.p)[..., None]
        self.out = product(self.p, v, self.queries) / self.l

    def backward(self, dout):
        g = dout / self.l
        delta = lane_sum(g, self.out)[..., None]
        z = np.where(self.allowed, self.p * (product(g, self.v.swapaxes(1, 2)) - delta), F32(0))
        dq = product(z, self.k, self.queries) * self.scale
        dk = product(z.swapaxes(1, 2), self.q, self.keys) * self.scale
        dv = product(self.p.swapaxes(1, 2), g, self.keys)
        return dq, dk, dv


class Decoder:
    def __init__(self, recipe, end_of_text, length):
        m = recipe["model"]
        self.layers, self.heads, self.epsilon = m["num_layers"], m["num_heads"], F32(m["norm_eps"])
        self.end_of_text, self.mask = end_of_text, recipe["train"]["document_mask"]
        self.z_weight = F32(recipe["train"]["z_loss"])
        self.rotary = Rotary(length, m["hidden_size"] // m["num_heads"], m["rope_theta"])

    def _heads(self, x, sequences):
        return x.reshape(sequences, -1, self.heads, x.shape[1] // self.heads).swapaxes(1, 2)

    def _rows(self, x):
        return np.ascontiguousarray(x.swapaxes(1, 2)).reshape(x.shape[0] * x.shape[2], -1)

    def _first_keys(self, ids):
        first, d = np.zeros(len(ids), np.int64), 0
        for i in range(len(ids)):
            first[i] = d                                            # [C-41]: the end of text belongs to the document it ends
            if self.mask and ids[i] == self.end_of_text:
                d = i + 1
        return first

    def losses(self, w, inputs, targets):
        """cross-entropy and z-loss of each token; keeps what the backward pass needs"""
        self.ids, self.targets, sequences = inputs.reshape(-1), targets.reshape(-1), len(inputs)
        first = [self._first_keys(row) for row in inputs]
        x, self.tape = w["model.embed_tokens.weight"][self.ids], []
        for n in range(self.layers):
            p = f"model.layers.{n}."
            weight = lambda name: w[p + name + ".weight"]
            t = {"x": x}
            q, k, v = (product(x, weight(f"self_attn.{c}_proj").T) for c in "qkv")
            t["q"], t["k"] = (Norm(c, weight(f"self_attn.{s}_norm"), self.epsilon) for s, c in (("q", q), ("k", k)))
            q, k = (self.rotary.turn(self._heads(t[c].y, sequences), 1) for c in "qk")
            v = self._heads(v, sequences)
            t["attention"] = [Attention(q[b], k[b], v[b], first[b]) for b in range(sequences)]
            t["a"] = self._rows(np.stack([a.out for a in t["attention"]]))
            o = product(t["a"], weight("self_attn.o_proj").T)
            t["norm_1"] = Norm(o, weight("post_attention_layernorm"), self.epsilon)
            x = t["middle"] = x + t["norm_1"].y
            t["gate"], t["up"] = (product(x, weight(f"mlp.{c}_proj").T) for c in ("gate", "up"))
            t["s"] = sigmoid(t["gate"])
            t["hidden"] = (t["gate"] * t["s"]) * t["up"]             # [C-13]
            down = product(t["hidden"], weight("mlp.down_proj").T)
            t["norm_2"] = Norm(down, weight("post_feedforward_layernorm"), self.epsilon)
            x = x + t["norm_2"].y
            self.tape.append(t)
        self.norm = Norm(x, w["model.norm.weight"], self.epsilon)
        logits = product(self.norm.y, w["lm_head.weight"].T)          # [C-15]
        m = row_maximum(logits)
        self.e = exp(logits - m[:, None])
        self.sum = lane_sum(self.e)
        self.log_sum = m + log(self.sum)
        return self.log_sum - logits[np.arange(len(self.ids)), self.targets], self.log_sum * self.log_sum

    def gradient(self, w):
        """[C-19]: of the sum of cross_entropy + w z over the tokens of the grain"""
        g, one = {}, F32(1)
        c = fma(F32(2) * self.z_weight, self.log_sum, one) / self.sum
        d, at = self.e * c[:, None], (np.arange(len(self.ids)), self.targets)
        d[at] = fma(self.e[at], c, F32(-1))
        g["lm_head.weight"] = product(d.T, self.norm.y)
        dx, g["model.norm.weight"] = self.norm.backward(product(d, w["lm_head.weight"]))
        for n in reversed(range(self.layers)):
            p, t = f"model.layers.{n}.", self.tape[n]
            weight = lambda name: w[p + name + ".weight"]

            def joint(parts, dys, x):                                # [C-3]: one k over all parts
                for name, dy in zip(parts, dys):
                    g[p + name + ".weight"] = product(dy.T, x)
                return product(np.concatenate(dys, 1), np.concatenate([weight(name) for name in parts]))

            branch, g[p + "post_feedforward_layernorm.weight"] = t["norm_2"].backward(dx)
            dy = joint(["mlp.down_proj"], [branch], t["hidden"])
            dup = dy * (t["gate"] * t["s"])
            dgate = (dy * t["up"]) * (t["s"] * fma(t["gate"], one - t["s"], one))
            dx = joint(["mlp.gate_proj", "mlp.up_proj"], [dgate, dup], t["middle"]) + dx     # [C-18]
            branch, g[p + "post_attention_layernorm.weight"] = t["norm_1"].backward(dx)
            da = self._heads(joint(["self_attn.o_proj"], [branch], t["a"]), len(t["attention"]))
            dq, dk, dv = (np.stack(x) for x in zip(*[a.backward(da[b]) for b, a in enumerate(t["attention"])]))
            dq, g[p + "self_attn.q_norm.weight"] = t["q"].backward(self._rows(self.rotary.turn(dq, -1)))
            dk, g[p + "self_attn.k_norm.weight"] = t["k"].backward(self._rows(self.rotary.turn(dk, -1)))
            dx = joint([f"self_attn.{c}_proj" for c in "qkv"], [dq, dk, self._rows(dv)], t["x"]) + dx
        embedding = g["model.embed_tokens.weight"] = np.zeros_like(w["model.embed_tokens.weight"])
        for position, token in enumerate(self.ids):                  # [C-9]
            embedding[token] = embedding[token] + dx[position]
        return g
