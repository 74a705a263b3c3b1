// Ranks that were given different things end before they compute, and say which rank has what.

#include "same_on_ranks.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <mutex>

#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/shards.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/dist/local_group.h"
#include "tiny_run.h"

namespace reprise::train {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// The error that all ranks of a group throw with the same words.
Error error_of_all(int num_ranks, const std::function<void(dist::Communicator&)>& body) {
  std::mutex mutex;
  std::vector<Error> errors;
  dist::run_local_group(num_ranks, [&](dist::Communicator& communicator) {
    try {
      body(communicator);
    } catch (const Error& error) {
      const std::lock_guard lock(mutex);
      errors.push_back(error);
    }
  });
  EXPECT_EQ(errors.size(), static_cast<std::size_t>(num_ranks));
  for (const Error& error : errors) EXPECT_EQ(error.formatted(), errors.front().formatted());
  return errors.empty() ? Error(ErrorKind::kInternal, "none") : errors.front();
}

TEST(SameOnRanks, NamesTheFirstFactThatDiffersWithRankAndHost) {
  const Error error = error_of_all(3, [](dist::Communicator& communicator) {
    const bool other = communicator.rank() == 2;
    expect_same_on_ranks({{ErrorKind::kUsage, "colour", "red"},
                          {ErrorKind::kData, "size", other ? "8" : "7"},
                          {ErrorKind::kUsage, "weight", other ? "2" : "1"}},
                         communicator, [](const SharedFact& fact, int rank) {
                           return fmt::format("; {} of rank {} is too much", fact.name, rank);
                         });
  });
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_EQ(std::string(error.what()),
            fmt::format("ranks were not given the same: rank 2 (on {0}) has size 8, rank 0 (on {0}) has size 7; size "
                        "of rank 2 is too much",
                        host));
  EXPECT_THAT(error.hint(), HasSubstr("docs/reference/launch.md"));
}

TEST(SameOnRanks, NamesAFactThatARankOfAnotherBuildDoesNotKnow) {
  const Error error = error_of_all(2, [](dist::Communicator& communicator) {
    std::vector<SharedFact> facts = {{ErrorKind::kConfig, "Reprise", "1"}};
    if (communicator.rank() == 0) facts.push_back({ErrorKind::kConfig, "size", "7"});
    expect_same_on_ranks(facts, communicator);
  });
  EXPECT_THAT(error.what(), AllOf(HasSubstr("has nothing, rank 0"), HasSubstr("has size 7")));
}

TEST(SameOnRanks, RefusesAFileThatIsAnotherOneOnARank) {
  const Error error = error_of_all(2, [](dist::Communicator& communicator) {
    Digest root;
    root.bytes[0] = static_cast<std::uint8_t>(communicator.rank());
    expect_one_file("run/checkpoints/step-000002.h5", root, ErrorKind::kCheckpoint, communicator);
  });
  EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
  EXPECT_THAT(error.what(), HasSubstr("has step-000002.h5 with root 01"));
}

TEST(SameOnRanks, SaysNothingWhereAllHaveTheSame) {
  for (const int num_ranks : {1, 3}) {
    dist::run_local_group(num_ranks, [](dist::Communicator& communicator) {
      EXPECT_NO_THROW(expect_same_on_ranks({{ErrorKind::kData, "size", "7"}}, communicator));
      EXPECT_EQ(communicator.bytes_sent() > 0, communicator.size() > 1);
    });
  }
}

/// Two ranks that train in one folder; each may be given something else.
class RanksOfARun : public testing::Test {
 protected:
  static std::filesystem::path scratch() {
    return std::filesystem::temp_directory_path() / fmt::format("reprise_same_on_ranks_{}", ::getpid());
  }
  static void SetUpTestSuite() { make_tiny_data(scratch() / "data"); }
  static void TearDownTestSuite() { std::filesystem::remove_all(scratch()); }

  static std::filesystem::path copy(const std::string& name) {
    std::filesystem::copy(scratch() / "data", scratch() / name, std::filesystem::copy_options::recursive);
    return scratch() / name;
  }
  using Change = std::function<void(configs::RunConfig& config, TrainOptions& options)>;
  /// What train() throws when rank 1 is given what `change` makes of it.
  static Error error_where_rank_1_has(const std::filesystem::path& folder, const Change& change) {
    return error_of_all(2, [&](dist::Communicator& communicator) {
      configs::RunConfig config = tiny_config({"train.num_steps=2", "train.checkpoints.interval=1"});
      TrainOptions options;
      options.run_dir = folder;
      options.program.command_line = {"same_on_ranks"};
      if (communicator.rank() == 1) change(config, options);
      train(config, options, communicator, no_progress());
    });
  }
};

TEST_F(RanksOfARun, DoNotTrainDifferentRecipes) {
  const auto folder = copy("recipes");
  const Error error = error_where_rank_1_has(folder, [](configs::RunConfig& config, TrainOptions&) {
    config.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_peak(6e-3);
  });
  EXPECT_EQ(error.kind(), ErrorKind::kConfig);
  EXPECT_THAT(
      error.what(),
      AllOf(HasSubstr("rank 1 (on "), HasSubstr("has recipe "),
            HasSubstr("; first difference (rank 0 -> rank 1): recipe.train.learning_rate.peak: 0.003 -> 0.006")));
  EXPECT_FALSE(std::filesystem::exists(folder / "recipe.pbtxt")) << "nothing has begun";
}

TEST_F(RanksOfARun, DoNotExchangeByDifferentSettings) {
  const auto folder = copy("settings");
  const Error bucket = error_where_rank_1_has(
      folder, [](configs::RunConfig&, TrainOptions& options) { options.compute.bucket_kib = 16; });
  EXPECT_THAT(bucket.what(), AllOf(HasSubstr("has runtime.bucket_kib 16"), HasSubstr("has runtime.bucket_kib 0")));
  const Error device = error_where_rank_1_has(
      folder, [](configs::RunConfig&, TrainOptions& options) { options.compute.device = "cuda:1"; });
  EXPECT_THAT(device.what(), HasSubstr("has runtime.device cuda:N"));
  const Error last =
      error_where_rank_1_has(folder, [](configs::RunConfig&, TrainOptions& options) { options.stop_after_step = 1; });
  EXPECT_THAT(last.what(), HasSubstr("has last step 1, rank 0"));
}

TEST_F(RanksOfARun, DoNotReadDifferentShards) {
  const auto folder = copy("shards"), other = copy("other_shards");
  for (const auto& entry : std::filesystem::directory_iterator(other / "shards")) {
    std::filesystem::remove(entry.path());
  }
  const data::Tokenizer tokenizer = data::Tokenizer::load(other / "tokenizer" / "tokenizer.json");
  data::Document document;
  document.id = "other";
  document.text = std::string(2000, 'x');
  document.source_file = "none.jsonl";
  data::write_documents(other / "data" / "train.jsonl.zst", {&document});
  data::write_shards(other / "data" / "train.jsonl.zst", tokenizer, other / "shards", "train", 1, no_progress());
  const Error error =
      error_where_rank_1_has(folder, [&](configs::RunConfig&, TrainOptions& options) { options.run_dir = other; });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("has token shards with root "));
}

}  // namespace
}  // namespace reprise::train
