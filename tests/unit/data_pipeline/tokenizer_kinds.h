#pragma once
// Tokenizers of many kinds, and what the reference answers for each (tokenizer_kinds.json, made by
// tests/peers/make_tokenizer_kinds.py with Hugging Face tokenizers 0.23.3).

#include <nlohmann/json.hpp>
#include <string>

#include "reprise/core/files.h"
#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::data {

inline const nlohmann::json& tokenizer_kinds() {
  static const nlohmann::json kinds =
      nlohmann::json::parse(read_file(REPRISE_SOURCE_DIR "/tests/unit/data_pipeline/tokenizer_kinds.json"));
  return kinds;
}

/// Text of the tokenizer.json of one kind.
inline std::string file_of_kind(const nlohmann::json& kind) {
  nlohmann::json root = kind.at("root");
  root["model"] = tokenizer_kinds().at("models").at(kind.at("base").get<std::string>());
  root["model"].update(kind.at("options"));
  return root.dump();
}

inline Tokenizer tokenizer_of_kind(const nlohmann::json& kind) {
  return Tokenizer::parse(file_of_kind(kind), kind.at("name"));
}

}  // namespace reprise::data
