#pragma once
// A run folder with data, tokenizer, shards and untrained checkpoints of steps 0, 2 and 4, for tests of evaluation.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/eval/evaluate.h"

namespace reprise::eval {

/// Documents 34 to 39 are held out.
data::Document document_of(std::uint32_t index);

/// Writes the documents and their shards as one part ("train", "held_out") of a run.
void write_part(const std::filesystem::path& run, const std::string& stem, const std::vector<data::Document>& documents,
                const data::Tokenizer& tokenizer);

/// One run folder for all tests of a program, which only read it.
class UntrainedRunTest : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();

  static EvalOptions options(int num_threads, std::vector<std::uint64_t> steps = {});

  static std::filesystem::path* run_;
  static configs::Recipe* recipe_;
};

}  // namespace reprise::eval
