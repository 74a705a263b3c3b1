// What the verbs of `checkpoint` say, of a folder of checkpoints that nobody trained.

#include "chain_folder.h"
#include "program.h"
#include "reprise/checkpoints/prune.h"

namespace reprise::cli_test {
namespace {

using checkpoints::ChainFolder;
using nlohmann::json;

/// Steps 0, 1, 2, 4, 6, 8; moments at 0 and 4.
class CheckpointVerbs : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    std::filesystem::create_directory_symlink(chain_.path(), folder_ / "checkpoints");
  }

  Outcome checkpoint(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "checkpoint");
    return run_reprise(arguments);
  }
  void expect_error(const std::vector<std::string>& arguments, int exit_code, const std::string& what) const {
    const Outcome outcome = checkpoint(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    EXPECT_NE(outcome.err.find(what), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("hint: "), std::string::npos) << outcome.err;
  }
  std::string run() const { return folder_.string(); }

  ChainFolder chain_;
};

TEST_F(CheckpointVerbs, ShowTakesAStepOfARunAndNotOfAFile) {
  expect_error({"show", chain_.file(6).string(), "--step", "8"}, 2, "--step 8 chooses among the checkpoints of a run");
}

TEST_F(CheckpointVerbs, DiffHasNullInJsonForWhatIsNotKnown) {
  const auto alone = dist::make_local_communicator();
  checkpoints::SampleState moments = ChainFolder::state_of(6);
  moments.first_moments[3] += 1;
  moments.digest();
  moments.write(folder_, false, *alone);
  const std::string changed = (folder_ / "step-000006.h5").string();
  json difference = json::parse(checkpoint({"diff", chain_.file(6).string(), changed, "--json"}).out);
  EXPECT_EQ(difference["where"], "first_moments");
  EXPECT_EQ(difference["tensor"], "model.embed_tokens.weight");
  EXPECT_EQ(difference["chunk"], 0);
  for (const char* key : {"element", "bits_a", "bits_b"}) EXPECT_TRUE(difference.at(key).is_null()) << key;
  const checkpoints::SampleState other(6, TensorLayout({{"model.embed_tokens.weight", {40, 300}, true}}));
  other.write(folder_, false, *alone);
  difference = json::parse(checkpoint({"diff", chain_.file(6).string(), changed, "--json"}).out);
  EXPECT_EQ(difference["detail"], "6 tensors and 1");
  for (const char* key : {"tensor", "chunk", "element", "bits_a"}) EXPECT_TRUE(difference.at(key).is_null()) << key;
}

TEST_F(CheckpointVerbs, ListTellsPrunedMomentsInJsonFromThoseThatNeverWere) {
  checkpoints::prune_checkpoints(chain_.path(), {1, std::nullopt, {}}, false);
  const json listed = json::parse(checkpoint({"list", run(), "--json"}).out);
  std::string moments;
  for (const json& entry : listed) moments += entry["moments"].get<std::string>() + " ";
  EXPECT_EQ(moments, "pruned no no yes no no ");
}

TEST_F(CheckpointVerbs, SayOfANameThatThereIsNothing) {
  const std::string nothing = (folder_ / "missing.h5").string();
  const std::string out = (folder_ / "out.h5").string();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"verify", nothing}, {"show", nothing}, {"average", nothing, "--out", out}}) {
    expect_error(arguments, 4, "there is no file or folder " + nothing);
  }
}

}  // namespace
}  // namespace reprise::cli_test
