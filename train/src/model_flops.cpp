#include "model_flops.h"

namespace reprise::train {

double model_flops_per_token(const configs::Recipe& recipe, std::int64_t num_parameters) {
  const configs::ModelRecipe& model = recipe.model();
  // The embedding is looked up, not multiplied.
  const double multiplied =
      static_cast<double>(num_parameters) - static_cast<double>(recipe.tokenizer().vocab_size()) * model.hidden_size();
  const double pairs_per_token = (static_cast<double>(recipe.train().sequence_length()) + 1) / 2;
  return 6 * multiplied + 12 * pairs_per_token * model.hidden_size() * model.num_layers();
}

}  // namespace reprise::train
