// Clause [C-12]: causal self-attention.
#include "attention_test.h"

namespace reprise::numerics {
namespace {

using namespace attention_test;
using kernel_test::expect_same_bits;
using kernel_test::for_each_target;

TEST(Attention, EqualsTheReferenceBitForBit) {
  // Lengths around query blocks, tiles and segments (256); head sizes around vectors, and one beyond a segment.
  const AttentionCase cases[] = {plain_case(1, 1, 1, 1),   plain_case(2, 2, 1, 3),    plain_case(1, 31, 2, 8),
                                 plain_case(1, 32, 1, 32), plain_case(1, 33, 3, 32),  plain_case(2, 70, 2, 16),
                                 plain_case(1, 97, 1, 17), plain_case(1, 40, 1, 64),  plain_case(1, 9, 1, 260),
                                 plain_case(1, 64, 1, 80), plain_case(1, 65, 2, 128), plain_case(1, 256, 1, 32),
                                 plain_case(1, 257, 1, 5), plain_case(1, 300, 1, 4),  plain_case(1, 525, 1, 2)};
  for (const AttentionCase& c : cases) {
    SCOPED_TRACE(testing::Message() << c.sequences << " x " << c.length << " x " << c.heads << " x " << c.dim);
    const Inputs in = random_inputs(c);
    const reference::Attention expected = reference::attention(c, in.q, in.k, in.v, in.dout);
    for_each_target([&] { expect_same_results(run(c, in), expected); });
  }
}

// [C-4] extends the row of delta by +0 to a multiple of 32: that decides the sign of a zero where every product of it
// underflows to -0, as those of the second query do here.
TEST(Attention, ExtendsTheRowsOfDeltaByZeros) {
  for (const Index dim : {31, 32, 33, 36, 40, 48, 56, 63, 64, 80, 100}) {
    SCOPED_TRACE(dim);
    const AttentionCase c = plain_case(1, 2, 1, dim);
    const auto size = static_cast<std::size_t>(2 * dim);
    Inputs in{Floats(size, 1.0f), Floats(size), Floats(size), Floats(size)};
    for (Index e = 0; e < dim; ++e) {
      in.k[e] = 0.01f, in.k[dim + e] = 4.605f / (c.scale * static_cast<float>(dim)) + 0.01f;
      in.v[e] = -6e-22f, in.v[dim + e] = -1e-30f;
      in.dout[dim + e] = 1.01e-22f;
    }
    const reference::Attention expected = reference::attention(c, in.q, in.k, in.v, in.dout);
    for_each_target([&] { expect_same_results(run(c, in), expected); });
  }
}

TEST(Attention, WithoutOptionsIsTheShortForm) {
  const AttentionCase c = plain_case(2, 45, 3, 20);
  const Inputs in = random_inputs(c);
  for_each_target([&] {
    const reference::Attention expected = run(c, in);
    reference::Attention r = expected;
    for (Floats* x : {&r.out, &r.row_max, &r.row_sum, &r.dq, &r.dk, &r.dv}) x->assign(x->size(), -1.0f);
    attention_forward(c.sequences, c.length, c.heads, c.dim, c.scale, in.q.data(), in.k.data(), in.v.data(),
                      r.out.data(), r.row_max.data(), r.row_sum.data());
    attention_backward(c.sequences, c.length, c.heads, c.dim, c.scale, in.q.data(), in.k.data(), in.v.data(),
                       r.out.data(), r.row_max.data(), r.row_sum.data(), in.dout.data(), r.dq.data(), r.dk.data(),
                       r.dv.data());
    expect_same_results(r, expected);
  });
}

TEST(Attention, APrefixHasTheBitsItHasInTheWholeSequence) {
  const AttentionCase whole = plain_case(1, 120, 2, 16), prefix = plain_case(1, 77, 2, 16);
  const Inputs in = random_inputs(whole);
  const auto first = [&](const Floats& x) { return Floats(x.begin(), x.begin() + query_size(prefix)); };
  const Inputs part{first(in.q), first(in.k), first(in.v), first(in.dout)};
  for_each_target([&] { expect_same_bits(run(prefix, part).out, first(run(whole, in).out), "out"); });
}

TEST(Attention, LaterPositionsNeverReachEarlierOutputs) {
  const AttentionCase c = plain_case(1, 64, 1, 8);
  const Inputs in = random_inputs(c);
  for_each_target([&] {
    const Floats before = run(c, in).out;
    Inputs changed = in;
    for (Index i = 40 * 8; i < query_size(c); ++i) changed.k[i] = changed.v[i] = INFINITY;
    const Floats after = run(c, changed).out;
    expect_same_bits(Floats(after.begin(), after.begin() + 40 * 8), Floats(before.begin(), before.begin() + 40 * 8),
                     "out");
  });
}

TEST(Attention, GradientsEqualFiniteDifferences) { expect_gradients(plain_case(2, 7, 2, 3), 3e-5); }

TEST(Attention, OutputStaysWithinTheBoundOfBinary64) {
  expect_outputs_near(plain_case(1, 256, 1, 32), {0, 100, 255}, 2e-5);
}

}  // namespace
}  // namespace reprise::numerics
