#pragma once
// One source of an assembled corpus: a package file to Dolma JSON lines. Pure; thread-safe.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "assembly_recipe.h"

namespace reprise::data {

struct AssembledLines {
  std::string lines;
  std::uint64_t num_documents = 0;
  std::uint64_t text_bytes = 0;
};

/// Reads the package file and writes one line per document: members in the order of their paths; long texts in several
/// documents; no short ones, none twice, none beyond the cap of its language. Throws kData when the file has another
/// SHA-256 than the row, or is damaged; kIo.
AssembledLines assemble_lines(const AssemblyRow& row, const std::filesystem::path& package);

}  // namespace reprise::data
