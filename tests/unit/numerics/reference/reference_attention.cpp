#include <cmath>

#include "reference.h"

namespace reference {
namespace {

/// One head of one sequence; element (t, e) of a tensor lies at x[at + t * stride + e].
struct OneHead {
  Index at, stride, length, dim;
  float scale;
  float operator()(const Floats& x, Index t, Index e) const { return x[at + t * stride + e]; }
  float& operator()(Floats& x, Index t, Index e) const { return x[at + t * stride + e]; }
};

float score(const OneHead& head, const Floats& q, const Floats& k, Index i, Index j) {
  const float dot = segmented_dot(
      0, head.dim, [&](Index e) { return head(q, i, e); }, [&](Index e) { return head(k, j, e); });
  return dot * head.scale;
}

}  // namespace

Attention attention(Index sequences, Index length, Index heads, Index dim, float scale, const Floats& q,
                    const Floats& k, const Floats& v, const Floats& dout) {
  Attention result{Floats(q.size()), {}, {}, Floats(q.size()), Floats(q.size()), Floats(q.size())};
  for (Index index = 0; index < sequences * heads; ++index) {
    const OneHead head{(index / heads * length * heads + index % heads) * dim, heads * dim, length, dim, scale};
    Floats weights(static_cast<std::size_t>(length * length)), slopes(weights.size());
    Floats g(static_cast<std::size_t>(length * dim));
    for (Index i = 0; i < length; ++i) {
      Floats scores(static_cast<std::size_t>(i + 1));
      for (Index j = 0; j <= i; ++j) scores[j] = score(head, q, k, i, j);
      const float maximum = row_maximum(i + 1, [&](Index j) { return scores[j]; });
      for (Index j = 0; j <= i; ++j) weights[i * length + j] = exp(scores[j] - maximum);
      const float sum = lane_sum(i + 1, [&](float lane, Index j) { return lane + weights[i * length + j]; });
      result.row_max.push_back(maximum);
      result.row_sum.push_back(sum);
      for (Index e = 0; e < dim; ++e) {
        head(result.out, i, e) =
            segmented_dot(
                0, i + 1, [&](Index j) { return weights[i * length + j]; }, [&](Index j) { return head(v, j, e); }) /
            sum;
        g[i * dim + e] = head(dout, i, e) / sum;
      }
      const float delta =
          lane_sum(dim, [&](float lane, Index e) { return std::fma(g[i * dim + e], head(result.out, i, e), lane); });
      for (Index j = 0; j <= i; ++j) {
        const float dot = segmented_dot(
            0, dim, [&](Index e) { return g[i * dim + e]; }, [&](Index e) { return head(v, j, e); });
        slopes[i * length + j] = weights[i * length + j] * (dot - delta);
      }
      for (Index e = 0; e < dim; ++e) {
        head(result.dq, i, e) =
            segmented_dot(
                0, i + 1, [&](Index j) { return slopes[i * length + j]; }, [&](Index j) { return head(k, j, e); }) *
            scale;
      }
    }
    for (Index j = 0; j < length; ++j) {
      for (Index e = 0; e < dim; ++e) {
        head(result.dk, j, e) =
            segmented_dot(
                j, length, [&](Index i) { return slopes[i * length + j]; }, [&](Index i) { return head(q, i, e); }) *
            scale;
        head(result.dv, j, e) = segmented_dot(
            j, length, [&](Index i) { return weights[i * length + j]; }, [&](Index i) { return g[i * dim + e]; });
      }
    }
  }
  return result;
}

}  // namespace reference
