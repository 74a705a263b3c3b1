#pragma once
// The pre-tokenisers that a recipe may name (configs/pre_tokenizer_names.h), and what each is in a tokenizer.json.

#include <string_view>
#include <vector>

#include "split_chain.h"

namespace reprise::data {

struct PreTokenizerName {
  std::string_view name;
  Pattern pattern;          // kGpt2 is ByteLevel's own, any other a Split before it
  bool each_digit = false;  // Digits comes first
  bool nfc = false;         // texts are normalised to form C
};

/// Returns the one called `name`, or nullptr.
const PreTokenizerName* find_pre_tokenizer(std::string_view name);

/// The steps in the order in which they cut.
std::vector<SplitStep> split_steps(const PreTokenizerName& name);

}  // namespace reprise::data
