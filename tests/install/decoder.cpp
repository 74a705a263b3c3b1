#include "reprise/model/decoder.h"

#include <cstdio>
#include <vector>

#include "reprise/model/schema.h"

int main() {
  reprise::configs::ModelRecipe recipe;
  recipe.set_hidden_size(16);
  recipe.set_num_layers(1);
  recipe.set_num_heads(2);
  recipe.set_ffn_size(24);
  const reprise::TensorLayout layout = reprise::model::parameter_layout(recipe, 61, false);
  // Weights of zero give every token the same logit: each costs log(61).
  std::vector<float> weights(static_cast<std::size_t>(layout.num_elements()));
  const reprise::model::Decoder decoder(recipe, 61, 4, layout, weights);
  const std::vector<std::int32_t> tokens = {1, 2, 3, 4};
  std::printf("%.4f\n", decoder.score(tokens, tokens, 1, 4).front());
}
