#pragma once
// The file format: Hugging Face's tokenizer.json, the parts of it that docs/formats/tokenizer.md describes.

#include <string>
#include <string_view>

#include "json_part.h"
#include "pre_tokenizer_names.h"
#include "tokenizer_parts.h"

namespace reprise::data {

/// Returns the text of the file: the bytes that the reference's own writer makes for the same model.
std::string write_tokenizer_json(const BpeModel& model, const PreTokenizerName& pre_tokenizer);

/// Reads what write_tokenizer_json wrote, and any other file of byte-level BPE, or of BPE over characters with byte
/// fallback. Throws kData: `name` of the file, the part, what is wrong or not supported, and the value found.
TokenizerParts read_tokenizer_json(std::string_view text, const std::string& name);

// The parts that are read by themselves (tokenizer_json_parts.cpp).
std::vector<NormaliserStep> read_normaliser(const JsonPart& part);
/// Sets `byte_level` where the last step is ByteLevel.
std::vector<SplitStep> read_pre_tokenizer(const JsonPart& part, bool& byte_level);
std::vector<DecoderStep> read_decoder(const JsonPart& part);
/// Adds to the prefix and the suffix of `parts`.
void read_post_processor(const JsonPart& part, TokenizerParts& parts);

}  // namespace reprise::data
