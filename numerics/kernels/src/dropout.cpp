// Dropout [C-39]: Philox4x32-10 in vectors of blocks, 32 blocks (128 elements) at a time.

#include "reprise/numerics/dropout.h"

#include <fmt/format.h>

#include "dispatch.h"
#include "reprise/core/error.h"
#include "reprise/core/philox.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dropout.cpp"
#include <hwy/foreach_target.h>

#include "vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

using WordTag = hn::RebindToUnsigned<FloatTag>;
using Words = hn::Vec<WordTag>;

HWY_INLINE Words words(std::uint32_t x) { return hn::Set(WordTag(), x); }

/// The halves of the 64-bit products of 32-bit lanes.
struct Product {
  Words high, low;
};

HWY_INLINE Product multiply_words(Words a, Words b) {
#if HWY_TARGET == HWY_SCALAR
  const std::uint64_t product = std::uint64_t{a.raw} * b.raw;
  return {words(static_cast<std::uint32_t>(product >> 32)), words(static_cast<std::uint32_t>(product))};
#else
  using WideTag = hn::RepartitionToWide<WordTag>;
  const auto even = hn::MulEven(a, b);
  const auto odd = hn::MulEven(hn::BitCast(WordTag(), hn::ShiftRight<32>(hn::BitCast(WideTag(), a))), b);
  const Words even_high = hn::BitCast(WordTag(), hn::ShiftRight<32>(even));
  const Words odd_low = hn::BitCast(WordTag(), hn::ShiftLeft<32>(odd));
  return {hn::OddEven(hn::BitCast(WordTag(), odd), even_high), hn::OddEven(odd_low, hn::BitCast(WordTag(), even))};
#endif
}

/// Ten rounds of Philox4x32 on one block per lane, in place.
HWY_INLINE void philox_blocks(std::uint64_t seed, Words (&counter)[4]) {
  const Words multiplier0 = words(0xD2511F53u), multiplier1 = words(0xCD9E8D57u);
  auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const Product first = multiply_words(counter[0], multiplier0);
    const Product second = multiply_words(counter[2], multiplier1);
    counter[0] = hn::Xor(hn::Xor(second.high, counter[1]), words(key0));
    counter[2] = hn::Xor(hn::Xor(first.high, counter[3]), words(key1));
    counter[1] = second.low;
    counter[3] = first.low;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

/// The random words of elements [128 group, 128 group + 128): word w of block l belongs to element 32 w + l.
HWY_INLINE void random_words(const DropoutRule& rule, std::uint64_t sample, Index group, std::uint32_t* to) {
  const std::uint32_t site_and_high = rule.site << 16 | static_cast<std::uint32_t>(sample >> 32);
  for (Index l = 0; l < kVirtualLanes; l += kWidth) {
    const auto block = static_cast<std::uint32_t>(group * kVirtualLanes + l);
    Words counter[4] = {words(static_cast<std::uint32_t>(RandomPurpose::kDropout)), words(site_and_high),
                        words(static_cast<std::uint32_t>(sample)), hn::Iota(WordTag(), block)};
    philox_blocks(rule.seed, counter);
    for (Index w = 0; w < 4; ++w) hn::StoreU(counter[w], WordTag(), to + w * kVirtualLanes + l);
  }
}

void drop_sequences(Index num_sequences, Index count, const DropoutRule& rule, const std::uint64_t* samples,
                    const float* x, float* y) {
  constexpr Index kGroup = 4 * kVirtualLanes;
  HWY_ALIGN std::uint32_t random[kGroup];
  for (Index sequence = 0; sequence < num_sequences; ++sequence) {
    for (Index begin = 0; begin < count; begin += kGroup) {
      random_words(rule, samples[sequence], begin / kGroup, random);
      const Index end = begin + kGroup < count ? begin + kGroup : count;
      for (Index i = begin; i < end; i += kWidth) {
        const Index at = sequence * count + i;
        const auto dropped = hn::Lt(hn::LoadU(WordTag(), random + (i - begin)), words(rule.threshold));
        const Vector scaled = hn::Mul(load_some(x + at, end - i), broadcast(rule.factor));
        store_some(hn::IfThenElse(hn::RebindMask(FloatTag(), dropped), zero(), scaled), y + at, end - i);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::numerics {

std::uint32_t dropout_site(std::int64_t layer, DropoutPlace place) {
  constexpr std::int64_t kPlaces = 8;
  REPRISE_REQUIRE(0 <= layer && layer < 65536 / kPlaces, ErrorKind::kConfig,
                  fmt::format("dropout is defined for layers 0 to 8191, not for layer {}", layer),
                  "train without dropout");
  return static_cast<std::uint32_t>(layer * kPlaces) + static_cast<std::uint32_t>(place);
}

DropoutRule dropout_rule(std::uint64_t seed, std::uint32_t site, double rate) {
  REPRISE_CHECK(site < 65536);
  REPRISE_REQUIRE(rate >= 0.0 && rate * 0x1p32 + 0.5 < 0x1p32, ErrorKind::kConfig,
                  fmt::format("the rate of dropout is not at least 0 and below 1: {}", rate),
                  "choose the share of elements to drop, such as 0.1");
  return {seed, site, static_cast<std::uint32_t>(rate * 0x1p32 + 0.5), static_cast<float>(1.0 / (1.0 - rate))};
}

void dropout(std::int64_t num_sequences, std::int64_t count, const DropoutRule& rule, const std::uint64_t* samples,
             const float* x, float* y) {
  REPRISE_CHECK(count <= std::int64_t{1} << 34);
  for (std::int64_t i = 0; i < num_sequences; ++i) REPRISE_CHECK(samples[i] < std::uint64_t{1} << 48);
  REPRISE_DISPATCH(drop_sequences)(num_sequences, count, rule, samples, x, y);
}

}  // namespace reprise::numerics
#endif  // HWY_ONCE
