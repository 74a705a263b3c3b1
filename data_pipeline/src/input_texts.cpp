#include "document_reader.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {
namespace {

std::string whole_text(const std::filesystem::path& path) {
  const auto source = decompressed(file_source(path), compression_of(path), path.string(), ErrorKind::kData);
  std::string text;
  while (source->read(text)) {
  }
  return text;
}

}  // namespace

void for_each_text(const std::filesystem::path& path, const std::function<void(std::string_view)>& visit) {
  const std::string name = path.filename().string();
  if (is_text_file(name)) return visit(whole_text(path));
  if (!is_known_input(name)) {
    require_one_text(path);
    return visit(read_file(path));
  }
  ReadOptions options;
  options.max_line_bytes = std::uint64_t{1} << 40;  // nothing else of the file has to fit
  read_documents(path.parent_path(), name, options, {[&](Document&& document) { visit(document.text); }, {}});
}

void require_one_text(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  REPRISE_REQUIRE(compression_of(path) == Compression::kNone, ErrorKind::kData,
                  fmt::format("not a plain text, but compressed: {}", path.string()),
                  "decompress it first: gzip -dc or zstd -dc FILE > TEXT");
  REPRISE_REQUIRE(!is_known_input(name) || name.ends_with(".txt"), ErrorKind::kData,
                  fmt::format("not one text, but lines of documents: {}", path.string()),
                  "take the texts out first: jq -j .text FILE > TEXT");
}

}  // namespace reprise::data
