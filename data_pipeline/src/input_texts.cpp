#include "document_reader.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {

void for_each_text(const std::filesystem::path& path, const std::function<void(std::string_view)>& visit) {
  ReadOptions options;
  options.max_line_bytes = std::uint64_t{1} << 40;  // nothing else of the file has to fit
  read_documents(path.parent_path(), path.filename().string(), options,
                 {[&](Document&& document) { visit(document.text); }, {}});
}

}  // namespace reprise::data
