#include "assembly_recipe.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>

#include "assembly_text.h"
#include "package_file.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/hash.h"

namespace reprise::data {
namespace {

constexpr std::size_t kColumns = 12;
constexpr double kBytesPerMegabyte = 1e6;

using Cells = std::vector<std::string>;

struct Place {
  const std::filesystem::path& file;
  std::size_t line;

  [[noreturn]] void fail(const std::string& what, const std::string& hint) const {
    throw Error(ErrorKind::kData, fmt::format("cannot read corpus recipe: {}:{}: {}", file.string(), line, what), hint);
  }
};

Cells split_cells(std::string_view line) {
  Cells cells;
  for (std::size_t at = 0;;) {
    const std::size_t end = line.find('\t', at);
    cells.emplace_back(line.substr(at, end - at));
    if (end == std::string_view::npos) return cells;
    at = end + 1;
  }
}

/// Calls `visit` with every line that is neither empty nor a comment.
void for_each_line(const std::filesystem::path& file,
                   const std::function<void(std::string_view, const Place&)>& visit) {
  const std::string content = read_file(file);
  std::size_t number = 0;
  for (const std::string_view line : lines_between_feeds(content)) {
    ++number;
    if (!strip(line).empty() && !line.starts_with('#')) visit(line, {file, number});
  }
}

void check_sha256(const std::string& hex, const Place& place) {
  if (Digest::from_hex(hex).has_value()) return;
  place.fail(fmt::format("no SHA-256: {}", hex), "write 64 hexadecimal digits");
}

std::uint64_t read_cap(const std::string& cell, const Place& place) {
  if (cell.empty()) return UINT64_MAX;
  double megabytes = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), megabytes);
  if (error != std::errc() || end != cell.data() + cell.size() || !(megabytes > 0) || megabytes > 1e9) {
    place.fail(fmt::format("no number of megabytes: {}", cell), "the last column caps the text of a language");
  }
  return static_cast<std::uint64_t>(megabytes * kBytesPerMegabyte);
}

std::uint64_t read_size(const std::string& cell, const Place& place) {
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), bytes);
  if (error != std::errc() || end != cell.data() + cell.size()) {
    place.fail(fmt::format("no number of bytes: {}", cell), "column 7 is the size of the package file");
  }
  return bytes;
}

AssemblyRow read_row(std::string_view line, const Place& place) {
  Cells cells = split_cells(line);
  if (cells.size() != kColumns && cells.size() != kColumns - 1) {
    place.fail(fmt::format("{} columns", cells.size()), "a row has 12, parted by tabs; the last may be left out");
  }
  cells.resize(kColumns);
  if (cells[1] != "deb" && cells[1] != "pypi") {
    place.fail(fmt::format("unknown kind of package: {}", cells[1]), "known are deb and pypi");
  }
  AssemblyRow row{cells[0],
                  cells[1] == "deb" ? PackageKind::kDebian : PackageKind::kPypi,
                  cells[2],
                  cells[3],
                  cells[4],
                  cells[5],
                  read_size(cells[6], place),
                  cells[7],
                  find_extractor(cells[8]),
                  cells[9],
                  cells[10],
                  read_cap(cells[11], place),
                  std::nullopt};
  check_sha256(row.sha256, place);
  if (row.id.empty() || row.id.find('/') != std::string::npos || row.id.starts_with('.')) {
    place.fail(fmt::format("no name for a source: {:?}", row.id), "the id names the file that the source becomes");
  }
  if (row.extractor == nullptr) {
    place.fail(fmt::format("unknown extractor: {}", cells[8]), "known are " + extractor_names());
  }
  if (!is_known_package(row.artifact) || row.artifact.find('/') != std::string::npos) {
    place.fail(fmt::format("unknown package file: {}", row.artifact), "known are .deb, .whl and .tar.gz");
  }
  return row;
}

std::set<std::string> read_tier(const std::filesystem::path& folder, const std::string& tier) {
  const std::filesystem::path file = folder / fmt::format("tier_{}.txt", tier);
  REPRISE_REQUIRE(!tier.empty() && tier.find('/') == std::string::npos && std::filesystem::exists(file),
                  ErrorKind::kData, fmt::format("no such tier: {}: {} is not there", tier, file.string()),
                  "a tier is a list of ids beside the recipe, tier_NAME.txt");
  std::set<std::string> ids;
  for_each_line(file, [&](std::string_view line, const Place&) { ids.emplace(strip(line)); });
  return ids;
}

/// The hash that each source must have; none without the list.
std::map<std::string, std::string> read_expected(const std::filesystem::path& file) {
  std::map<std::string, std::string> expected;
  if (!std::filesystem::exists(file)) return expected;
  for_each_line(file, [&](std::string_view line, const Place& place) {
    const Cells cells = split_cells(line);
    if (cells.size() < 4) place.fail("too few columns", "id, documents, bytes of text, SHA-256 of the lines");
    check_sha256(cells[3], place);
    expected[cells[0]] = cells[3];
  });
  return expected;
}

}  // namespace

std::string AssemblyRow::url() const { return (package_kind == PackageKind::kDebian ? "deb:" : "pypi:") + package; }

std::string AssemblyRow::output_name() const { return fmt::format("{}/{}.jsonl.zst", extractor->kind, id); }

std::vector<AssemblyRow> read_assembly_recipe(const std::filesystem::path& recipe, const std::string& tier) {
  const std::filesystem::path folder = recipe.parent_path();
  std::set<std::string> wanted;
  if (!tier.empty()) wanted = read_tier(folder, tier);
  const std::map<std::string, std::string> expected = read_expected(folder / "expected.tsv");
  std::vector<AssemblyRow> rows;
  std::set<std::string> ids;
  for_each_line(recipe, [&](std::string_view line, const Place& place) {
    AssemblyRow row = read_row(line, place);
    if (!ids.insert(row.id).second) place.fail(fmt::format("two sources of one name: {}", row.id), "rename one");
    if (!tier.empty() && wanted.erase(row.id) == 0) return;
    if (const auto found = expected.find(row.id); found != expected.end()) row.expected_sha256 = found->second;
    rows.push_back(std::move(row));
  });
  REPRISE_REQUIRE(wanted.empty(), ErrorKind::kData,
                  fmt::format("tier {} names a source that {} does not have: {}", tier, recipe.string(),
                              wanted.empty() ? "" : *wanted.begin()),
                  "take it out of the tier, or add its row");
  REPRISE_REQUIRE(!rows.empty(), ErrorKind::kData, fmt::format("corpus recipe without a source: {}", recipe.string()),
                  "add a row per package, as in corpora/standard/recipe.tsv");
  return rows;
}

}  // namespace reprise::data
