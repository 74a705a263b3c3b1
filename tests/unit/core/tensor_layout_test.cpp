#include "reprise/core/tensor_layout.h"

#include <gtest/gtest.h>

#include "reprise/core/error.h"

namespace reprise {
namespace {

TensorLayout example() { return TensorLayout({{"a", {3, 5}, true}, {"b", {4097}, false}, {"c", {4096}, true}}); }

TEST(TensorLayout, StartsEveryTensorOnAChunk) {
  const TensorLayout layout = example();
  EXPECT_EQ(layout.entries()[0].offset, 0);
  EXPECT_EQ(layout.entries()[1].offset, 4096);
  EXPECT_EQ(layout.entries()[2].offset, 3 * 4096);
  EXPECT_EQ(layout.num_chunks(), 4);
  EXPECT_EQ(layout.num_parameters(), 15 + 4097 + 4096);
}

TEST(TensorLayout, KnowsTheOwnerAndTheRealElementsOfAChunk) {
  const TensorLayout layout = example();
  EXPECT_EQ(layout.entry_of_chunk(2).spec.name, "b");
  EXPECT_EQ(layout.elements_in_chunk(0), 15);
  EXPECT_EQ(layout.elements_in_chunk(1), 4096);
  EXPECT_EQ(layout.elements_in_chunk(2), 1);
  EXPECT_EQ(layout.elements_in_chunk(3), 4096);
}

TEST(TensorLayout, RefusesShapesThatAreNone) {
  constexpr std::int64_t kMuch = std::int64_t{1} << 32;
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{0}, {-2, -2}, {kMuch + 1, kMuch}}) {
    EXPECT_THROW(TensorLayout({{"a", shape}}), Error) << shape[0];
  }
}

TEST(TensorLayout, NamesTheFirstTensorThatIsAnother) {
  EXPECT_EQ(first_difference(example(), example()), std::nullopt);
  EXPECT_EQ(first_difference(example(), TensorLayout({{"t", {}, true}})), "1 tensors instead of 3");
  const TensorLayout shape({{"a", {3, 5}, true}, {"b", {17, 241}, false}, {"c", {4096}, true}});
  EXPECT_EQ(first_difference(example(), shape), "tensor 1 is b [17, 241] instead of b [4097]");
  const TensorLayout name({{"a", {3, 5}, false}, {"b", {4097}, true}, {"d", {4096}, true}});
  EXPECT_EQ(first_difference(example(), name), "tensor 2 is d [4096] instead of c [4096]");
}

TEST(ChunkSlice, CoversAllChunksOnceForAnyNumberOfRanks) {
  for (std::int64_t chunks : {0, 1, 5, 64, 101}) {
    for (int ranks = 1; ranks <= 9; ++ranks) {
      std::int64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const ChunkRange slice = chunk_slice(chunks, rank, ranks);
        EXPECT_EQ(slice.begin, next);
        EXPECT_LE(slice.size(), (chunks + ranks - 1) / ranks);
        next = slice.end;
      }
      EXPECT_EQ(next, chunks);
    }
  }
}

TEST(ChunkDigests, DoNotSeePadding) {
  const TensorLayout layout = example();
  std::vector<float> flat(static_cast<std::size_t>(layout.num_elements()), 1.0f);
  const auto before = chunk_digests(layout, {0, layout.num_chunks()}, flat);
  flat[15] = 2.0f;
  EXPECT_EQ(chunk_digests(layout, {0, layout.num_chunks()}, flat), before);
  flat[14] = 2.0f;
  EXPECT_NE(chunk_digests(layout, {0, layout.num_chunks()}, flat), before);
}

TEST(ChunkDigests, OfASliceAreThoseOfTheWhole) {
  const TensorLayout layout = example();
  std::vector<float> flat(static_cast<std::size_t>(layout.num_elements()));
  for (std::size_t i = 0; i < flat.size(); ++i) flat[i] = static_cast<float>(i);
  const auto whole = chunk_digests(layout, {0, 4}, flat);
  const auto slice = chunk_digests(layout, {1, 3}, std::span<const float>(flat).subspan(4096));
  EXPECT_EQ(slice, std::vector<Digest>(whole.begin() + 1, whole.begin() + 3));
}

TEST(TensorDigest, DependsOnNameShapeAndContent) {
  const std::vector<Digest> chunks = {sha256("x")};
  const Digest digest = tensor_digest({"a", {2, 3}}, chunks);
  EXPECT_NE(digest, tensor_digest({"b", {2, 3}}, chunks));
  EXPECT_NE(digest, tensor_digest({"a", {3, 2}}, chunks));
  EXPECT_NE(digest, tensor_digest({"a", {2, 3}}, std::vector<Digest>{sha256("y")}));
}

}  // namespace
}  // namespace reprise
