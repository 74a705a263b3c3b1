#pragma once
// A config that is right, for tests that make it wrong in one place.

#include <string>

namespace reprise::configs {

inline const std::string kGoodConfig = R"(recipe {
  name: "small"
  seed: 7
  data {
    file { path: "a.jsonl" sha256: "0000000000000000000000000000000000000000000000000000000000000000" }
    file { path: "b.jsonl.zst" sha256: "1111111111111111111111111111111111111111111111111111111111111111" }
    filter { name: "c4" preset: "c4-paper" kind: "natural" language: "en" disable: "c4_terminal_punctuation" }
  }
  train { num_steps: 20 learning_rate { peak: 1e-3 } }
}
)";

}  // namespace reprise::configs
