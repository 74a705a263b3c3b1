#include <algorithm>

#include "document_reader.h"
#include "reprise/configs/input_names.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {
namespace {

constexpr std::string_view kCompressed[] = {".gz", ".zst", ".bz2", ".xz", ".lz4", ".zip"};
constexpr std::string_view kTables[] = {".parquet", ".arrow", ".feather"};

bool ends_with_any(std::string_view name, std::span<const std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace

void for_each_text(const std::filesystem::path& path, const std::function<void(std::string_view)>& visit) {
  const std::string name = path.filename().string();
  if (is_text_file(name)) return visit(whole_content(path));
  if (!configs::is_input_name(name)) {
    require_one_text(path);
    return visit(read_file(path));
  }
  ReadOptions options;
  options.max_line_bytes = std::uint64_t{1} << 40;  // nothing else of the file has to fit
  read_documents(path.parent_path(), name, options, {[&](Document&& document) { visit(document.text); }, {}});
}

void require_one_text(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  REPRISE_REQUIRE(!ends_with_any(name, kCompressed), ErrorKind::kData,
                  fmt::format("not a plain text, but compressed: {}", path.string()),
                  "unpack it, and keep its name without the last ending: what it holds is known by that");
  REPRISE_REQUIRE(!ends_with_any(name, kTables), ErrorKind::kData,
                  fmt::format("not a plain text, but a table: {}", path.string()),
                  "convert it first, to JSON lines with \"id\" and \"text\" in a file that ends in .jsonl");
  REPRISE_REQUIRE(!configs::is_input_name(name) || name.ends_with(".txt"), ErrorKind::kData,
                  fmt::format("not one text, but lines of documents: {}", path.string()),
                  "take the texts out first: jq -j .text FILE > TEXT");
}

}  // namespace reprise::data
