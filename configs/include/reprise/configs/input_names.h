#pragma once
// The names of files that documents are read from (docs/formats/documents.md).

#include <algorithm>
#include <array>
#include <string_view>

namespace reprise::configs {

inline constexpr std::array<std::string_view, 4> kInputEndings = {".jsonl", ".ndjson", ".json", ".txt"};
inline constexpr std::array<std::string_view, 2> kPackedEndings = {".gz", ".zst"};

/// For messages about a name that is none.
inline constexpr const char* kInputNamesHint =
    "Dolma JSON lines end in .jsonl, .ndjson or .json, plain texts in .txt; .gz or .zst may stand behind";

/// Whether `name` ends as the readers know it: kInputEndings, plain or with one of kPackedEndings behind.
inline bool is_input_name(std::string_view name) {
  const auto has = [&](std::string_view ending) { return name.ends_with(ending); };
  const auto packed = std::find_if(kPackedEndings.begin(), kPackedEndings.end(), has);
  if (packed != kPackedEndings.end()) name.remove_suffix(packed->size());
  return std::any_of(kInputEndings.begin(), kInputEndings.end(), has);
}

}  // namespace reprise::configs
