#pragma once
// The file format: Hugging Face's tokenizer.json, the part of it that docs/formats/tokenizer.md describes.

#include <string>
#include <string_view>

#include "bpe_model.h"

namespace reprise::data {

/// Returns the text of the file: the bytes that the reference's own writer makes for the same model.
std::string write_tokenizer_json(const BpeModel& model);

/// Reads what write_tokenizer_json wrote, and other files that mean the same. Throws kData: `name` of the file, what
/// is wrong or not supported, and the value found.
BpeModel read_tokenizer_json(std::string_view text, const std::string& name);

}  // namespace reprise::data
