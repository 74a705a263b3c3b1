#pragma once
// The "normalizer" of a tokenizer.json: NFC, Prepend, Replace of a text, and sequences of them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

struct NormaliserStep {
  enum class Kind : std::uint8_t { kNfc, kPrepend, kReplace };
  Kind kind = Kind::kNfc;
  std::string from;  // kReplace; not empty
  std::string to;    // kReplace, kPrepend
};

/// Returns the normalised text: `text` itself where nothing changes, else a view of `storage`.
std::string_view normalise_text(const std::vector<NormaliserStep>& steps, std::string_view text, std::string& storage);

/// Returns `text` with each `from`, from the left, replaced.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

}  // namespace reprise::data
