// [C-12] on a GPU.

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

}  // namespace
}  // namespace reprise::numerics
