#pragma once
// The rules of validate(): one function each, grouped by the part of the recipe they speak of. A rule looks at a parsed
// config, with defaults where fields were left out, and reports what cannot be run.

#include <span>

#include "reprise/configs/config.h"

namespace reprise::configs {

class Findings {
 public:
  void add(std::string place, std::string message, std::string hint) {
    mistakes_.push_back({std::move(place), std::move(message), std::move(hint)});
  }
  /// Adds a mistake unless `good`.
  void require(bool good, std::string_view place, std::string message, std::string_view hint) {
    if (!good) add(std::string(place), std::move(message), std::string(hint));
  }
  std::vector<Mistake> take() { return std::move(mistakes_); }

 private:
  std::vector<Mistake> mistakes_;
};

using Rule = void (*)(const RunConfig& config, Findings& findings);

std::span<const Rule> data_rules();       // validate_data.cpp: recipe.data, recipe.tokenizer
std::span<const Rule> input_rules();      // validate_inputs.cpp: recipe.data.bad_input, deduplication, decontamination
std::span<const Rule> model_rules();      // validate_model.cpp: recipe.model
std::span<const Rule> train_rules();      // validate_train.cpp: recipe.train, recipe.eval
std::span<const Rule> optimizer_rules();  // validate_optimizer.cpp: adamw.group, start_step, spike_skipping
std::span<const Rule> batch_rules();      // validate_batches.cpp: recipe.train.batch_warmup, evaluation
std::span<const Rule> mixture_rules();    // validate_mixture.cpp: recipe.train.group, recipe.train.stage
std::span<const Rule> native_rules();     // validate_native.cpp: recipe.native
std::span<const Rule> parent_rules();     // validate_parent.cpp: recipe.parent
std::span<const Rule> binary32_rules();   // validate_binary32.cpp: numbers that training rounds to binary32

/// Says whether `text` is 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text);

}  // namespace reprise::configs
