// p_k(w | h) = max(c(hw) - D(c(hw)), 0) / c(h.) + (D1 N1(h.) + D2 N2(h.) + D3 N3+(h.)) / c(h.) * p_{k-1}(w | h'),
// where c counts occurrences at the highest order and distinct left neighbours below it, h' is h without its first
// token, p_0 is 1 / V, and p_k = p_{k-1} for a context that was never seen.
#include "reprise/eval/ngram.h"

#include <algorithm>

#include "reprise/core/error.h"
#include "reprise/numerics/host_math.h"

namespace reprise::eval {
namespace {

constexpr int kTokenBits = 16;
constexpr double kFallbackDiscount = 0.75;  // where a text is too small to estimate discounts

}  // namespace

NgramModel::Level NgramModel::count_level(std::vector<Key> sorted_keys) {
  Level level;
  for (std::size_t i = 0; i < sorted_keys.size();) {
    std::size_t end = i + 1;
    while (end < sorted_keys.size() && sorted_keys[end] == sorted_keys[i]) ++end;
    level.keys.push_back(sorted_keys[i]);
    level.counts.push_back(static_cast<std::uint32_t>(end - i));
    i = end;
  }
  level.total.assign(level.keys.size() + 1, 0);
  for (std::vector<std::uint32_t>& sums : level.few) sums.assign(level.keys.size() + 1, 0);
  for (std::size_t i = 0; i < level.keys.size(); ++i) {
    level.total[i + 1] = level.total[i] + level.counts[i];
    for (std::uint32_t n = 0; n < 2; ++n) level.few[n][i + 1] = level.few[n][i] + (level.counts[i] == n + 1 ? 1 : 0);
  }
  set_discounts(level);
  return level;
}

void NgramModel::set_discounts(Level& level) {
  std::array<double, 5> n{};  // how many n-grams were counted exactly 1, 2, 3, 4 times
  for (const std::uint32_t count : level.counts) {
    if (count <= 4) n[count] += 1;
  }
  level.discount = {0, kFallbackDiscount, kFallbackDiscount, kFallbackDiscount};
  if (n[1] == 0 || n[2] == 0 || n[3] == 0 || n[4] == 0) return;
  const double y = n[1] / (n[1] + 2 * n[2]);
  std::array<double, 4> estimate{};
  for (std::size_t i = 1; i <= 3; ++i) {
    const auto count = static_cast<double>(i);
    estimate[i] = count - (count + 1) * y * n[i + 1] / n[i];
    // Without a discount a context keeps nothing for what never followed it, whose probability would be 0.
    if (estimate[i] <= 0) return;
  }
  level.discount = estimate;
}

NgramModel::NgramModel(std::span<const TokenStream> streams, int order, std::uint32_t vocab_size)
    : order_(order), uniform_(1.0 / vocab_size) {
  REPRISE_CHECK(order >= 1 && order <= kMaxOrder && vocab_size >= 1 && vocab_size <= 65536);
  const auto mask_of = [](int num_tokens) {
    return num_tokens == kMaxOrder ? ~Key{0} : (Key{1} << (num_tokens * kTokenBits)) - 1;
  };
  std::vector<Key> keys;
  for (const TokenStream& stream : streams) {
    if (stream.empty()) continue;
    Key key = 0;
    for (int i = 0; i < order; ++i) key = (key << kTokenBits) | static_cast<std::uint16_t>(stream[0]);
    for (std::size_t i = 1; i < stream.size(); ++i) {
      key = ((key << kTokenBits) | static_cast<std::uint16_t>(stream[i])) & mask_of(order);
      keys.push_back(key);
    }
  }
  levels_.resize(static_cast<std::size_t>(order));
  for (int k = order; k >= 1; --k) {
    std::sort(keys.begin(), keys.end());
    levels_[static_cast<std::size_t>(k - 1)] = count_level(std::move(keys));
    // Each distinct n-gram of this order is one left neighbour of its last k - 1 tokens.
    keys = levels_[static_cast<std::size_t>(k - 1)].keys;
    for (Key& key : keys) key &= mask_of(k - 1);
  }
}

double NgramModel::interpolate(const Level& level, Key context_key, std::int32_t token, double lower) const {
  const Key first = context_key << kTokenBits;
  const auto begin = std::lower_bound(level.keys.begin(), level.keys.end(), first);
  const auto end = std::upper_bound(begin, level.keys.end(), first | 0xFFFF);
  if (begin == end) return lower;
  const auto a = static_cast<std::size_t>(begin - level.keys.begin());
  const auto b = static_cast<std::size_t>(end - level.keys.begin());
  const double total = static_cast<double>(level.total[b] - level.total[a]);
  const double once = level.few[0][b] - level.few[0][a];
  const double twice = level.few[1][b] - level.few[1][a];
  const double more = static_cast<double>(b - a) - once - twice;
  const double mass = level.discount[1] * once + level.discount[2] * twice + level.discount[3] * more;
  double kept = 0;
  const Key key = first | static_cast<std::uint16_t>(token);
  const auto found = std::lower_bound(begin, end, key);
  if (found != end && *found == key) {
    const std::uint32_t count = level.counts[static_cast<std::size_t>(found - level.keys.begin())];
    kept = count - level.discount[std::min<std::uint32_t>(count, 3)];
  }
  return kept / total + mass / total * lower;
}

double NgramModel::probability_of(Key key) const {
  const auto token = static_cast<std::int32_t>(static_cast<std::uint16_t>(key));
  const Key context = key >> kTokenBits;
  double p = uniform_;
  for (int k = 1; k <= order_; ++k) {
    const Key mask = (Key{1} << ((k - 1) * kTokenBits)) - 1;
    p = interpolate(levels_[static_cast<std::size_t>(k - 1)], context & mask, token, p);
  }
  return p;
}

double NgramModel::probability(std::span<const std::int32_t> context, std::int32_t token) const {
  REPRISE_CHECK(!context.empty());
  Key key = 0;
  for (int i = order_ - 1; i >= 1; --i) {
    const auto back = static_cast<std::size_t>(i);
    const std::int32_t word = back <= context.size() ? context[context.size() - back] : context[0];
    key = (key << kTokenBits) | static_cast<std::uint16_t>(word);
  }
  return probability_of((key << kTokenBits) | static_cast<std::uint16_t>(token));
}

double NgramModel::nll_nats(const TokenStream& stream) const {
  if (stream.empty()) return 0;
  Key key = 0;
  for (int i = 0; i < order_; ++i) key = (key << kTokenBits) | static_cast<std::uint16_t>(stream[0]);
  double sum = 0;
  for (std::size_t i = 1; i < stream.size(); ++i) {
    key = (key << kTokenBits) | static_cast<std::uint16_t>(stream[i]);
    if (order_ < kMaxOrder) key &= (Key{1} << (order_ * kTokenBits)) - 1;
    sum -= numerics::exact_log(probability_of(key));
  }
  return sum;
}

}  // namespace reprise::eval
