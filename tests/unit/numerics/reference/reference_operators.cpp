#include <cmath>

#include "reference.h"

namespace reference {

float segmented_dot(Index begin, Index end, const std::function<float(Index)>& a,
                    const std::function<float(Index)>& b) {
  float total = 0.0f, sum = 0.0f;
  bool first = true;
  for (Index k = begin; k < end; ++k) {
    sum = std::fma(a(k), b(k), sum);
    if ((k + 1) % 256 != 0 && k + 1 != end) continue;
    total = first ? sum : total + sum;
    first = false;
    sum = 0.0f;
  }
  return total;
}

float lane_sum(Index count, const std::function<float(float, Index)>& accumulate) {
  float lanes[32] = {};
  for (Index i = 0; i < count; ++i) lanes[i % 32] = accumulate(lanes[i % 32], i);
  for (Index i = count; i % 32 != 0; ++i) lanes[i % 32] = lanes[i % 32] + 0.0f;
  for (const int distance : {16, 8, 4, 2, 1}) {
    float next[32];
    for (int lane = 0; lane < 32; ++lane) next[lane] = lanes[lane] + lanes[lane ^ distance];
    for (int lane = 0; lane < 32; ++lane) lanes[lane] = next[lane];
  }
  return lanes[0];
}

float row_maximum(Index count, const std::function<float(Index)>& x) {
  float greatest = -INFINITY;
  for (Index i = 0; i < count; ++i) {
    if (x(i) > greatest) greatest = x(i);
  }
  return greatest == 0.0f ? 0.0f : greatest;
}

Norm rms_norm(Index rows, Index dim, const Floats& x, const Floats& weight, float epsilon, const Floats& dy) {
  Norm norm;
  norm.y = norm.dx = Floats(x.size());
  norm.inverse_rms = Floats(static_cast<std::size_t>(rows));
  norm.dweight = Floats(static_cast<std::size_t>(dim));
  const float size = static_cast<float>(dim);
  for (Index row = 0; row < rows; ++row) {
    const float* xs = &x[row * dim];
    const float* ds = &dy[row * dim];
    const float squares = lane_sum(dim, [&](float sum, Index i) { return std::fma(xs[i], xs[i], sum); });
    const float inverse = 1.0f / std::sqrt(squares / size + epsilon);
    norm.inverse_rms[row] = inverse;
    const float projected = lane_sum(dim, [&](float sum, Index i) {
      const float scaled = ds[i] * weight[i];
      const float normal = xs[i] * inverse;
      return std::fma(scaled, normal, sum);
    });
    const float mean = projected / size;
    for (Index d = 0; d < dim; ++d) {
      const float normal = xs[d] * inverse;
      const float scaled = ds[d] * weight[d];
      norm.y[row * dim + d] = normal * weight[d];
      norm.dx[row * dim + d] = inverse * std::fma(-normal, mean, scaled);
    }
  }
  for (Index d = 0; d < dim; ++d) {
    norm.dweight[d] = segmented_dot(
        0, rows, [&](Index row) { return dy[row * dim + d]; },
        [&](Index row) { return x[row * dim + d] * norm.inverse_rms[row]; });
  }
  return norm;
}

Floats rotate(Index sequences, Index length, Index heads, Index dim, bool backward, const Floats& x, const Floats& cos,
              const Floats& sin) {
  Floats y(x.size());
  const Index half = dim / 2;
  for (Index row = 0; row < sequences * length * heads; ++row) {
    const Index position = row / heads % length;
    for (Index e = 0; e < half; ++e) {
      const float c = cos[position * half + e];
      const float s = backward ? -sin[position * half + e] : sin[position * half + e];
      const float a = x[row * dim + e], b = x[row * dim + half + e];
      y[row * dim + e] = std::fma(a, c, -(b * s));
      y[row * dim + half + e] = std::fma(b, c, a * s);
    }
  }
  return y;
}

Gated swiglu(const Floats& gate, const Floats& up, const Floats& dy) {
  Gated g{Floats(gate.size()), Floats(gate.size()), Floats(gate.size())};
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const float s = sigmoid(gate[i]);
    const float silu = gate[i] * s;
    const float complement = 1.0f - s;
    const float slope = s * std::fma(gate[i], complement, 1.0f);
    g.y[i] = silu * up[i];
    g.dgate[i] = (dy[i] * up[i]) * slope;
    g.dup[i] = dy[i] * silu;
  }
  return g;
}

