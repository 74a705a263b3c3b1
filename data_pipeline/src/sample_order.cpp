// A keyed permutation of [0, n), computed in place: nothing is stored, and both directions cost the same.
//
// Let h be the smallest positive integer with 4^h >= n. A number x below 4^h is split into its high half L and its
// low half R of h bits each, and goes through 8 rounds, r = 0 to 7:
//   (L, R) <- (R, L xor (F(r, R) mod 2^h)),   F(r, v) = word 0 of philox4x32_10({2, epoch, 8 group + r, v}, seed).
// Results at or above n go through again until one is below n (cycle walking: at most 4 walks on average, for
// 4^h < 4n). The first word is RandomPurpose::kDataOrder. docs/formats/shard.md, "Order of sequences".
#include <limits>

#include "reprise/core/error.h"
#include "reprise/core/philox.h"
#include "reprise/data_pipeline/shards.h"

namespace reprise::data {
namespace {

constexpr std::uint32_t kNumRounds = 8;

class Feistel {
 public:
  Feistel(std::uint64_t seed, std::uint64_t epoch, std::uint64_t size, std::uint32_t group)
      : key_(philox_key(seed)),
        epoch_(static_cast<std::uint32_t>(epoch)),
        first_round_(kNumRounds * group),
        size_(size) {
    // The last comparison cannot overflow: h = 32 covers every 64-bit size.
    while (half_bits_ < 32 && (std::uint64_t{1} << 2 * half_bits_) < size) ++half_bits_;
    mask_ = (std::uint64_t{1} << half_bits_) - 1;
  }

  std::uint64_t forward(std::uint64_t x) const {
    do {
      x = forward_once(x);
    } while (x >= size_);
    return x;
  }

  std::uint64_t backward(std::uint64_t x) const {
    do {
      x = backward_once(x);
    } while (x >= size_);
    return x;
  }

 private:
  std::uint64_t scramble(std::uint32_t round, std::uint64_t half) const {
    const PhiloxCounter counter{static_cast<std::uint32_t>(RandomPurpose::kDataOrder), epoch_, first_round_ + round,
                                static_cast<std::uint32_t>(half)};
    return philox4x32_10(counter, key_)[0] & mask_;
  }

  std::uint64_t forward_once(std::uint64_t x) const {
    std::uint64_t left = x >> half_bits_;
    std::uint64_t right = x & mask_;
    for (std::uint32_t round = 0; round < kNumRounds; ++round) {
      const std::uint64_t next = left ^ scramble(round, right);
      left = right;
      right = next;
    }
    return left << half_bits_ | right;
  }

  std::uint64_t backward_once(std::uint64_t x) const {
    std::uint64_t left = x >> half_bits_;
    std::uint64_t right = x & mask_;
    for (std::uint32_t round = kNumRounds; round-- > 0;) {
      const std::uint64_t previous = right ^ scramble(round, left);
      right = left;
      left = previous;
    }
    return left << half_bits_ | right;
  }

  PhiloxKey key_;
  std::uint32_t epoch_;
  std::uint32_t first_round_;
  std::uint64_t size_;
  std::uint32_t half_bits_ = 1;
  std::uint64_t mask_ = 1;
};

void check_epoch(std::uint64_t epoch) {
  REPRISE_REQUIRE(epoch <= std::numeric_limits<std::uint32_t>::max(), ErrorKind::kData,
                  fmt::format("sample order: epoch beyond 2^32: {}", epoch), "use more data or fewer steps");
}

}  // namespace

SampleOrder::SampleOrder(std::uint64_t seed, std::uint64_t num_sequences, std::uint32_t group)
    : seed_(seed), num_sequences_(num_sequences), group_(group) {
  REPRISE_CHECK(group < std::uint32_t{1} << 29);
  REPRISE_REQUIRE(num_sequences > 0, ErrorKind::kData, "sample order: the shards hold no whole sequence",
                  "use more text, or a smaller train.sequence_length");
}

std::uint64_t SampleOrder::sequence_at(std::uint64_t sample) const {
  const std::uint64_t epoch = sample / num_sequences_;
  check_epoch(epoch);
  return Feistel(seed_, epoch, num_sequences_, group_).forward(sample % num_sequences_);
}

std::uint64_t SampleOrder::sample_of(std::uint64_t sequence, std::uint64_t epoch) const {
  REPRISE_CHECK(sequence < num_sequences_);
  check_epoch(epoch);
  return epoch * num_sequences_ + Feistel(seed_, epoch, num_sequences_, group_).backward(sequence);
}

}  // namespace reprise::data
