// The rules of the preset "fineweb" (Gopher repetition and quality, C4, FineWeb) over documents in memory, on one
// thread, every filter on the text as it came. filters_benchmark.py runs it beside datatrove.
//
//   filters_benchmark DOCUMENTS.jsonl ROUNDS [VERDICTS.jsonl]      prints one MB per second of CPU a round

#include <fmt/core.h>

#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "document_reader.h"
#include "reprise/core/error.h"
#include "reprise/data_pipeline/filter_presets.h"
#include "reprise/data_pipeline/filters.h"
#include "text_measures.h"

namespace {

using namespace reprise;  // NOLINT(google-build-using-namespace): one program, one file

using Verdicts = std::vector<std::optional<data::Drop>>;

/// Without the placeholders, which judge nothing.
std::vector<configs::FilterRule> rules() {
  std::vector<configs::FilterRule> judging = data::find_filter_preset("fineweb").rules;
  std::erase_if(judging, [](const configs::FilterRule& rule) { return rule.name() == "pii"; });
  return judging;
}

std::vector<std::unique_ptr<data::Filter>> make_filters() {
  std::vector<std::unique_ptr<data::Filter>> filters;
  for (const auto& rule : rules()) filters.push_back(data::make_filter(rule));
  return filters;
}

void write_verdicts(const char* path, const std::vector<data::Document>& documents, const Verdicts& verdicts) {
  std::ofstream file(path);
  std::size_t at = 0;
  for (const data::Document& document : documents) {
    nlohmann::ordered_json line = {{"id", document.id}};
    for (const auto& rule : rules()) {
      const auto& drop = verdicts[at++];
      line[rule.name()] = drop ? nlohmann::ordered_json{{"rule", drop->rule}, {"value", drop->value}} : nullptr;
    }
    file << line.dump() << '\n';
  }
}

void run(const std::filesystem::path& path, int rounds, const char* output) {
  std::vector<data::Document> documents;
  std::size_t num_bytes = 0;
  data::read_documents(path.parent_path(), path.filename().string(), {std::uint64_t{1} << 30, {}},
                       {[&](data::Document&& document) {
                          num_bytes += document.text.size();
                          documents.push_back(std::move(document));
                        },
                        {}});
  const auto filters = make_filters();
  Verdicts verdicts;
  for (int round = 0; round < rounds; ++round) {
    verdicts.clear();
    const std::clock_t start = std::clock();
    for (const data::Document& document : documents) {
      data::TextMeasures measures(document.text);
      for (const auto& filter : filters) verdicts.push_back(filter->judge(measures, false).drop);
    }
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    fmt::print("{:.3f}\n", static_cast<double>(num_bytes) / 1e6 / seconds);
  }
  if (output != nullptr) write_verdicts(output, documents, verdicts);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: filters_benchmark DOCUMENTS.jsonl ROUNDS [VERDICTS.jsonl]\n");
    return 2;
  }
  try {
    run(argv[1], std::stoi(argv[2]), argc > 3 ? argv[3] : nullptr);
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.formatted());
    return exit_code(error.kind());
  }
}
