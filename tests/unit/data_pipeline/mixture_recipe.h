#pragma once
// A whole recipe around the groups and stages that a test speaks of.

#include <fmt/core.h>

#include <string>

#include "reprise/configs/config.h"

namespace reprise::data {

/// Sequences of 16 tokens, batches of 10. Validated, so that a test cannot ask for what a config cannot.
inline configs::Recipe mixture_recipe(std::uint64_t seed, std::uint64_t num_steps,
                                      const std::string& groups_and_stages) {
  const std::string text = fmt::format(
      R"(recipe {{ name: "mixed" seed: {} data {{ file {{ path: "a.jsonl" sha256: "{:064}" }} }}
         train {{ sequence_length: 16 batch_sequences: 10 num_steps: {} learning_rate {{ peak: 1e-3 }} {} }} }})",
      seed, 0, num_steps, groups_and_stages);
  return configs::parse_config(text, "mixed").recipe();
}

}  // namespace reprise::data
