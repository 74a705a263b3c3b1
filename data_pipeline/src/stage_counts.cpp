#include "stage_counts.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "reprise/core/error.h"

namespace reprise::data {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kLargest = std::uint64_t{1} << 53;

/// The shares of a stage, by group.
struct Shares {
  std::vector<std::uint64_t> fixed;    // samples, by epochs or token_budget
  std::vector<std::uint64_t> weights;  // whole numbers, the greatest 2^40
};

Shares shares_of(const configs::TrainRecipe& recipe, const configs::Stage& stage,
                 std::span<const std::uint64_t> num_sequences) {
  Shares shares{std::vector<std::uint64_t>(num_sequences.size()), std::vector<std::uint64_t>(num_sequences.size())};
  double greatest = 0;
  for (const configs::GroupShare& share : stage.share()) greatest = std::max(greatest, share.weight());
  for (std::size_t g = 0; g < num_sequences.size(); ++g) {
    for (const configs::GroupShare& share : stage.share()) {
      if (share.group() != recipe.group(static_cast<int>(g)).name()) continue;
      if (share.has_epochs()) {
        shares.fixed[g] = rounded_product(share.epochs(), num_sequences[g]);
      } else if (share.has_token_budget()) {
        shares.fixed[g] = std::min(kLargest, share.token_budget() / recipe.sequence_length());
      } else {
        // A group whose weight is lost beside the greatest still takes part: it may get what is left over.
        shares.weights[g] =
            std::max<std::uint64_t>(1, rounded_product(share.weight() / greatest, std::uint64_t{1} << 40));
      }
    }
  }
  return shares;
}

std::uint64_t sum(const std::vector<std::uint64_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

}  // namespace

std::vector<std::uint64_t> divide(std::uint64_t total, std::span<const std::uint64_t> weights) {
  const Wide all = std::accumulate(weights.begin(), weights.end(), Wide{0});
  REPRISE_CHECK(all > 0);
  std::vector<std::uint64_t> counts;
  std::vector<std::pair<Wide, std::size_t>> remainders;
  std::uint64_t left = total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Wide quota = Wide{total} * weights[i];
    counts.push_back(static_cast<std::uint64_t>(quota / all));
    remainders.emplace_back(quota % all, i);
    left -= counts.back();
  }
  std::stable_sort(remainders.begin(), remainders.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; i < left; ++i) ++counts[remainders[i].second];
  return counts;
}

std::uint64_t rounded_product(double times, std::uint64_t count) {
  return static_cast<std::uint64_t>(
      std::floor(std::min(times * static_cast<double>(count) + 0.5, static_cast<double>(kLargest))));
}

std::vector<std::uint64_t> stage_counts(const configs::TrainRecipe& recipe, int index, const configs::BatchPlan& plan,
                                        const StepRange& steps, std::span<const std::uint64_t> num_sequences,
                                        std::vector<std::string>& mistakes) {
  const configs::Stage& stage = recipe.stage(index);
  const std::uint64_t first = plan.first_sample(steps.begin + 1);
  const std::uint64_t total = plan.first_sample(steps.end + 1) - first;
  Shares shares = shares_of(recipe, stage, num_sequences);
  const std::uint64_t fixed = sum(shares.fixed);
  const auto refuse = [&](const std::string& what) {
    mistakes.push_back(
        fmt::format("stage '{}' has {} sequences ({} steps), and its epochs and token budgets ask for {}: {}",
                    stage.name(), total, steps.end - steps.begin, fixed, what));
    return std::vector<std::uint64_t>(num_sequences.size());
  };
  if (sum(shares.weights) > 0) {
    if (fixed > total) return refuse("make the stage longer, or ask for less");
    const std::vector<std::uint64_t> rest = divide(total - fixed, shares.weights);
    for (std::size_t g = 0; g < rest.size(); ++g) shares.fixed[g] += rest[g];
    return shares.fixed;
  }
  // Of an incomplete last batch nothing is read.
  if (fixed < total || fixed - total >= plan.sequences(steps.end + 1)) {
    const std::uint64_t whole_steps = plan.step_of(first + fixed) - 1 - steps.begin;
    if (whole_steps > std::numeric_limits<std::uint32_t>::max()) return refuse("ask for less");
    return refuse((whole_steps == 0 ? "ask for at least one step" : fmt::format("set steps: {}", whole_steps)) +
                  ", or give a group a weight to take the rest");
  }
  return divide(total, shares.fixed);
}

}  // namespace reprise::data
