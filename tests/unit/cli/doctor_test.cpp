// doctor --functions computes the published digests of the exact functions again.

#include <fstream>

#include "program.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

class Doctor : public ProgramTest {};

TEST_F(Doctor, SaysWhetherNcclCanBeLoaded) {
  const Outcome outcome =
      run_reprise({"doctor", "--json"}, {"REPRISE_NCCL_LIBRARY=/nowhere/a.so", "REPRISE_CUDART_LIBRARY=/nowhere/b.so"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string said = nlohmann::json::parse(outcome.out)["nccl"];
  EXPECT_TRUE(said.find("/nowhere/b.so") != std::string::npos || said == "not built in: nccl.h was not found") << said;
}

TEST_F(Doctor, NamesTheVersionAndCommitThatTheProgramPrintsAlone) {
  const auto facts = nlohmann::json::parse(run_reprise({"doctor", "--json"}).out);
  const Outcome outcome = run_reprise({"--version"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "reprise " + facts["version"].get<std::string>() + " (commit " +
                             facts["commit"].get<std::string>() + ")\n");
}

TEST_F(Doctor, EveryVerbRefusesAnInstructionSetThatIsNoneBeforeItBegins) {
  const Outcome outcome =
      run_reprise({"data", "build", small_config(), "--out", (folder_ / "run").string()}, {"REPRISE_TARGET=AVX2"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("REPRISE_TARGET names no instruction set: AVX2"), std::string::npos) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
}

/// What `doctor --functions --json` says; asked once, as it takes seconds.
const nlohmann::json& functions() {
  static const auto report = [] {
    const Outcome outcome = run_reprise({"doctor", "--functions", "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
    return nlohmann::json::parse(outcome.out);
  }();
  return report;
}

TEST_F(Doctor, FindsEveryFunctionAsPublished) {
  EXPECT_EQ(functions()["inputs"], "sample");
  EXPECT_EQ(functions()["num_inputs"], 4081 * 4096);
  EXPECT_EQ(functions()["same"], true);
  std::vector<std::string> names;
  for (const auto& function : functions()["functions"]) {
    names.push_back(function["name"]);
    EXPECT_EQ(function["digest"], function["published"]) << function["name"];
  }
  EXPECT_EQ(names, (std::vector<std::string>{"exp", "log", "sigmoid", "tanh", "erf", "sin", "cos", "rsqrt"}));
}

TEST_F(Doctor, PrintsALineForEachFunctionWithItsErrorAndDigest) {
  const Outcome outcome = run_reprise({"doctor", "--functions"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("16715776 inputs (sample)"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("exp      1.0417 ulp  "), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("DIFFERENT"), std::string::npos) << outcome.out;
}

TEST_F(Doctor, SaysDifferentAndFailsWhereADigestIsNotThePublishedOne) {
  const std::string published = functions()["functions"][1]["published"];
  std::string other = published;
  other[0] = other[0] == '0' ? '1' : '0';
  // A copy of the program that publishes another digest for log.
  std::string bytes = read_file(program_path());
  const std::size_t place = bytes.find(published);
  ASSERT_NE(place, std::string::npos);
  bytes.replace(place, other.size(), other);
  const auto altered = folder_ / "reprise";
  std::ofstream(altered, std::ios::binary) << bytes;
  std::filesystem::permissions(altered, std::filesystem::perms::owner_all);

  const Outcome outcome = run_program(altered, {"doctor", "--functions"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_NE(outcome.out.find(published + "  DIFFERENT"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find(other + "  published"), std::string::npos) << outcome.out;
  const Outcome as_json = run_program(altered, {"doctor", "--functions", "--json"});
  EXPECT_EQ(as_json.exit_code, 1) << as_json.err;
  const auto report = nlohmann::json::parse(as_json.out);
  EXPECT_EQ(report["same"], false);
  EXPECT_EQ(report["functions"][0]["same"], true);
  EXPECT_EQ(report["functions"][1]["same"], false);
}

TEST_F(Doctor, AllInputsAreAskedForWithTheFunctionsOnly) {
  const Outcome outcome = run_reprise({"doctor", "--full"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("--functions"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

}  // namespace
}  // namespace reprise::cli_test
