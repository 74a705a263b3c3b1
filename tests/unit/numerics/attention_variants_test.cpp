// Clause [C-40]: grouped queries, sliding window, ALiBi, softcap, document mask, and their combinations.
#include <random>

#include "attention_test.h"
#include "reprise/core/error.h"

namespace reprise::numerics {
namespace {

using namespace attention_test;
using kernel_test::expect_same_bits;
using kernel_test::for_each_target;
using Starts = std::vector<std::int32_t>;

Floats standard_slopes(Index heads) {
  Floats slopes(static_cast<std::size_t>(heads));
  alibi_slopes(slopes);
  return slopes;
}

/// Starts of documents of random lengths up to `longest`, for each token of each sequence.
Starts random_documents(std::mt19937& generator, Index sequences, Index length, Index longest) {
  Starts starts;
  for (Index sequence = 0; sequence < sequences; ++sequence) {
    for (Index start = 0, next = 0; start < length; start = next) {
      next = std::min(length, start + 1 + static_cast<Index>(generator() % static_cast<std::uint32_t>(longest)));
      starts.insert(starts.end(), static_cast<std::size_t>(next - start), static_cast<std::int32_t>(start));
    }
  }
  return starts;
}

void expect_reference_bits(const AttentionCase& c) {
  SCOPED_TRACE(testing::Message() << c.sequences << " x " << c.length << " x " << c.heads << "/" << c.kv_heads << " x "
                                  << c.dim << ", window " << c.window << ", softcap " << c.softcap << ", slopes "
                                  << c.slopes.size() << ", documents " << c.document_starts.size());
  const Inputs in = random_inputs(c);
  const reference::Attention expected = reference::attention(c, in.q, in.k, in.v, in.dout);
  for_each_target([&] { expect_same_results(run(c, in), expected); });
}

TEST(AttentionVariants, EveryOptionAloneEqualsTheReferenceBitForBit) {
  AttentionCase base = plain_case(1, 300, 2, 32);
  AttentionCase window = base, grouped = base, biased = base, capped = base, documents = base;
  for (const Index size : {1, 2, 31, 64, 255, 256, 257, 299, 300, 1000}) {
    window.window = size;
    expect_reference_bits(window);
  }
  grouped.kv_heads = 1;
  expect_reference_bits(grouped);
  biased.slopes = standard_slopes(2);
  expect_reference_bits(biased);
  capped.softcap = 1.5f;
  expect_reference_bits(capped);
  std::mt19937 generator(5);
  for (const Index longest : {1, 5, 100, 290}) {
    documents.document_starts = random_documents(generator, 1, 300, longest);
    expect_reference_bits(documents);
  }
}

TEST(AttentionVariants, RandomCombinationsEqualTheReferenceBitForBit) {
  std::mt19937 generator(7);
  const auto one_of = [&](std::initializer_list<Index> values) { return values.begin()[generator() % values.size()]; };
  for (int round = 0; round < 48; ++round) {
    const Index kv_heads = one_of({1, 2}), group = one_of({1, 2, 3}), sequences = one_of({1, 2});
    const Index dim = one_of({1, 3, 32, 64, 80, 128}), length = one_of({1, 7, 61, 97, 128, dim > 32 ? 150 : 523});
    AttentionCase c{sequences, length, kv_heads * group, kv_heads, dim, scale_of(dim)};
    if (generator() % 2 == 0) c.window = 1 + static_cast<Index>(generator() % static_cast<std::uint32_t>(length));
    if (generator() % 2 == 0) c.softcap = 0.5f + static_cast<float>(generator() % 8);
    if (generator() % 2 == 0) c.slopes = standard_slopes(c.heads);
    if (generator() % 2 == 0) c.document_starts = random_documents(generator, sequences, length, one_of({3, 40, 400}));
    expect_reference_bits(c);
  }
}

TEST(AttentionVariants, AWindowOfTheWholeSequenceAndOneDocumentAreThePlainOperator) {
  const AttentionCase plain = plain_case(2, 291, 2, 16);
  AttentionCase same = plain;
  same.window = 291;
  same.document_starts = Starts(2 * 291, 0);
  const Inputs in = random_inputs(plain);
  for_each_target([&] { expect_same_results(run(same, in), run(plain, in)); });
}

TEST(AttentionVariants, ADocumentHasTheBitsItHasAloneAtTheSamePositions) {
  // Three documents; in the second run everything outside one of them is poison.
  AttentionCase c{1, 400, 4, 2, 24, scale_of(24)};
  c.slopes = standard_slopes(4);
  c.softcap = 3.0f;
  const Index bounds[] = {0, 130, 270, 400};
  for (int d = 0; d < 3; ++d) {
    c.document_starts.insert(c.document_starts.end(), static_cast<std::size_t>(bounds[d + 1] - bounds[d]),
                             static_cast<std::int32_t>(bounds[d]));
  }
  const Inputs in = random_inputs(c);
  for_each_target([&] {
    const reference::Attention together = run(c, in);
    for (int d = 0; d < 3; ++d) {
      const auto only = [&](Floats x, Index width) {
        for (Index t = 0; t < c.length; ++t) {
          if (t < bounds[d] || t >= bounds[d + 1]) std::fill_n(x.begin() + t * width, width, NAN);
        }
        return x;
      };
      const Index queries = c.heads * c.dim, keys = c.kv_heads * c.dim;
      const reference::Attention alone =
          run(c, {only(in.q, queries), only(in.k, keys), only(in.v, keys), only(in.dout, queries)});
      const auto part = [&](const Floats& x, Index width) {
        return Floats(x.begin() + bounds[d] * width, x.begin() + bounds[d + 1] * width);
      };
      expect_same_bits(part(alone.out, queries), part(together.out, queries), "out");
      expect_same_bits(part(alone.dq, queries), part(together.dq, queries), "dq");
      expect_same_bits(part(alone.dk, keys), part(together.dk, keys), "dk");
      expect_same_bits(part(alone.dv, keys), part(together.dv, keys), "dv");
    }
  });
}

TEST(AttentionVariants, ADocumentAtTheFrontHasTheBitsOfItsOwnSequence) {
  AttentionCase c = plain_case(1, 200, 2, 16);
  c.document_starts = Starts(200, 0);
  std::fill(c.document_starts.begin() + 90, c.document_starts.end(), 90);
  const AttentionCase front = plain_case(1, 90, 2, 16);
  const Inputs in = random_inputs(c);
  const auto first = [&](const Floats& x) { return Floats(x.begin(), x.begin() + query_size(front)); };
  const Inputs part{first(in.q), first(in.k), first(in.v), first(in.dout)};
  for_each_target([&] {
    const reference::Attention whole = run(c, in), own = run(front, part);
    expect_same_bits(first(whole.out), own.out, "out");
    expect_same_bits(first(whole.dq), own.dq, "dq");
    expect_same_bits(first(whole.dk), own.dk, "dk");
    expect_same_bits(first(whole.dv), own.dv, "dv");
  });
}

TEST(AttentionVariants, ADocumentThatStartsAtASegmentHasTheBitsOfItsOwnSequence) {
  AttentionCase c = plain_case(1, 400, 2, 16);
  c.document_starts = Starts(400, 0);
  std::fill(c.document_starts.begin() + 256, c.document_starts.end(), 256);
  const AttentionCase own_case = plain_case(1, 144, 2, 16);
  const Inputs in = random_inputs(c);
  const auto last = [&](const Floats& x) { return Floats(x.end() - query_size(own_case), x.end()); };
  const Inputs part{last(in.q), last(in.k), last(in.v), last(in.dout)};
  for_each_target([&] {
    const reference::Attention whole = run(c, in), own = run(own_case, part);
    expect_same_bits(last(whole.out), own.out, "out");
    expect_same_bits(last(whole.dq), own.dq, "dq");
    expect_same_bits(last(whole.dk), own.dk, "dk");
    expect_same_bits(last(whole.dv), own.dv, "dv");
  });
}

TEST(AttentionVariants, GradientsEqualFiniteDifferences) {
  AttentionCase grouped{2, 6, 4, 2, 3, scale_of(3)};
  expect_gradients(grouped, 1e-4);
  AttentionCase window = plain_case(1, 9, 2, 3);
  window.window = 4;
  expect_gradients(window, 3e-5);
  AttentionCase biased = plain_case(1, 7, 3, 3);
  biased.slopes = standard_slopes(3);
  expect_gradients(biased, 3e-5);
  AttentionCase capped = plain_case(2, 7, 2, 3);
  capped.softcap = 2.0f;
  expect_gradients(capped, 3e-5);
  AttentionCase documents = plain_case(1, 9, 2, 3);
  documents.document_starts = {0, 0, 0, 3, 4, 4, 4, 4, 8};
  expect_gradients(documents, 3e-5);
  AttentionCase all = grouped;
  all.window = 3, all.slopes = standard_slopes(4), all.softcap = 2.0f;
  all.document_starts = {0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 4, 4};
  expect_gradients(all, 1e-4);
}

TEST(AttentionVariants, OutputStaysWithinTheBoundOfBinary64) {
  AttentionCase c{1, 300, 2, 1, 32, scale_of(32)};
  c.slopes = standard_slopes(2);
  c.softcap = 4.0f;
  c.window = 200;
  c.document_starts = Starts(300, 0);
  std::fill(c.document_starts.begin() + 20, c.document_starts.end(), 20);
  expect_outputs_near(c, {0, 19, 20, 150, 299}, 2e-5);
}

TEST(AttentionVariants, StandardSlopesAreThoseOfAlibi) {
  // get_slopes of ofirpress/attention_with_linear_biases, in Python, rounded to float32.
  EXPECT_EQ(standard_slopes(8), (Floats{0x1p-1f, 0x1p-2f, 0x1p-3f, 0x1p-4f, 0x1p-5f, 0x1p-6f, 0x1p-7f, 0x1p-8f}));
  EXPECT_EQ(standard_slopes(6), (Floats{0x1p-2f, 0x1p-4f, 0x1p-6f, 0x1p-8f, 0x1p-1f, 0x1p-3f}));
  const Floats of_16 = standard_slopes(16);
  EXPECT_EQ(of_16[0], 0x1.6a09e6p-1f);
  EXPECT_EQ(of_16[15], 0x1p-8f);
}

TEST(AttentionVariants, RefusesWhatMakesNoSense) {
  AttentionCase c = plain_case(1, 4, 2, 2);
  const Inputs in = random_inputs(c);
  const auto refused = [&](const AttentionCase& wrong) { EXPECT_THROW(run(wrong, in), Error); };
  AttentionCase wrong = c;
  wrong.kv_heads = 4;
  refused(wrong);
  wrong = c, wrong.window = -1;
  refused(wrong);
  wrong = c, wrong.softcap = -1.0f;
  refused(wrong);
  wrong = c, wrong.document_starts = {0, 0, 3, 3};  // token 2 lies before its document
  refused(wrong);
  wrong = c, wrong.document_starts = {0, 1, 0, 0};  // back to an earlier document
  refused(wrong);
}

}  // namespace
}  // namespace reprise::numerics
