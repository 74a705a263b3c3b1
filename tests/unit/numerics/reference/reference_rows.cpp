#include <cmath>

#include "reprise/core/philox.h"
#include "rows.h"

namespace reference {

Floats with_bias(Index dim, const Floats& y, const Floats& bias) {
  Floats sums(y.size());
  for (std::size_t i = 0; i < y.size(); ++i) sums[i] = y[i] + bias[i % static_cast<std::size_t>(dim)];
  return sums;
}

Floats bias_gradient(Index rows, Index dim, const Floats& dy) {
  Floats gradient(static_cast<std::size_t>(dim));
  for (Index d = 0; d < dim; ++d) {
    std::vector<float> segments;
    for (Index row = 0; row < rows; ++row) {
      if (row % 256 == 0) segments.push_back(0.0f);
      segments.back() = segments.back() + dy[row * dim + d];
    }
    for (std::size_t i = 0; i < segments.size(); ++i) {
      gradient[d] = i == 0 ? segments[0] : gradient[d] + segments[i];
    }
  }
  return gradient;
}

LayerNorm layer_norm(Index rows, Index dim, const Floats& x, const Floats& weight, const Floats& bias, float epsilon,
                     const Floats& dy) {
  LayerNorm norm;
  norm.y = norm.dx = Floats(x.size());
  norm.mean = norm.inverse_deviation = Floats(static_cast<std::size_t>(rows));
  Floats normal(x.size());
  const float size = static_cast<float>(dim);
  for (Index row = 0; row < rows; ++row) {
    const Index first = row * dim;
    const float mean = lane_sum(dim, [&](float sum, Index i) { return sum + x[first + i]; }) / size;
    const float squares = lane_sum(dim, [&](float sum, Index i) {
      const float centred = x[first + i] - mean;
      return std::fma(centred, centred, sum);
    });
    const float inverse = 1.0f / std::sqrt(squares / size + epsilon);
    norm.mean[row] = mean;
    norm.inverse_deviation[row] = inverse;
    for (Index i = first; i < first + dim; ++i) {
      const float centred = x[i] - mean;
      normal[i] = centred * inverse;
      norm.y[i] =
          bias.empty() ? normal[i] * weight[i - first] : std::fma(normal[i], weight[i - first], bias[i - first]);
    }
    const auto scaled = [&](Index i) { return dy[first + i] * weight[i]; };
    const float sum = lane_sum(dim, [&](float lane, Index i) { return lane + scaled(i); });
    // dy and x are what is extended by +0: of h there is left what it makes of an x of zero.
    const float beyond = (0.0f - mean) * inverse;
    const float projected = lane_sum((dim + 31) / 32 * 32, [&](float lane, Index i) {
      return i < dim ? std::fma(scaled(i), normal[first + i], lane) : std::fma(0.0f, beyond, lane);
    });
    const float a = sum / size, m = projected / size;
    for (Index i = 0; i < dim; ++i) {
      const float shifted = scaled(i) - a;
      norm.dx[first + i] = inverse * std::fma(-normal[first + i], m, shifted);
    }
  }
  norm.dweight = Floats(static_cast<std::size_t>(dim));
  for (Index d = 0; d < dim; ++d) {
    norm.dweight[d] = segmented_dot(
        0, rows, [&](Index row) { return dy[row * dim + d]; }, [&](Index row) { return normal[row * dim + d]; });
  }
  if (!bias.empty()) norm.dbias = bias_gradient(rows, dim, dy);
  return norm;
}

Floats rotate_part(Index sequences, Index length, Index heads, Index dim, Index turning, bool neighbours, bool backward,
                   const Floats& x, const Floats& cos, const Floats& sin) {
  Floats y = x;
  const Index half = turning / 2;
  for (Index row = 0; row < sequences * length * heads; ++row) {
    const Index position = row / heads % length;
    for (Index e = 0; e < half; ++e) {
      const Index first = row * dim + (neighbours ? 2 * e : e);
      const Index second = row * dim + (neighbours ? 2 * e + 1 : e + half);
      const float c = cos[position * half + e];
      const float s = backward ? -sin[position * half + e] : sin[position * half + e];
      const float turned = x[second] * s;
      y[first] = std::fma(x[first], c, -turned);
      const float other = x[first] * s;
      y[second] = std::fma(x[second], c, other);
    }
  }
  return y;
}

Floats dropout(std::uint64_t seed, std::uint32_t layer, std::uint32_t place, std::uint64_t sample, double rate,
               const Floats& x) {
  const auto threshold = static_cast<std::uint64_t>(std::floor(rate * 4294967296.0 + 0.5));
  const auto factor = static_cast<float>(1.0 / (1.0 - rate));
  Floats y(x.size());
  for (std::uint64_t e = 0; e < x.size(); ++e) {
    const std::uint64_t block = 32 * (e / 128) + e % 32;
    const std::uint64_t packed = (std::uint64_t{8 * layer + place} << 48) + sample;
    const reprise::PhiloxCounter counter = {3, static_cast<std::uint32_t>(packed >> 32),
                                            static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(block)};
    const std::uint32_t word = reprise::philox4x32_10(counter, reprise::philox_key(seed))[e / 32 % 4];
    y[e] = word >= threshold ? x[e] * factor : 0.0f;
  }
  return y;
}

}  // namespace reference
