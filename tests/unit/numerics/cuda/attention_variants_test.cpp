// [C-40] and [C-41] on a GPU.

#include <random>

#include "attention_case.h"
#include "reprise/core/error.h"

namespace reprise::numerics {
namespace {

using Starts = std::vector<std::int32_t>;

/// Starts of documents that end at `ends`, in one sequence.
Starts documents(std::int64_t length, const std::vector<std::int64_t>& ends) {
  Starts starts;
  std::int32_t start = 0;
  for (std::int64_t i = 0; i < length; ++i) {
    if (std::find(ends.begin(), ends.end(), i) != ends.end()) start = static_cast<std::int32_t>(i);
    starts.push_back(start);
  }
  return starts;
}

Starts random_documents(std::mt19937& generator, std::int64_t sequences, std::int64_t length, unsigned longest) {
  Starts starts;
  for (std::int64_t sequence = 0; sequence < sequences; ++sequence) {
    std::vector<std::int64_t> ends;
    for (std::int64_t end = 0; end < length; end += 1 + generator() % longest) ends.push_back(end);
    const Starts more = documents(length, ends);
    starts.insert(starts.end(), more.begin(), more.end());
  }
  return starts;
}

TEST(CudaAttentionVariants, EveryWindowHasTheBitsOfTheCpu) {
  AttentionCase c{{1, 150, 1, 1, 8}};
  for (const std::int64_t window : {1, 31, 63, 64, 65, 128, 149, 1000}) {
    c.window = window;
    expect_same_attention(c);
  }
  c.shape = {1, 580, 1, 1, 4};
  for (const std::int64_t window : {1, 256, 257, 320}) {
    c.window = window;
    expect_same_attention(c);
  }
}

TEST(CudaAttentionVariants, DocumentsThatEndAnywhereHaveTheBitsOfTheCpu) {
  AttentionCase c{{1, 200, 1, 1, 8}};
  for (const std::int64_t end : {1, 63, 64, 65, 100, 128, 199}) {
    c.document_starts = documents(200, {end});
    expect_same_attention(c);
  }
  c.shape = {1, 560, 1, 1, 4};
  for (const std::vector<std::int64_t>& ends : {std::vector<std::int64_t>{256}, {255}, {257, 300}, {5, 512}}) {
    c.document_starts = documents(560, ends);
    expect_same_attention(c);
  }
}

TEST(CudaAttentionVariants, SoftcapAndSlopesHaveTheBitsOfTheCpu) {
  AttentionCase c{{1, 130, 3, 3, 12}};
  c.softcap = 1.7f;
  expect_same_attention(c);
  c.biased = true;
  expect_same_attention(c);
  c.softcap = 0.0f;
  expect_same_attention(c);
}

TEST(CudaAttentionVariants, GroupedQueriesHaveTheBitsOfTheCpu) {
  expect_same_attention({{2, 70, 4, 2, 8}});
  expect_same_attention({{1, 90, 6, 1, 5}});
  expect_same_attention({{1, 300, 3, 1, 4}});
  expect_same_attention({{1, 66, 4, 2, 80}});
  expect_same_attention({{1, 66, 2, 1, 136}});
}

TEST(CudaAttentionVariants, LargeHeadsHaveTheBitsOfTheCpuWithEveryOption) {
  for (const std::int64_t dim : {136, 300}) {  // a segment of [C-3], and more
    AttentionCase c{{1, 66, 1, 1, dim}};
    c.window = 40;
    c.softcap = 1.5f;
    expect_same_attention(c);
    c.window = 0;
    c.offset = 1;
    c.biased = true;
    c.document_starts = documents(66, {30, 50});
    expect_same_attention(c);
  }
}

TEST(CudaAttentionVariants, RandomCombinationsHaveTheBitsOfTheCpu) {
  std::mt19937 generator(11);
  const auto one_of = [&](std::initializer_list<std::int64_t> values) {
    return values.begin()[generator() % values.size()];
  };
  for (int round = 0; round < 12; ++round) {
    const std::int64_t kv_heads = one_of({1, 2}), dim = one_of({1, 3, 8, 16, 64, 80, 132});
    AttentionCase c{{one_of({1, 2}), dim > 16 ? one_of({64, 70, 129}) : one_of({1, 61, 128, 200, 330}),
                     kv_heads * one_of({1, 2, 3}), kv_heads, dim}};
    if (generator() % 2 == 0) c.window = 1 + static_cast<std::int64_t>(generator() % 300);
    if (generator() % 2 == 0) c.softcap = 0.5f + static_cast<float>(generator() % 8);
    c.biased = generator() % 2 == 0;
    if (generator() % 2 == 0) {
      c.document_starts = random_documents(generator, c.shape.num_sequences, c.shape.length,
                                           static_cast<unsigned>(one_of({3, 40, 300})));
    }
    c.hard = generator() % 4 == 0;
    c.offset = generator() % 4 == 0 ? 1 : 0;
    expect_same_attention(c);
  }
}

TEST(CudaAttentionVariants, AKeyThatNoQueryMaySeeTakesPartInNothing) {
  // NaNs in the first document; the second has the bits that it has beside numbers, on both devices.
  AttentionCase c{{1, 200, 1, 1, 8}};
  c.document_starts = documents(200, {70});
  c.poisoned = 70;
  expect_same_attention(c);
}

TEST(CudaAttentionVariants, MoreSlopesThanAKernelTakesAreAnError) {
  const std::unique_ptr<Device> device = emulation::make_emulated_device();
  const std::vector<float> slopes(300);
  AttentionOptions options;
  options.alibi_slopes = slopes.data();
  EXPECT_THROW(
      device->attention_forward({0, 0, 300, 300, 8}, options, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr),
      Error);
}

}  // namespace
}  // namespace reprise::numerics
