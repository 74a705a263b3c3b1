// Kneser-Ney probabilities: by hand, against a direct implementation of the formulas, and as a distribution.
#include "reprise/eval/ngram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "reprise/core/philox.h"

namespace reprise::eval {
namespace {

/// A text with repetition: the next token depends on the last one, mostly.
std::vector<TokenStream> random_streams(std::size_t count, std::int32_t vocab_size) {
  std::vector<TokenStream> streams(count);
  std::uint32_t counter = 0;
  const auto next = [&] {
    return philox4x32_10({static_cast<std::uint32_t>(RandomPurpose::kTest), counter++, 7, 0}, philox_key(3))[0];
  };
  for (TokenStream& stream : streams) {
    stream.push_back(0);
    for (std::uint32_t i = 0; i < 5 + next() % 30; ++i) {
      const auto fresh = static_cast<std::int32_t>(next() % static_cast<std::uint32_t>(vocab_size));
      stream.push_back(next() % 3 == 0 ? fresh : (stream.back() * 3 + 1 + fresh % 2) % vocab_size);
    }
    stream.push_back(0);
  }
  return streams;
}

using Gram = std::vector<std::int32_t>;

/// The formulas of ngram.cpp with maps and loops over the whole table.
class DirectModel {
 public:
  DirectModel(const std::vector<TokenStream>& streams, int order, int vocab_size) : vocab_size_(vocab_size) {
    counts_.resize(static_cast<std::size_t>(order) + 1);
    for (const TokenStream& stream : streams) {
      Gram padded(static_cast<std::size_t>(order) - 1, stream[0]);
      padded.insert(padded.end(), stream.begin() + 1, stream.end());
      for (std::size_t end = static_cast<std::size_t>(order) - 1; end < padded.size(); ++end) {
        const auto first = padded.begin() + static_cast<std::ptrdiff_t>(end) - order + 1;
        ++counts_.back()[Gram(first, first + order)];
      }
    }
    for (int k = order - 1; k >= 1; --k) {
      for (const auto& [gram, count] : counts_[static_cast<std::size_t>(k) + 1]) {
        ++counts_[static_cast<std::size_t>(k)][Gram(gram.begin() + 1, gram.end())];
      }
    }
  }

  double probability(const Gram& context, std::int32_t token, int order) const {
    if (order == 0) return 1.0 / vocab_size_;
    const Gram last(context.end() - (order - 1), context.end());
    double total = 0;
    double mass = 0;
    double kept = 0;
    for (const auto& [gram, count] : counts_[static_cast<std::size_t>(order)]) {
      if (!std::equal(last.begin(), last.end(), gram.begin())) continue;
      total += count;
      mass += discount(order, count);
      if (gram.back() == token) kept = count - discount(order, count);
    }
    const double lower = probability(context, token, order - 1);
    return total == 0 ? lower : kept / total + mass / total * lower;
  }

 private:
  double discount(int order, int count) const {
    std::array<double, 5> n{};
    for (const auto& [gram, c] : counts_[static_cast<std::size_t>(order)]) {
      if (c <= 4) n[static_cast<std::size_t>(c)] += 1;
    }
    if (n[1] == 0 || n[2] == 0 || n[3] == 0 || n[4] == 0) return 0.75;
    const auto i = static_cast<std::size_t>(std::min(count, 3));
    const double y = n[1] / (n[1] + 2 * n[2]);
    return std::clamp(static_cast<double>(i) - static_cast<double>(i + 1) * y * n[i + 1] / n[i], 0.0,
                      static_cast<double>(i));
  }

