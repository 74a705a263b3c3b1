#include <algorithm>
#include <cmath>

#include "attention.h"

namespace reference {
namespace {

/// One query head and the key-value head that it reads; element (t, e) of a tensor lies at x[at + t * stride + e].
struct OneHead {
  const AttentionCase& shape;
  Index sequence, head;
  const Floats &q, &k, &v, &dout;

  Index query_at(Index t, Index e) const {
    return ((sequence * shape.length + t) * shape.heads + head) * shape.dim + e;
  }
  Index key_at(Index t, Index e) const {
    const Index kv_head = head / (shape.heads / shape.kv_heads);
    return ((sequence * shape.length + t) * shape.kv_heads + kv_head) * shape.dim + e;
  }
  Index row_at(Index t) const { return (sequence * shape.heads + head) * shape.length + t; }
};

/// The pairs of one head, [length, length]; those that no query may see stay 0.
struct Pairs {
  Floats p;  // weights
  Floats z;  // gradient of dot * scale
  Floats g;  // [length, dim]
};

struct Score {
  float value, derivative;
};

Score score(const OneHead& head, Index i, Index j) {
  const float dot = segmented_dot(
      0, head.shape.dim, [&](Index e) { return head.q[head.query_at(i, e)]; },
      [&](Index e) { return head.k[head.key_at(j, e)]; });
  Score s{dot * head.shape.scale, 1.0f};
  if (head.shape.softcap != 0.0f) {
    const float inverse = 1.0f / head.shape.softcap;
    const float t = tanh(s.value * inverse);
    s = {head.shape.softcap * t, std::fma(-t, t, 1.0f)};
  }
  if (!head.shape.slopes.empty()) {
    s.value = std::fma(-head.shape.slopes[head.head], static_cast<float>(i - j), s.value);
  }
  return s;
}

/// Row i of p and z, the output and the kept values of query i, and its gradient.
void query_row(const OneHead& head, Index i, Pairs& pairs, Attention& result) {
  const Index length = head.shape.length, dim = head.shape.dim, first = head.shape.first_key(head.sequence, i);
  std::vector<Score> scores(static_cast<std::size_t>(i + 1));
  for (Index j = first; j <= i; ++j) scores[j] = score(head, i, j);
  float* p = pairs.p.data() + i * length;
  float* z = pairs.z.data() + i * length;
  float* g = pairs.g.data() + i * dim;
  const float maximum = row_maximum(i + 1 - first, [&](Index j) { return scores[first + j].value; });
  for (Index j = first; j <= i; ++j) p[j] = exp(scores[j].value - maximum);
  const float sum = lane_sum(i + 1, [&](float lane, Index j) { return lane + p[j]; });
  result.row_max[head.row_at(i)] = maximum;
  result.row_sum[head.row_at(i)] = sum;
  for (Index e = 0; e < dim; ++e) {
    const float weighted = segmented_dot(
        first, i + 1, [&](Index j) { return p[j]; }, [&](Index j) { return head.v[head.key_at(j, e)]; });
    result.out[head.query_at(i, e)] = weighted / sum;
    g[e] = head.dout[head.query_at(i, e)] / sum;
  }
  const float delta =
      lane_sum(dim, [&](float lane, Index e) { return std::fma(g[e], result.out[head.query_at(i, e)], lane); });
  for (Index j = first; j <= i; ++j) {
    const float dot = segmented_dot(
        0, dim, [&](Index e) { return g[e]; }, [&](Index e) { return head.v[head.key_at(j, e)]; });
    z[j] = p[j] * (dot - delta) * scores[j].derivative;
  }
  for (Index e = 0; e < dim; ++e) {
    const float sum_over_keys = segmented_dot(
        first, i + 1, [&](Index j) { return z[j]; }, [&](Index j) { return head.k[head.key_at(j, e)]; });
    result.dq[head.query_at(i, e)] = sum_over_keys * head.shape.scale;
  }
}

/// The share of one query head in the gradients of key j: it starts them, or is added.
void key_row(const OneHead& head, Index j, const Pairs& pairs, Attention& result) {
  const Index length = head.shape.length, dim = head.shape.dim;
  Index end = j + 1;  // the queries that may see key j are j .. end - 1
  while (end < length && head.shape.first_key(head.sequence, end) <= j) ++end;
  const bool starts = head.head % (head.shape.heads / head.shape.kv_heads) == 0;
  for (Index e = 0; e < dim; ++e) {
    const float dk = segmented_dot(
                         j, end, [&](Index i) { return pairs.z[i * length + j]; },
                         [&](Index i) { return head.q[head.query_at(i, e)]; }) *
                     head.shape.scale;
    const float dv = segmented_dot(
        j, end, [&](Index i) { return pairs.p[i * length + j]; }, [&](Index i) { return pairs.g[i * dim + e]; });
    float &to_dk = result.dk[head.key_at(j, e)], &to_dv = result.dv[head.key_at(j, e)];
    to_dk = starts ? dk : to_dk + dk;
    to_dv = starts ? dv : to_dv + dv;
  }
}

}  // namespace

Index AttentionCase::first_key(Index sequence, Index i) const {
  const Index document = document_starts.empty() ? 0 : document_starts[sequence * length + i];
  return window == 0 ? document : std::max(document, i - window + 1);
}

Attention attention(const AttentionCase& shape, const Floats& q, const Floats& k, const Floats& v, const Floats& dout) {
  const auto rows = static_cast<std::size_t>(shape.sequences * shape.heads * shape.length);
  Attention result{Floats(q.size()), Floats(rows), Floats(rows), Floats(q.size()), Floats(k.size()), Floats(k.size())};
  const auto size = static_cast<std::size_t>(shape.length);
  for (Index sequence = 0; sequence < shape.sequences; ++sequence) {
    for (Index index = 0; index < shape.heads; ++index) {
      const OneHead head{shape, sequence, index, q, k, v, dout};
      Pairs pairs{Floats(size * size), Floats(size * size), Floats(size * static_cast<std::size_t>(shape.dim))};
      for (Index i = 0; i < shape.length; ++i) query_row(head, i, pairs, result);
      for (Index j = 0; j < shape.length; ++j) key_row(head, j, pairs, result);
    }
  }
  return result;
}

}  // namespace reference
