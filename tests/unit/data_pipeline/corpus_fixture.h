#pragma once
// A small corpus in a temporary folder, and builds of it.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/error.h"
#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/document_file.h"

namespace reprise::data {

/// A Dolma line; `text` is escaped.
std::string dolma_line(const std::string& id, const std::string& text, const std::string& language = "en",
                       const std::string& kind = "natural", const std::string& source = "test");

std::string zstd_frame(const std::string& content);

/// Returns the error that `work` throws; fails the test where it throws none.
Error error_of(const std::function<void()>& work);

class CorpusFixture : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  std::filesystem::path corpus_dir() const { return folder_ / "corpus"; }
  std::filesystem::path run_dir() const { return folder_ / "run"; }

  /// Writes a file and adds it to the recipe with its SHA-256. A name that ends in .zst is compressed.
  void add_file(const std::string& name, const std::vector<std::string>& lines);
  void add_raw_file(const std::string& name, const std::string& bytes, const std::string& sha256 = "");

  CorpusResult build() const { return build_into(run_dir()); }
  CorpusResult build_into(const std::filesystem::path& run, int num_threads = 2) const;

  std::vector<Document> train() const;
  std::vector<DroppedDocument> dropped() const;

  configs::DataRecipe recipe_;
  bool accept_changed_corpus_ = false;
  std::filesystem::path folder_;
};

}  // namespace reprise::data
