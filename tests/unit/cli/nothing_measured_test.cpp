// No figure is printed for what was not measured: a 0 would read as a perfect score.

#include "program.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

using nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class NothingMeasured : public ProgramTest {
 protected:
  std::string run() const { return (folder_ / "run").string(); }
  Outcome reproduce_without_held_out_text() const {
    return run_reprise({"reproduce", small_config(), "--set", "data.held_out_fraction=0", "--out", run(), "--quiet"});
  }
};

TEST_F(NothingMeasured, HasNoBitsPerByteInTheReportOfReproduce) {
  const Outcome outcome = reproduce_without_held_out_text();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "no held-out text (all)")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "bigram none, 5-gram none, xz none")) << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "0.0000")) << outcome.out;
}

TEST_F(NothingMeasured, IsNoneInTheTablesOfEvalAndNullInItsJson) {
  ASSERT_EQ(reproduce_without_held_out_text().exit_code, 0);
  const Outcome table = run_reprise({"eval", run(), "--tasks", "held_out", "--checkpoints", "all"});
  ASSERT_EQ(table.exit_code, 0) << table.err;
  EXPECT_TRUE(contains(table.out, "none")) << table.out;
  EXPECT_FALSE(contains(table.out, "0.0000")) << table.out;
  const json result = json::parse(run_reprise({"eval", run(), "--tasks", "held_out", "--json"}).out);
  EXPECT_EQ(result["held_out"][0]["bytes"], 0);
  EXPECT_TRUE(result["held_out"][0]["bits_per_byte"].is_null()) << result.dump(1);
  EXPECT_TRUE(result["curve"][0]["held_out"][0]["bits_per_byte"].is_null()) << result.dump(1);
}

TEST_F(NothingMeasured, IsZeroInTheResultsOfARunAsTheirFormatHasIt) {
  ASSERT_EQ(reproduce_without_held_out_text().exit_code, 0);
  const json results = json::parse(read_file(folder_ / "run" / "eval" / "results.json"));
  EXPECT_EQ(results["checkpoints"][0]["held_out"][0]["bits_per_byte"], 0);
}

TEST_F(NothingMeasured, IsSaidOfARunThatWasFinishedWhenItWasResumed) {
  copy_prepared_run(run());
  const Outcome trained = run_reprise({"train", small_config(), "--out", run(), "--json"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_GT(json::parse(trained.out)["final_loss"], 0.0);
  const Outcome resumed = run_reprise({"train", "--resume", run()});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(contains(resumed.out, "the run is finished already: 24 is its last step")) << resumed.out;
  EXPECT_FALSE(contains(resumed.out, "loss")) << resumed.out;
  const json figures = json::parse(run_reprise({"train", "--resume", run(), "--json"}).out);
  EXPECT_TRUE(figures["final_loss"].is_null()) << figures.dump(1);
  EXPECT_TRUE(figures["tokens_per_second"].is_null()) << figures.dump(1);
  EXPECT_EQ(figures["last_step"], 24);
}

}  // namespace
}  // namespace reprise::cli_test
