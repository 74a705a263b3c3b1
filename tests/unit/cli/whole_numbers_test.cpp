// What a flag that counts refuses. The flags are found in all verbs, so a new one is tested too.

#include <algorithm>

#include "commands.h"
#include "program.h"

namespace reprise::cli_test {
namespace {

using Words = std::vector<std::string>;

Words with(Words words, const std::string& more) {
  words.push_back(more);
  return words;
}

/// The program's command line, read in this process.
struct CommandLine {
  CommandLine() { app::add_verbs(parser, context); }
  CLI::App parser;
  app::Context context;
};

/// Appends the command lines that a whole number can follow, of `verb` and of the verbs below it.
void find_places(const CLI::App& verb, const Words& name, std::vector<Words>& places) {
  Words positionals = name;  // with a folder in the place of every one so far
  for (const CLI::Option* option : verb.get_options()) {
    const std::string type = option->get_type_name();
    const bool counts = type.starts_with("UINT") || type.starts_with("INT");
    if (counts) places.push_back(option->get_positional() ? positionals : with(name, option->get_name()));
    if (option->get_positional()) positionals.push_back(REPRISE_SOURCE_DIR);
  }
  for (const CLI::App* below : verb.get_subcommands([](const CLI::App*) { return true; })) {
    find_places(*below, with(name, below->get_name()), places);
  }
}

class WholeNumbers : public testing::Test {
 protected:
  static const std::vector<Words>& places() {
    static const std::vector<Words> all = [] {
      const CommandLine line;
      std::vector<Words> found;
      find_places(line.parser, {}, found);
      return found;
    }();
    return all;
  }
  static void expect_refused(const Words& arguments) {
    CommandLine line;
    try {
      line.parser.parse(Words(arguments.rbegin(), arguments.rend()));
      ADD_FAILURE() << "not refused: " << testing::PrintToString(arguments);
    } catch (const CLI::ParseError& error) {
      EXPECT_NE(std::string(error.what()).find(arguments.back()), std::string::npos)
          << testing::PrintToString(arguments) << error.what();
    }
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
  // By the program itself, with the exit code of a wrong command line.
  const Outcome equals = run_reprise({"data", "dropped", REPRISE_SOURCE_DIR, "--limit=-7"});
  EXPECT_EQ(equals.exit_code, 2) << equals.err;
  EXPECT_NE(equals.err.find("error[usage]"), std::string::npos) << equals.err;
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
