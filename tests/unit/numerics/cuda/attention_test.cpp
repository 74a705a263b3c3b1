// [C-12] on a GPU.

#include "attention.h"

#include "attention_case.h"

namespace reprise::numerics {
namespace {

AttentionCase plain(std::int64_t sequences, std::int64_t length, std::int64_t heads, std::int64_t dim) {
  AttentionCase c;
  c.shape = {sequences, length, heads, heads, dim};
  return c;
}

TEST(CudaAttention, EveryLengthAroundTilesAndSegmentsHasTheBitsOfTheCpu) {
  for (const std::int64_t length : {1, 2, 31, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300, 520}) {
    expect_same_attention(plain(1, length, 1, length > 128 ? 4 : 16));
  }
}

TEST(CudaAttention, EveryHeadSizeHasTheBitsOfTheCpu) {
  for (const std::int64_t dim : {1, 3, 5, 16, 63, 64, 65, 80, 127, 128, 129, 200, 256, 300, 520}) {
    expect_same_attention(plain(1, 66, 1, dim));
  }
}

TEST(CudaAttention, SequencesAndHeadsAreTheirOwn) {
  expect_same_attention(plain(2, 70, 3, 8));
  expect_same_attention(plain(3, 5, 2, 7));
}

TEST(CudaAttention, NothingIsDoneWhereThereIsNothing) {
  expect_same_attention(plain(0, 8, 2, 4));
  expect_same_attention(plain(2, 0, 2, 4));
}

TEST(CudaAttention, AlignmentDoesNotMatter) {
  for (const std::int64_t dim : {4, 64, 96}) {
    AttentionCase c = plain(1, 70, 2, dim);
    c.offset = 1;
    expect_same_attention(c);
  }
}

TEST(CudaAttention, ZerosSubnormalsAndLargeValuesHaveTheBitsOfTheCpu) {
  AttentionCase c = plain(1, 300, 1, 6);
  c.hard = true;
  c.spread = 1e-3f;
  expect_same_attention(c);
  c.spread = 1e-20f;  // scores underflow
  expect_same_attention(c);
}

TEST(CudaAttention, RowsOfDeltaAreExtendedByZerosAsOnTheCpu) {
  for (const std::int64_t dim : {31, 32, 36, 40, 48, 80, 100}) {
    AttentionCase c = plain(1, 2, 1, dim);
    c.vanishing = true;
    expect_same_attention(c);
  }
}

TEST(CudaAttention, GradientsInPartsHaveTheBitsOfGradientsAtOnce) {
  // Each two of three heads at a time, one at a time, and the keys of a head in two strips.
  for (const std::int64_t slopes : {2 * 320 * 320, 320 * 320, 320 * 256, 1}) {
    constexpr std::int64_t kLength = 300, kHeads = 3, kDim = 4, kRows = kLength * kHeads, kCount = kRows * kDim;
    const AttentionShape shape{1, kLength, kHeads, kHeads, kDim};
    AttentionOptions options;
    options.window = 270;
    const auto gradients = [&](std::int64_t slopes_at_a_time) {
      const std::unique_ptr<Device> device = emulation::make_emulated_device();
      DeviceMemory memory(*device);
      cuda::Queue queue(0);
      std::vector<const float*> in;
      for (unsigned seed = 1; seed <= 4; ++seed) in.push_back(memory.copy_of(random_values(kCount, seed)));
      float *const out = memory.output(kCount), *const row_max = memory.output(kRows);
      float *const row_sum = memory.output(kRows), *const dq = memory.output(kCount);
      float *const dk = memory.output(kCount), *const dv = memory.output(kCount);
      cuda::attention_forward(queue, shape, options, in[0], in[1], in[2], out, row_max, row_sum);
      cuda::attention_backward(queue, shape, options, in[0], in[1], in[2], out, row_max, row_sum, in[3], dq, dk, dv,
                               slopes_at_a_time);
      queue.stream().synchronize();
      std::vector<float> all = memory.values(dq, kCount);
      append(all, memory.values(dk, kCount));
      append(all, memory.values(dv, kCount));
      return all;
    };
    EXPECT_EQ(gradients(slopes), gradients(cuda::kSlopesAtATime));
  }
}

}  // namespace
}  // namespace reprise::numerics
