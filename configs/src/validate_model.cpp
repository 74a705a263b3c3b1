#include "validate_rules.h"

namespace reprise::configs {
namespace {

constexpr std::uint32_t kLargestWidth = 65536;
constexpr std::uint32_t kMostLayers = 1024;
constexpr double kWidestCut = 6;  // where the initialisation ends

void check_size(Findings& findings, std::string_view place, std::uint32_t value, std::uint32_t limit) {
  findings.require(value >= 1 && value <= limit, place, fmt::format("must be from 1 to {}, is {}", limit, value),
                   "see `reprise config docs`");
}

void check_positive(Findings& findings, std::string_view place, double value) {
  findings.require(value > 0, place, fmt::format("must be above 0, is {}", value), "see `reprise config docs`");
}

void hidden_size_is_in_range(const RunConfig& config, Findings& findings) {
  check_size(findings, "recipe.model.hidden_size", config.recipe().model().hidden_size(), kLargestWidth);
}

void num_layers_is_in_range(const RunConfig& config, Findings& findings) {
  check_size(findings, "recipe.model.num_layers", config.recipe().model().num_layers(), kMostLayers);
}

void num_heads_is_positive(const RunConfig& config, Findings& findings) {
  findings.require(config.recipe().model().num_heads() >= 1, "recipe.model.num_heads", "must be at least 1, is 0",
                   "for example num_heads: 4");
}

void heads_divide_hidden_size(const RunConfig& config, Findings& findings) {
  const ModelRecipe& model = config.recipe().model();
  if (model.num_heads() == 0) return;
  findings.require(model.hidden_size() % model.num_heads() == 0, "recipe.model.num_heads",
                   fmt::format("must divide hidden_size {}, is {}", model.hidden_size(), model.num_heads()),
                   "every head has hidden_size / num_heads values");
}

void head_size_is_even(const RunConfig& config, Findings& findings) {
  const ModelRecipe& model = config.recipe().model();
  if (model.num_heads() == 0 || model.hidden_size() % model.num_heads() != 0) return;
  const std::uint32_t head_size = model.hidden_size() / model.num_heads();
  findings.require(
      head_size % 2 == 0, "recipe.model.num_heads",
      fmt::format("makes heads of odd size {} ({} / {})", head_size, model.hidden_size(), model.num_heads()),
      "rotary positions turn pairs of values, so the head size must be even");
}

void ffn_size_is_in_range(const RunConfig& config, Findings& findings) {
  check_size(findings, "recipe.model.ffn_size", config.recipe().model().ffn_size(), kLargestWidth);
}

void rope_theta_is_positive(const RunConfig& config, Findings& findings) {
  check_positive(findings, "recipe.model.rope_theta", config.recipe().model().rope_theta());
}

void norm_eps_is_positive(const RunConfig& config, Findings& findings) {
  check_positive(findings, "recipe.model.norm_eps", config.recipe().model().norm_eps());
}

void init_std_is_positive(const RunConfig& config, Findings& findings) {
  check_positive(findings, "recipe.model.init_std", config.recipe().model().init_std());
}

void init_cut_is_in_range(const RunConfig& config, Findings& findings) {
  const double cut = config.recipe().model().init_cut();
  findings.require(cut > 0 && cut <= kWidestCut, "recipe.model.init_cut",
                   fmt::format("must be above 0 and at most {}, is {}", kWidestCut, cut), "the default is 3");
}

constexpr Rule kRules[] = {hidden_size_is_in_range,  num_layers_is_in_range, num_heads_is_positive,
                           heads_divide_hidden_size, head_size_is_even,      ffn_size_is_in_range,
                           rope_theta_is_positive,   norm_eps_is_positive,   init_std_is_positive,
                           init_cut_is_in_range};

}  // namespace

std::span<const Rule> model_rules() { return kRules; }

}  // namespace reprise::configs
