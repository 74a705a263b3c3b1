#pragma once
// Examples of an evaluation set, as texts: every string of a JSON object, every field of a CSV record, every line.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "reprise/core/hash.h"

namespace reprise::data {

/// Called with the 1-based number of an example and its texts.
using ExampleVisitor = std::function<void(std::uint64_t, std::span<const std::string_view>)>;

/// The largest file of examples: far above any that is known, and far below what fills a machine.
inline constexpr std::uint64_t kMostExampleBytes = std::uint64_t{1} << 30;

/// Reads a whole file of examples into memory and visits them in order; returns the SHA-256 of its decompressed
/// content. Ill-formed UTF-8 is replaced by U+FFFD. Throws kData for JSON that cannot be read, naming the line, and for
/// an unknown type of file or one of more than `max_bytes`, decompressed; kIo.
Digest for_each_example(const std::filesystem::path& path, const ExampleVisitor& visit,
                        std::uint64_t max_bytes = kMostExampleBytes);

/// Name of a file without folder and endings: "arc_easy" of "eval/arc_easy.jsonl.zst", "xquad.ar" of "xquad.ar.json".
/// Where the file's name says nothing ("test", "val", "validation", "dev", "train"), the folder's stands before it.
std::string task_name(const std::filesystem::path& path);

}  // namespace reprise::data
