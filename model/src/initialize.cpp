// Initial weights: a truncated normal by the inverse distribution function, no rejection, so that every element is a
// function of the seed and its place alone.
#include <fmt/format.h>

#include <algorithm>

#include "reprise/core/error.h"
#include "reprise/core/philox.h"
#include "reprise/model/schema.h"
#include "reprise/numerics/host_math.h"

namespace reprise::model {
namespace {

// The top 53 of 64 random bits, in the middle of their cell: never 0.
double uniform(const PhiloxCounter& words) {
  const std::uint64_t bits = (std::uint64_t{words[0]} << 32) | words[1];
  return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53;
}

void fill_truncated_normal(std::span<float> values, std::uint32_t tensor_index, std::uint64_t seed, double deviation,
                           double cut) {
  const double low = numerics::exact_normal(-cut);
  const double width = numerics::exact_normal(cut) - low;
  const PhiloxKey key = philox_key(seed);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const PhiloxCounter counter = {static_cast<std::uint32_t>(RandomPurpose::kInit), tensor_index,
                                   static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32)};
    const double probability = low + uniform(philox4x32_10(counter, key)) * width;
    values[i] = static_cast<float>(numerics::exact_inverse_normal(probability) * deviation);
  }
}

}  // namespace

void initialize_parameters(const TensorLayout& layout, const configs::ModelRecipe& model, std::uint64_t seed,
                           std::span<float> flat) {
  REPRISE_CHECK_EQ(static_cast<std::int64_t>(flat.size()), layout.num_elements());
  REPRISE_REQUIRE(
      model.init_cut() > 0 && model.init_cut() <= 6 && model.init_std() >= 0, ErrorKind::kConfig,
      fmt::format("initialisation with init_std {} cut at {} deviations", model.init_std(), model.init_cut()),
      "set model.init_std >= 0 and model.init_cut above 0, at most 6");
  std::fill(flat.begin(), flat.end(), 0.0f);
  for (std::size_t index = 0; index < layout.entries().size(); ++index) {
    const TensorLayout::Entry& entry = layout.entries()[index];
    const std::span<float> values =
        flat.subspan(static_cast<std::size_t>(entry.offset), static_cast<std::size_t>(entry.spec.num_elements()));
    if (entry.spec.shape.size() == 1) {
      std::fill(values.begin(), values.end(), 1.0f);  // norms
    } else {
      fill_truncated_normal(values, static_cast<std::uint32_t>(index), seed, model.init_std(), model.init_cut());
    }
  }
}

}  // namespace reprise::model
