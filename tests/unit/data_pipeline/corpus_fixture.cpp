#include "corpus_fixture.h"

#include <unistd.h>
#include <zstd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "reprise/core/hash.h"

namespace reprise::data {

std::string dolma_line(const std::string& id, const std::string& text, const std::string& language,
                       const std::string& kind, const std::string& source) {
  const nlohmann::ordered_json line = {
      {"id", id},
      {"text", text},
      {"source", source},
      {"added", "2026-11-21T00:00:00.000Z"},
      {"metadata", {{"license", "CC0-1.0"}, {"lang", language}, {"kind", kind}, {"path", "x"}}}};
  return line.dump();
}

std::string zstd_frame(const std::string& content) {
  std::string frame(ZSTD_compressBound(content.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), content.data(), content.size(), 3));
  return frame;
}

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorKind::kInternal, "no error was thrown");
}

void CorpusFixture::SetUp() {
  std::string pattern = (std::filesystem::temp_directory_path() / "reprise-corpus-XXXXXX").string();
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
  std::filesystem::create_directories(corpus_dir());
  recipe_.set_held_out_fraction(0);
}

void CorpusFixture::TearDown() { std::filesystem::remove_all(folder_); }

void CorpusFixture::add_file(const std::string& name, const std::vector<std::string>& lines) {
  std::string content;
  for (const std::string& line : lines) content += line + "\n";
  const bool compressed = name.ends_with(".zst");
  add_raw_file(name, compressed ? zstd_frame(content) : content, sha256(std::string_view(content)).hex());
}

void CorpusFixture::add_raw_file(const std::string& name, const std::string& bytes, const std::string& digest) {
  std::ofstream(corpus_dir() / name, std::ios::binary) << bytes;
  configs::CorpusFile* file = recipe_.add_file();
  file->set_path(name);
  file->set_sha256(digest.empty() ? sha256(std::string_view(bytes)).hex() : digest);
}

CorpusResult CorpusFixture::build_into(const std::filesystem::path& run, int num_threads) const {
  BuildOptions options;
  options.corpus_dir = corpus_dir();
  options.output_dir = run;
  options.accept_changed_corpus = accept_changed_corpus_;
  options.num_threads = num_threads;
  return build_corpus(recipe_, options, no_progress());
}

std::vector<Document> CorpusFixture::train() const {
  std::vector<Document> documents;
  for_each_document(train_path(run_dir()), [&](const Document& document) { documents.push_back(document); });
  return documents;
}

std::vector<DroppedDocument> CorpusFixture::dropped() const {
  std::vector<DroppedDocument> documents;
  for_each_dropped(dropped_path(run_dir()), [&](const DroppedDocument& document) { documents.push_back(document); });
  return documents;
}

}  // namespace reprise::data
