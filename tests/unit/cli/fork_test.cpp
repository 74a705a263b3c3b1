// Runs that go on from a step of another one: lineage, data, what may change, the same bits whatever happens.

#include <fmt/core.h>

#include <fstream>
#include <map>

#include "program.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"

namespace reprise::cli_test {
namespace {

using nlohmann::json;

/// A finished small run of 24 steps (checkpoints at powers of two and every 2, moments every 6), and children of it.
class Fork : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    copy_trained_run(folder_ / "run");
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string at(const std::string& run, int step) const { return fmt::format("{}@{}", path(run), step); }

  Outcome fork(const std::string& from, const std::string& child, const std::vector<std::string>& more = {},
               const std::vector<std::string>& environment = {}) const {
    std::vector<std::string> arguments = {"train", "--from", from, "--out", path(child), "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_reprise(arguments, environment);
  }

  json log(const std::string& run) const { return json::parse(run_reprise({"log", "show", path(run), "--json"}).out); }
  json checkpoint(const std::string& run, int step) const {
    return json::parse(run_reprise({"checkpoint", "show", path(run), "--step", std::to_string(step), "--json"}).out);
  }
  void expect_same_run(const std::string& a, const std::string& b) const {
    EXPECT_EQ(checkpoint_roots(folder_ / a), checkpoint_roots(folder_ / b));
    EXPECT_TRUE(read_file(folder_ / a / "run.log") == read_file(folder_ / b / "run.log")) << a << " and " << b;
  }
  void expect_verified(const std::string& child, const std::string& parent) const {
    const Outcome outcome = run_reprise({"checkpoint", "verify", path(child), "--parent", path(parent)});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  }
};

/// States of the steps in a log, by step.
std::map<int, std::string> states_of(const json& log) {
  std::map<int, std::string> states;
  for (const json& step : log["steps"]) states[step["step"].get<int>()] = step["state"];
  return states;
}

TEST_F(Fork, WithoutChangesGivesTheLaterStatesOfItsParentFromAStoredAndFromAnUnstoredStep) {
  const std::map<int, std::string> parent = states_of(log("run"));
  for (const int step : {12, 8, 9}) {
    const std::string child = fmt::format("child-{}", step);
    ASSERT_EQ(fork(at("run", step), child).exit_code, 0);
    const std::map<int, std::string> states = states_of(log(child));
    EXPECT_EQ(states.begin()->first, step + 1);
    EXPECT_EQ(states.rbegin()->first, 24);
    for (const auto& [at_step, state] : states) EXPECT_EQ(state, parent.at(at_step)) << at_step;
    const Outcome same = run_reprise({"checkpoint", "diff", at("run", 24), at(child, 24)});
    EXPECT_EQ(same.exit_code, 0) << same.out;
    EXPECT_NE(checkpoint(child, 24)["root"], checkpoint("run", 24)["root"]) << "the recipe is in the root";
    expect_verified(child, "run");
  }
}

/// Takes the right to write away from a run and everything in it, or gives it back to the owner.
void let_write(const std::filesystem::path& run, bool allowed) {
  using std::filesystem::perms;
  const auto set = [&](const std::filesystem::path& path) {
    const perms bits = allowed ? perms::owner_write : perms::owner_write | perms::group_write | perms::others_write;
    std::filesystem::permissions(path, bits,
                                 allowed ? std::filesystem::perm_options::add : std::filesystem::perm_options::remove);
  };
  if (allowed) set(run);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(run)) set(entry.path());
  if (!allowed) set(run);
}

/// Root may write anything, so the modes are looked at, too.
TEST_F(Fork, OfAReadOnlyRunIsOneThatCanBeWritten) {
  let_write(folder_ / "run", false);
  const Outcome forked = fork(at("run", 7), "child");
  const Outcome shown = run_reprise({"log", "statistics", path("run"), "--step", "3", "--quiet"});
  const Outcome made =
      run_reprise({"checkpoint", "materialize", path("run"), "--step", "9", "--out", path("nine.h5"), "--quiet"});
  let_write(folder_ / "run", true);
  EXPECT_EQ(forked.exit_code, 0) << forked.err;
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_EQ(made.exit_code, 0) << made.err;
  for (const char* name : {"data", "tokenizer", "shards"}) {
    const auto mode = std::filesystem::status(folder_ / "child" / name).permissions();
    EXPECT_EQ(mode & std::filesystem::perms::owner_all, std::filesystem::perms::owner_all) << name;
  }
}

TEST_F(Fork, HasTheRootOfItsParentInItsChainAndInItsLog) {
  ASSERT_EQ(fork(at("run", 8), "child").exit_code, 0);
  const json parent = checkpoint("run", 8);
  const json first = checkpoint("child", 8);
  EXPECT_EQ(first["previous_root"], parent["root"]);
  EXPECT_EQ(first["has_moments"], true) << "a child can be resumed, and any step of it made, from its beginning on";
  EXPECT_EQ(first["tokens_seen"], parent["tokens_seen"]);
  EXPECT_EQ(first["next_sample"], parent["next_sample"]);
  const json header = log("child")["header"];
  EXPECT_EQ(header["parent"]["run"], "small");
  EXPECT_EQ(header["parent"]["step"], 8);
  EXPECT_EQ(header["parent"]["root"], parent["root"]);
  EXPECT_EQ(log("child")["checkpoints"][0]["step"], 8);
  const Outcome shown = run_reprise({"log", "show", path("child")});
  EXPECT_NE(shown.out.find("parent      small at step 8, root " + parent["root"].get<std::string>()), std::string::npos)
      << shown.out;
  const Outcome difference = run_reprise({"log", "diff", path("run"), path("child"), "--json"});
  EXPECT_EQ(json::parse(difference.out)["same_steps"], 16);
}

TEST_F(Fork, GivesTheSameBitsForAnyRanksAndAfterAKillAtAnyTime) {
  const std::vector<std::string> longer = {"--set", "train.num_steps=30"};
  ASSERT_EQ(fork(at("run", 9), "one", {"--set", "train.num_steps=30", "--threads", "1"}).exit_code, 0);
  for (const int ranks : {2, 3}) {
    const std::string child = fmt::format("ranks-{}", ranks);
    const Outcome outcome =
        fork(at("run", 9), child, {"--set", "train.num_steps=30", "--ranks", std::to_string(ranks), "--threads", "1"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    expect_same_run("one", child);
  }
  // Before the first checkpoint is whole, and far behind it. The replay of 3 steps and its checkpoints pass points,
  // too.
  for (const char* fault : {"before_rename:1:0", "compute:100:0"}) {
    const std::string child = fmt::format("killed-{}", std::string(fault).substr(0, 4));
    ASSERT_NE(fork(at("run", 9), child, longer, {std::string("REPRISE_FAULT=") + fault}).exit_code, 0) << fault;
    const bool has_begun = std::filesystem::exists(folder_ / child / "recipe.pbtxt");
    const Outcome resumed = has_begun
                                ? run_reprise({"train", "--resume", path(child), "--ranks", "2", "--threads", "1"})
                                : fork(at("run", 9), child, longer);
    ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
    expect_same_run("one", child);
  }
}

TEST_F(Fork, FromTheBeginningIsReadAgainWhenItGoesOn) {
  ASSERT_EQ(fork(at("run", 0), "child").exit_code, 0);
  const Outcome resumed = run_reprise({"train", "--resume", path("child")});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_verified("child", "run");
}

TEST_F(Fork, CanBeForkedItself) {
  ASSERT_EQ(fork(at("run", 6), "child", {"--set", "train.num_steps=18"}).exit_code, 0);
  ASSERT_EQ(fork(at("child", 11), "grandchild", {"--set", "train.num_steps=24"}).exit_code, 0);
  EXPECT_EQ(states_of(log("grandchild")).begin()->first, 12);
  EXPECT_EQ(log("grandchild")["header"]["parent"]["step"], 11);
  expect_verified("grandchild", "child");
  const Outcome wrong = run_reprise({"checkpoint", "verify", path("grandchild"), "--parent", path("run")});
  EXPECT_EQ(wrong.exit_code, 4) << wrong.out;
  EXPECT_NE(wrong.out.find("the child's parent has"), std::string::npos) << wrong.out;
}

TEST_F(Fork, IsMaterializedAtAnyOfItsSteps) {
  ASSERT_EQ(fork(at("run", 9), "child").exit_code, 0);
  const std::map<int, std::string> states = states_of(log("child"));
  for (const int step : {9, 11, 17}) {
    const Outcome made = run_reprise({"checkpoint", "materialize", path("child"), "--step", std::to_string(step),
                                      "--out", path(fmt::format("made-{}.h5", step)), "--json", "--quiet"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    if (step > 9) {
      EXPECT_EQ(json::parse(made.out)["state"], states.at(step));
    }
    EXPECT_EQ(json::parse(made.out)["replayed_steps"], step % 6 == 5 ? (step == 11 ? 2 : 5) : 0);
  }
  const Outcome early = run_reprise({"checkpoint", "materialize", path("child"), "--step", "8", "--out", path("e.h5")});
  EXPECT_EQ(early.exit_code, 4);
  EXPECT_NE(early.err.find("begins behind step 9"), std::string::npos) << early.err;
}

TEST_F(Fork, HasStatisticsAndAveragesOfTheStepsBehindItsParentsAlone) {
  ASSERT_EQ(fork(at("run", 9), "child").exit_code, 0);
  const std::vector<std::vector<std::string>> early = {
      {"log", "statistics", path("child"), "--step", "9"},
      {"checkpoint", "ema", path("child"), "--decay", "0.5", "--from", "9", "--to", "12", "--out", path("e.h5")}};
  for (const std::vector<std::string>& arguments : early) {
    const Outcome outcome = run_reprise(arguments);
    EXPECT_EQ(outcome.exit_code, 4);
    EXPECT_NE(outcome.err.find("begins behind step 9; step 9 is not in it"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("ask for a step from 10 to 24"), std::string::npos) << outcome.err;
  }
}

TEST_F(Fork, ReadsOnWhereItsParentWasWhateverTheBatch) {
  ASSERT_EQ(fork(at("run", 10), "child", {"--set", "train.batch_sequences=4"}).exit_code, 0);
  const json steps = log("child")["steps"];
  EXPECT_EQ(steps[0]["first_sample"], 70);
  EXPECT_EQ(steps[1]["first_sample"], 74);
  EXPECT_EQ(steps[0]["tokens_seen"], 10 * 7 * 32 + 4 * 32);
  const json documents = json::parse(run_reprise({"data", "step-to-docs", path("child"), "12", "--json"}).out);
  EXPECT_EQ(documents["samples"].size(), 4u);
  const json document = documents["samples"][1]["documents"][0];
  const Outcome outcome = run_reprise({"data", "doc-to-steps", path("child"), document["id"], "--json"});
  const json visits = json::parse(outcome.out)["visits"];
  bool found = false;
  for (const json& visit : visits) {
    EXPECT_GT(visit["step"], 10);
    found |= visit["step"] == 12 && visit["sample"] == 1 && visit["first_token"] == document["first_token"];
  }
  EXPECT_TRUE(found) << outcome.out;
}

TEST_F(Fork, AnnealsOnAnotherMixtureFromItsBeginning) {
  std::string text = read_file(small_config());
  const std::string before = "num_steps: 24";
  text.insert(text.find(before) + before.size(), R"(
    group { name: "code" kind: "code" max_epochs: 9 }
    group { name: "rest" }
    stage { name: "anneal" steps: 8 share { group: "code" weight: 1 } share { group: "rest" weight: 1 } }
  )");
  std::ofstream(folder_ / "anneal.pbtxt", std::ios::binary) << text;
  const Outcome outcome = fork(at("run", 16), "child", {path("anneal.pbtxt")});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("is read from its beginning"), std::string::npos) << outcome.err;
  EXPECT_EQ(log("child")["steps"][0]["first_sample"], 0);
  EXPECT_NE(read_file(folder_ / "child" / "recipe.pbtxt").find("restart_data: true"), std::string::npos);
  const json stages = json::parse(run_reprise({"data", "mixture", path("child"), "--json"}).out)["stages"];
  EXPECT_EQ(stages[0]["first_step"], 17);
  EXPECT_EQ(stages[0]["last_step"], 24);
  expect_verified("child", "run");
  ASSERT_EQ(fork(at("run", 16), "two", {path("anneal.pbtxt"), "--ranks", "2", "--threads", "1"}).exit_code, 0);
  expect_same_run("child", "two");
}

TEST_F(Fork, ReadsShardsOfItsOwnThatTheParentsTokenizerMade) {
  const std::string changed = "data.held_out_fraction=0.3";
  const Outcome refused = fork(at("run", 8), "child", {"--set", changed});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("reprise data build"), std::string::npos) << refused.err;
  const std::string tokenizer = path("run") + "/tokenizer/tokenizer.json";
  const Outcome built = run_reprise(
      {"data", "build", small_config(), "--set", changed, "--tokenizer", tokenizer, "--out", path("child"), "--quiet"});
  ASSERT_EQ(built.exit_code, 0) << built.err;
  const Outcome outcome = fork(at("run", 8), "child", {small_config(), "--set", changed});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(log("child")["header"]["tokenizer"], log("run")["header"]["tokenizer"]);
  EXPECT_NE(log("child")["header"]["data_root"], log("run")["header"]["data_root"]);
  EXPECT_EQ(log("child")["steps"][0]["first_sample"], 0);
  // A tokenizer of its own would give the ids other meanings.
  ASSERT_EQ(run_reprise({"data", "build", small_config(), "--set", "data.held_out_fraction=0.6", "--out", path("other"),
                         "--quiet"})
                .exit_code,
            0);
  const Outcome other = fork(at("run", 8), "other", {"--set", "data.held_out_fraction=0.6"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("the tokenizer in"), std::string::npos) << other.err;
}

TEST_F(Fork, BeginsWithNewMomentsAndDataWhereItsRecipeSaysSo) {
  ASSERT_EQ(fork(at("run", 12), "child", {"--set", "parent.reset_optimizer=true", "--set", "parent.restart_data=true"})
                .exit_code,
            0);
  const json first = checkpoint("child", 12);
  EXPECT_EQ(first["adam_step"], 0);
  EXPECT_EQ(first["beta1_power"], 1.0);
  EXPECT_EQ(first["next_sample"], 0);
  const json parent = checkpoint("run", 12);
  EXPECT_EQ(first["tensors"][0]["weight"], parent["tensors"][0]["weight"]);
  EXPECT_EQ(first["tensors"][0]["first_moment"], checkpoint("run", 0)["tensors"][0]["first_moment"]) << "zeros";
  expect_verified("child", "run");
}

TEST_F(Fork, RefusesAnotherModelWithEveryReason) {
  const Outcome outcome =
      fork(at("run", 8), "child",
           {"--set", "model.hidden_size=64", "--set", "model.num_layers=3", "--set", "numerics=native"});
  EXPECT_EQ(outcome.exit_code, 2);
  for (const char* reason : {"model.hidden_size: 32 -> 64", "model.num_layers: 2 -> 3", "numerics: exact -> native"}) {
    EXPECT_NE(outcome.err.find(reason), std::string::npos) << outcome.err;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "child"));
}

TEST_F(Fork, RefusesWhatLeavesNoStepAndStepsThatAreNotThere) {
  const Outcome none = fork(at("run", 8), "child", {"--set", "train.num_steps=8"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_NE(none.err.find("goes on from step 8"), std::string::npos) << none.err;
  const Outcome late = fork(at("run", 25), "child");
  EXPECT_EQ(late.exit_code, 4);
  EXPECT_NE(late.err.find("has no step 25"), std::string::npos) << late.err;
  EXPECT_EQ(fork("run-without-step", "child").exit_code, 2);
  const Outcome taken = fork(at("run", 8), "run");
  EXPECT_EQ(taken.exit_code, 4);
  EXPECT_NE(taken.err.find("already holds a run"), std::string::npos) << taken.err;
}

TEST_F(Fork, IsKeptOutOfAFolderInWhichAnotherProcessWorks) {
  std::filesystem::create_directory(folder_ / "child");
  const FolderLock another(folder_ / "child");
  const Outcome refused = fork(at("run", 8), "child");
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_NE(refused.err.find("in use by another process"), std::string::npos) << refused.err;
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "child"));
}

TEST_F(Fork, NeedsNothingOfItsParentOnceItHasBegun) {
  ASSERT_EQ(fork(at("run", 8), "child").exit_code, 0);
  const std::vector<std::string> roots = checkpoint_roots(folder_ / "child");
  std::filesystem::remove_all(folder_ / "run");
  std::filesystem::remove_all(folder_ / "child" / "checkpoints");
  std::filesystem::remove(folder_ / "child" / "run.log");
  const Outcome again = run_reprise({"train", "--resume", path("child"), "--quiet"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(checkpoint_roots(folder_ / "child"), roots);
  const Outcome verified = run_reprise({"checkpoint", "verify", path("child")});
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  EXPECT_EQ(run_reprise({"eval", path("child"), "--tasks", "held_out"}).exit_code, 0);
  std::filesystem::remove(folder_ / "child" / "parent.h5");
  const Outcome lost = run_reprise({"checkpoint", "verify", path("child")});
  EXPECT_EQ(lost.exit_code, 4);
  EXPECT_NE(lost.out.find("parent.h5 is missing"), std::string::npos) << lost.out;
}

}  // namespace
}  // namespace reprise::cli_test
