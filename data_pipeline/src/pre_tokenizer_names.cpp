#include "pre_tokenizer_names.h"

namespace reprise::data {
namespace {

constexpr PreTokenizerName kNames[] = {
    {"gpt2", Pattern::kGpt2},
    {"cl100k", Pattern::kCl100k},
    {"llama3", Pattern::kCl100k},
    {"olmo2", Pattern::kCl100k},
    {"qwen2", Pattern::kQwen2, false, true},
    {"o200k", Pattern::kO200k},
    {"tekken", Pattern::kTekken},
    {"digits", Pattern::kGpt2, true},
};

}  // namespace

const PreTokenizerName* find_pre_tokenizer(std::string_view name) {
  for (const PreTokenizerName& entry : kNames) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::vector<SplitStep> split_steps(const PreTokenizerName& name) {
  std::vector<SplitStep> steps;
  if (name.each_digit) {
    SplitStep digits;
    digits.kind = SplitStep::Kind::kDigits;
    digits.each = true;
    steps.push_back(digits);
  }
  SplitStep pattern;
  pattern.pattern = name.pattern;
  steps.push_back(pattern);
  return steps;
}

}  // namespace reprise::data
