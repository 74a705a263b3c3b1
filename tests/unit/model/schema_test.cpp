#include "reprise/model/schema.h"

#include <gtest/gtest.h>

#include "reprise/core/error.h"

namespace reprise::model {
namespace {

TEST(Schema, NamesAreThoseOfHuggingFaceInModelOrder) {
  configs::ModelRecipe recipe;
  recipe.set_num_layers(1);
  std::vector<std::string> names;
  const TensorLayout layout = parameter_layout(recipe, 4096, false);
  for (const auto& entry : layout.entries()) names.push_back(entry.spec.name);
  const std::vector<std::string> expected = {"model.embed_tokens.weight",
                                             "model.layers.0.self_attn.q_proj.weight",
                                             "model.layers.0.self_attn.k_proj.weight",
                                             "model.layers.0.self_attn.v_proj.weight",
                                             "model.layers.0.self_attn.o_proj.weight",
                                             "model.layers.0.self_attn.q_norm.weight",
                                             "model.layers.0.self_attn.k_norm.weight",
                                             "model.layers.0.post_attention_layernorm.weight",
                                             "model.layers.0.mlp.gate_proj.weight",
                                             "model.layers.0.mlp.up_proj.weight",
                                             "model.layers.0.mlp.down_proj.weight",
                                             "model.layers.0.post_feedforward_layernorm.weight",
                                             "model.norm.weight",
                                             "lm_head.weight"};
  EXPECT_EQ(names, expected);
}

TEST(Schema, DefaultModelHasOnePointNineMillionParameters) {
  // 2 * 4096 * 128 + 128 + 4 * (4 * 128 * 128 + 3 * 384 * 128 + 4 * 128)
  const TensorLayout layout = parameter_layout(configs::ModelRecipe(), 4096, false);
  EXPECT_EQ(layout.num_parameters(), 1902720);
  EXPECT_EQ(layout.find("model.layers.3.mlp.down_proj.weight")->spec.shape, (std::vector<std::int64_t>{128, 384}));
  EXPECT_EQ(layout.find("model.layers.3.mlp.up_proj.weight")->spec.shape, (std::vector<std::int64_t>{384, 128}));
  EXPECT_EQ(layout.find("lm_head.weight")->spec.shape, (std::vector<std::int64_t>{4096, 128}));
}

TEST(Schema, EverythingDecaysButTheEmbedding) {
  for (const bool decay_embeddings : {false, true}) {
    const TensorLayout layout = parameter_layout(configs::ModelRecipe(), 4096, decay_embeddings);
    for (const auto& entry : layout.entries()) {
      const bool expected = entry.spec.name != "model.embed_tokens.weight" || decay_embeddings;
      EXPECT_EQ(entry.spec.weight_decay, expected) << entry.spec.name;
    }
  }
}

TEST(Schema, HiddenSizeThatHeadsDoNotDivideIsAConfigError) {
  configs::ModelRecipe recipe;
  recipe.set_hidden_size(100);
  recipe.set_num_heads(8);
  try {
    parameter_layout(recipe, 4096, false);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    EXPECT_STREQ(error.what(), "model.hidden_size 100 does not divide into 8 heads of even size");
  }
}

}  // namespace
}  // namespace reprise::model
