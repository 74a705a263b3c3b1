#pragma once
// The lists of a corpus to assemble: recipe.tsv, expected.tsv and tier_<name>.txt. Pure values; thread-safe.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "extractors.h"

namespace reprise::data {

enum class PackageKind : std::uint8_t { kDebian, kPypi };

/// One row of recipe.tsv.
struct AssemblyRow {
  std::string id;
  PackageKind package_kind = PackageKind::kDebian;
  std::string package;
  std::string version;
  std::string artifact;  // name of the package file
  std::string sha256;    // of the package file
  std::uint64_t num_bytes = 0;
  std::string globs;
  const Extractor* extractor = nullptr;
  std::string language;  // a name, "re:PATTERN" over the path, "ext" or "name"
  std::string license;
  std::uint64_t language_cap = UINT64_MAX;  // bytes of text per language after which no document follows
  std::optional<std::string> expected_sha256;

  /// "deb:NAME" or "pypi:NAME".
  std::string url() const;
  /// Name of the file that it becomes: <kind>/<id>.jsonl.zst.
  std::string output_name() const;
};

/// The rows of a tier in the order of the recipe; every row when `tier` is empty. Throws kData (file, line, what) and
/// kIo.
std::vector<AssemblyRow> read_assembly_recipe(const std::filesystem::path& recipe, const std::string& tier);

}  // namespace reprise::data