Floats embedding_gradient(Index dim, Index vocab, const std::vector<std::int32_t>& ids, const Floats& dy) {
  Floats table(static_cast<std::size_t>(vocab * dim));
  for (Index id = 0; id < vocab; ++id) {
    for (Index d = 0; d < dim; ++d) {
      float sum = 0.0f;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] == id) sum = sum + dy[i * static_cast<std::size_t>(dim) + static_cast<std::size_t>(d)];
      }
      table[id * dim + d] = sum;
    }
  }
  return table;
}

Head head_loss(Index tokens, Index dim, Index vocab, const Floats& h, const Floats& weight,
               const std::vector<std::int32_t>& targets, float z_weight) {
  Head head{Floats(targets.size()), Floats(targets.size()), Floats(h.size()), Floats(weight.size())};
  Floats gradient(static_cast<std::size_t>(tokens * vocab));
  for (Index t = 0; t < tokens; ++t) {
    if (targets[t] < 0) continue;  // losses and gradient stay +0
    Floats logits(static_cast<std::size_t>(vocab));
    for (Index i = 0; i < vocab; ++i) {
      logits[i] = segmented_dot(
          0, dim, [&](Index d) { return h[t * dim + d]; }, [&](Index d) { return weight[i * dim + d]; });
    }
    const float maximum = row_maximum(vocab, [&](Index i) { return logits[i]; });
    const float sum = lane_sum(vocab, [&](float lane, Index i) { return lane + exp(logits[i] - maximum); });
    const float log_sum = maximum + log(sum);
    head.cross_entropy[t] = log_sum - logits[targets[t]];
    head.z[t] = log_sum * log_sum;
    const float twice = 2.0f * z_weight;
    const float coefficient = std::fma(twice, log_sum, 1.0f) / sum;
    for (Index i = 0; i < vocab; ++i) {
      const float e = exp(logits[i] - maximum);
      gradient[t * vocab + i] = i == targets[t] ? std::fma(e, coefficient, -1.0f) : e * coefficient;
    }
  }
  for (Index t = 0; t < tokens; ++t) {
    for (Index d = 0; d < dim; ++d) {
      head.dh[t * dim + d] = segmented_dot(
          0, vocab, [&](Index i) { return gradient[t * vocab + i]; }, [&](Index i) { return weight[i * dim + d]; });
    }
  }
  for (Index i = 0; i < vocab; ++i) {
    for (Index d = 0; d < dim; ++d) {
      head.dweight[i * dim + d] = segmented_dot(
          0, tokens, [&](Index t) { return gradient[t * vocab + i]; }, [&](Index t) { return h[t * dim + d]; });
    }
  }
  return head;
}

float sum_of_squares(const Floats& x) {
  return lane_sum(static_cast<Index>(x.size()), [&](float sum, Index i) { return std::fma(x[i], x[i], sum); });
}

double tree_sum(const Floats& sums, Index begin, Index end) {
  if (begin == end) return 0.0;
  if (end - begin == 1) return static_cast<double>(sums[begin]);
  Index left = 1;
  while (left * 2 < end - begin) left *= 2;
  return tree_sum(sums, begin, begin + left) + tree_sum(sums, begin + left, end);
}

void adamw(const Optimizer& o, float g, float& w, float& m, float& v) {
  const float kept = std::fma(-o.rate, o.decay, 1.0f);
  const float decayed = w * kept;
  const float fresh = (1.0f - o.beta1) * g;
  m = std::fma(o.beta1, m, fresh);
  const float square = g * g;
  const float fresh_square = (1.0f - o.beta2) * square;
  v = std::fma(o.beta2, v, fresh_square);
  const float denominator = std::sqrt(v / o.correction2) + o.epsilon;
  const float update = (m / o.correction1) / denominator;
  w = std::fma(-o.rate, update, decayed);
}

}  // namespace reference