  int vocab_size_;
  std::vector<std::map<Gram, int>> counts_;
};

TEST(Ngram, GivesTheBigramProbabilitiesWorkedOutByHand) {
  // Bigrams 0-1, 1-2, 2-0, once each; too few to estimate discounts, so D = 3/4. Continuation counts 1, 1, 1 of 3:
  // p1(seen) = 0.25/3 + 0.75 * 1/4, p1(3) = 0.75 * 1/4; p2(1|0) = 0.25 + 0.75 p1(1).
  const std::vector<TokenStream> streams{{0, 1, 2, 0}};
  const NgramModel model(streams, 2, 4);
  const double seen = 0.25 / 3 + 0.1875;
  EXPECT_DOUBLE_EQ(model.probability(Gram{0}, 1), 0.25 + 0.75 * seen);
  EXPECT_DOUBLE_EQ(model.probability(Gram{0}, 2), 0.75 * seen);
  EXPECT_DOUBLE_EQ(model.probability(Gram{0}, 3), 0.75 * 0.1875);
  EXPECT_DOUBLE_EQ(model.probability(Gram{3}, 1), seen);  // a context never seen
}

TEST(Ngram, KeepsSomethingForANewTokenWhereADiscountWouldBeZero) {
  // Of the bigrams 2, 1, 2, 1 were counted 1, 2, 3, 4 times: Y = 1/2 and D2 = 2 - 3 Y * 2 / 1 < 0.
  std::vector<TokenStream> streams;
  const std::array<int, 6> counts{1, 1, 2, 3, 3, 4};
  for (std::int32_t context = 0; context < 6; ++context) {
    for (int i = 0; i < counts[static_cast<std::size_t>(context)]; ++i) streams.push_back({context, 10});
  }
  const NgramModel model(streams, 2, 12);
  // Context 2 was followed by 10 twice, token 11 never came: p2 = 0.75 / 2 * p1, p1 = 0.75 / 6 * 1/12.
  EXPECT_DOUBLE_EQ(model.probability(Gram{2}, 11), 0.375 * 0.125 / 12);
}

TEST(Ngram, SumsTheLossOfAStreamOverItsTokens) {
  const std::vector<TokenStream> streams{{0, 1, 2, 0}};
  const NgramModel model(streams, 2, 4);
  const double expected = -std::log(model.probability(Gram{0}, 3)) - std::log(model.probability(Gram{3}, 1));
  EXPECT_NEAR(model.nll_nats({0, 3, 1}), expected, 1e-14);
  EXPECT_EQ(model.nll_nats({0}), 0);
}

TEST(Ngram, AgreesWithADirectImplementationOfTheFormulas) {
  const std::vector<TokenStream> streams = random_streams(60, 12);
  for (const int order : {1, 2, 3, 5}) {
    const NgramModel model(streams, order, 12);
    const DirectModel direct(streams, order, 12);
    for (std::size_t s = 0; s < 5; ++s) {
      const TokenStream& stream = streams[s];
      for (std::size_t i = 5; i < stream.size(); i += 3) {
        const Gram context(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(i));
        for (const std::int32_t token : {stream[i], 7}) {
          EXPECT_NEAR(model.probability(context, token), direct.probability(context, token, order), 1e-12) << order;
        }
      }
    }
  }
}

TEST(Ngram, IsADistributionAfterAnyContext) {
  const NgramModel model(random_streams(60, 12), 5, 12);
  for (const Gram& context : {Gram{0}, Gram{0, 3, 10}, Gram{5, 5, 5, 5, 5}, Gram{11, 0, 2, 7, 9}}) {
    double sum = 0;
    for (std::int32_t token = 0; token < 12; ++token) sum += model.probability(context, token);
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(Ngram, LearnsFromMoreContext) {
  const std::vector<TokenStream> streams = random_streams(400, 12);
  const std::vector<TokenStream> train(streams.begin(), streams.begin() + 300);
  const std::vector<TokenStream> held_out(streams.begin() + 300, streams.end());
  const NgramModel unigram(train, 1, 12);
  const NgramModel bigram(train, 2, 12);
  double without = 0;
  double with = 0;
  for (const TokenStream& stream : held_out) {
    without += unigram.nll_nats(stream);
    with += bigram.nll_nats(stream);
  }
  EXPECT_LT(with, 0.9 * without);
}

}  // namespace
}  // namespace reprise::eval
