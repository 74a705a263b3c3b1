// What a flag that counts refuses. The flags are found in the help of all verbs, so a new one is tested too.

#include <algorithm>
#include <sstream>

#include "program.h"

namespace reprise::cli_test {
namespace {

using Words = std::vector<std::string>;

Words with(Words words, const std::string& more) {
  words.push_back(more);
  return words;
}

/// Appends the command lines that a whole number can follow, of `verb` and of the verbs below it.
void find_places(const Words& verb, std::vector<Words>& places) {
  std::istringstream help(run_reprise(with(verb, "--help")).out);
  std::string section;
  Words positionals = verb;  // with a folder in the place of every one so far
  for (std::string line; std::getline(help, line);) {
    if (!line.starts_with(" ")) section = line;
    if (!line.starts_with("  ") || line.starts_with("   ")) continue;  // a title, or the rest of an entry
    std::istringstream words(line);
    std::string name, type;
    words >> name >> type;
    const bool counts = type.starts_with("UINT") || type.starts_with("INT");
    if (section == "Subcommands:") find_places(with(verb, name), places);
    if (section == "Options:" && counts) places.push_back(with(verb, name));
    if (section == "Positionals:" && counts) places.push_back(positionals);
    if (section == "Positionals:") positionals.push_back(REPRISE_SOURCE_DIR);
  }
}

class WholeNumbers : public testing::Test {
 protected:
  static const std::vector<Words>& places() {
    static const std::vector<Words> all = [] {
      std::vector<Words> found;
      find_places({}, found);
      return found;
    }();
    return all;
  }
  static void expect_refused(const Words& arguments) {
    const Outcome outcome = run_reprise(arguments);
    const std::string line = testing::PrintToString(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << line << outcome.err;
    EXPECT_NE(outcome.err.find(arguments.back()), std::string::npos) << line << outcome.err;
    EXPECT_NE(outcome.err.find("error[usage]"), std::string::npos) << line << outcome.err;
  }
};

TEST_F(WholeNumbers, AreLookedForInEveryVerb) {
  const auto holds = [](const Words& place) { return std::count(places().begin(), places().end(), place) == 1; };
  EXPECT_TRUE(holds({"checkpoint", "prune", "--keep"}));
  EXPECT_TRUE(holds({"eval", "suite", "--pairs"}));
  EXPECT_TRUE(holds({"train", "--ranks"}));
  EXPECT_TRUE(holds({"data", "step-to-docs", REPRISE_SOURCE_DIR}));
}

TEST_F(WholeNumbers, BelowZeroAreRefusedByEveryFlagWithTheValue) {
  for (const Words& place : places()) expect_refused(with(place, "-1"));
}

TEST_F(WholeNumbers, BelowZeroAreRefusedBehindAnEqualsSignAndInAList) {
  const Outcome equals = run_reprise({"data", "dropped", REPRISE_SOURCE_DIR, "--limit=-7"});
  EXPECT_EQ(equals.exit_code, 2) << equals.err;
  EXPECT_NE(equals.err.find("-7 is not a whole number from 0 on"), std::string::npos) << equals.err;
  expect_refused({"checkpoint", "prune", REPRISE_SOURCE_DIR, "--keep", "8", "-16"});
}

TEST_F(WholeNumbers, ThatBeginWithZeroAreRefusedAsTheyWouldBeReadInAnotherBase) {
  expect_refused({"data", "dropped", REPRISE_SOURCE_DIR, "--limit", "010"});
  expect_refused({"checkpoint", "prune", REPRISE_SOURCE_DIR, "--keep", "8", "0x10"});
}

TEST_F(WholeNumbers, Beyond64BitsAreRefusedWithTheValue) {
  expect_refused({"data", "dropped", REPRISE_SOURCE_DIR, "--limit", "18446744073709551617"});
  expect_refused({"checkpoint", "prune", REPRISE_SOURCE_DIR, "--keep", "8", "18446744073709551617"});
}

TEST_F(WholeNumbers, OutOfRangeAreRefusedWithARangeOfWholeNumbers) {
  for (const Words& verb : {Words{"data", "dedup"}, Words{"data", "filter"}}) {
    const Outcome outcome = run_reprise(with(with(verb, "--max-line-bytes"), "0"));
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_NE(outcome.err.find("Value 0 not in range 1 to 1099511627776\n"), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace reprise::cli_test
