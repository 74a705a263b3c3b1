// The verbs of `reprise data` that look at documents, through the program.

#include <fmt/core.h>

#include <fstream>
#include <map>

#include "program.h"
#include "reprise/core/files.h"
#include "reprise/core/folder_lock.h"

namespace reprise::cli_test {
namespace {

using nlohmann::json;

const std::string kStory =
    "It was a bright cold day in April, and the clocks in the tower of the old town were striking the hour while "
    "people "
    "with baskets and umbrellas crossed the square that lies between the river and the market hall of the guild.";

class DataVerbs : public ProgramTest {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::string write_documents(const std::string& name, const std::vector<std::string>& texts) const {
    std::ofstream file(folder_ / name, std::ios::binary);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      file << json{{"id", fmt::format("{}-{}", name, i)},
                   {"text", texts[i]},
                   {"source", "test"},
                   {"metadata", {{"lang", "en"}, {"kind", "natural"}, {"license", "CC0-1.0"}}}}
                  .dump()
           << "\n";
    }
    return path(name);
  }

  static json json_of(const Outcome& outcome) {
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return json::parse(outcome.out, nullptr, false);
  }
};

TEST_F(DataVerbs, StepsAndDocumentsNameEachOther) {
  copy_prepared_run(folder_ / "run");
  const std::vector<std::string> config = {"--config", small_config()};
  const auto with_config = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), config.begin(), config.end());
    return run_reprise(arguments);
  };
  const json batch = json_of(with_config({"data", "step-to-docs", path("run"), "3", "--json"}));
  const json sample = batch.at("samples").at(1);
  const std::string id = sample.at("documents").at(0).at("id");
  const json visits = json_of(with_config({"data", "doc-to-steps", path("run"), id, "--json"})).at("visits");
  bool found = false;
  for (const json& visit : visits) found |= visit.at("step") == 3 && visit.at("sample") == 1;
  EXPECT_TRUE(found) << visits.dump();
  const Outcome shown = with_config({"data", "show", path("run"), "--step", "3", "--sample", "1"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_NE(shown.out.find(id), std::string::npos);
}

TEST_F(DataVerbs, ADocumentThatNoStepReadsIsExplained) {
  copy_prepared_run(folder_ / "run");
  const json dropped = json_of(run_reprise({"data", "dropped", path("run"), "--limit", "1", "--json"}));
  const Outcome outcome =
      run_reprise({"data", "doc-to-steps", path("run"), dropped.at("id"), "--config", small_config()});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.out.find("dropped by " + dropped.at("rule").get<std::string>()), std::string::npos) << outcome.out;
}

TEST_F(DataVerbs, RecountAgreesWithABuildAndNamesWhatWasChanged) {
  copy_prepared_run(folder_ / "run");
  const std::vector<std::string> arguments = {"data", "recount", path("run"), "--config", small_config()};
  EXPECT_EQ(run_reprise(arguments).exit_code, 0);
  // Other documents in the place of the kept ones.
  std::filesystem::copy_file(folder_ / "run/data/held_out.jsonl.zst", folder_ / "run/data/train.jsonl.zst",
                             std::filesystem::copy_options::overwrite_existing);
  const Outcome changed = run_reprise(arguments);
  EXPECT_EQ(changed.exit_code, 4);
  EXPECT_NE(changed.out.find("DIFFERS rows:"), std::string::npos) << changed.out << changed.err;
}

TEST_F(DataVerbs, WithoutARecipeTheHintNamesTheOption) {
  copy_prepared_run(folder_ / "run");
  std::filesystem::remove(folder_ / "run/recipe.pbtxt");
  const Outcome outcome = run_reprise({"data", "card", path("run")});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("--config CONFIG"), std::string::npos) << outcome.err;
}

TEST_F(DataVerbs, FilterExplainsEveryRuleOfAPreset) {
  const std::string file = write_documents("a.jsonl", {kStory, "short"});
  const Outcome outcome = run_reprise({"data", "filter", "--preset", "gopher-paper", "--explain", file});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* word : {"gopher_word_count", "a.jsonl-0", "a.jsonl-1"}) {
    EXPECT_NE(outcome.out.find(word), std::string::npos) << word << "\n" << outcome.out;
  }
  const Outcome wrong = run_reprise({"data", "filter", "--preset", "gopher-papr", file});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_NE(wrong.err.find("gopher-paper"), std::string::npos) << wrong.err;
}

TEST_F(DataVerbs, FilterRefusesAShareOfALanguageThatNoTextCanHave) {
  const std::string file = write_documents("a.jsonl", {kStory});
  for (const std::string share : {"7", "-0.5", "nan"}) {
    const Outcome outcome = run_reprise({"data", "filter", "--preset", "gopher-paper", "--min-share=" + share, file});
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_NE(outcome.err.find("--min-share must be from 0 to 1, is " + share), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(DataVerbs, DedupDropsANearDuplicateWhateverTheOrderOfFiles) {
  const std::string a = write_documents("a.jsonl", {kStory});
  const std::string b = write_documents("b.jsonl", {kStory + " Indeed.",
                                                    "Nothing like the other text at all, but long enough to "
                                                    "have a few words of its own to compare with."});
  const json one = json_of(run_reprise({"data", "dedup", a, b, "--out", path("one"), "--json", "--quiet"}));
  const json other = json_of(run_reprise({"data", "dedup", b, a, "--out", path("other"), "--json", "--quiet"}));
  EXPECT_EQ(one.at("kept").at("documents"), 2);
  EXPECT_EQ(one.at("dropped").at("documents"), 1);
  EXPECT_EQ(one, other);
  EXPECT_EQ(read_file(folder_ / "one/kept.jsonl.zst"), read_file(folder_ / "other/kept.jsonl.zst"));
  EXPECT_EQ(read_file(folder_ / "one/dropped.jsonl.zst"), read_file(folder_ / "other/dropped.jsonl.zst"));
}

TEST_F(DataVerbs, DecontaminateNamesTheExampleThatADocumentShares) {
  std::ofstream(folder_ / "exam.txt")
      << "an unrelated question about the height of mountains and the depth of seas in metres "
         "please\n"
      << kStory << "\n";
  const std::string file =
      write_documents("a.jsonl", {"Once. " + kStory, "Another text, which shares nothing with it."});
  const Outcome outcome = run_reprise(
      {"data", "decontaminate", "--against", path("exam.txt"), file, "--out", path("clean"), "--json", "--quiet"});
  EXPECT_EQ(json_of(outcome).at("dropped").at("documents"), 1);
  const json examples = json::parse(read_file(folder_ / "clean/contamination.json")).at("examples");
  ASSERT_EQ(examples.size(), 1u);
  EXPECT_EQ(examples[0].at("task"), "exam");
  EXPECT_EQ(examples[0].at("example"), 2);
  EXPECT_EQ(examples[0].at("first_ids"), json::array({"a.jsonl-0"}));
}

TEST_F(DataVerbs, ThatWriteToAFolderKeepOthersOutOfIt) {
  const std::string file = write_documents("a.jsonl", {kStory});
  std::filesystem::create_directories(folder_ / "out");
  const FolderLock somebody(folder_ / "out");
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"dedup", file},
                                               {"decontaminate", "--against", file, file},
                                               {"build", small_config()}}) {
    std::vector<std::string> arguments = {"data"};
    arguments.insert(arguments.end(), verb.begin(), verb.end());
    arguments.insert(arguments.end(), {"--out", path("out"), "--quiet"});
    const Outcome outcome = run_reprise(arguments);
    EXPECT_EQ(outcome.exit_code, 4) << outcome.err;
    EXPECT_NE(outcome.err.find("out is in use by another process"), std::string::npos) << outcome.err;
    EXPECT_TRUE(std::filesystem::is_empty(folder_ / "out"));
  }
}

TEST_F(DataVerbs, DoNotReplaceTheDataOfARunByOtherData) {
  copy_prepared_run(folder_ / "run");
  ASSERT_EQ(run_reprise({"train", small_config(), "--out", path("run"), "--quiet"}).exit_code, 0);
  const std::string tokenizer = read_file(folder_ / "run/tokenizer/tokenizer.json");
  for (const auto& [setting, part] : std::map<std::string, std::string>{
           {"data.held_out_fraction=0.5", "recipe.data"}, {"tokenizer.vocab_size=400", "recipe.tokenizer"}}) {
    const Outcome other = run_reprise({"data", "build", small_config(), "--set", setting, "--out", path("run")});
    EXPECT_EQ(other.exit_code, 4) << other.err;
    EXPECT_NE(other.err.find("run holds a run with other data: " + part + " differs"), std::string::npos) << other.err;
  }
  std::ofstream(folder_ / "other.json") << tokenizer << "\n";
  EXPECT_EQ(
      run_reprise({"data", "build", small_config(), "--tokenizer", path("other.json"), "--out", path("run")}).exit_code,
      4);
  EXPECT_EQ(run_reprise({"data", "build", small_config(), "--out", path("run"), "--quiet"}).exit_code, 0);
  EXPECT_EQ(read_file(folder_ / "run/tokenizer/tokenizer.json"), tokenizer);
  EXPECT_EQ(run_reprise({"checkpoint", "verify", path("run")}).exit_code, 0);
}

TEST_F(DataVerbs, ABuildNamesEveryFileThatItAcceptedOnce) {
  std::filesystem::create_directories(folder_ / "corpus");
  std::filesystem::copy_file(std::filesystem::path(small_config()).parent_path() / "small.jsonl",
                             folder_ / "corpus/small.jsonl");
  std::ofstream(folder_ / "corpus/small.jsonl", std::ios::app) << "\n";
  std::ofstream(folder_ / "corpus/urls.txt") << "bad.example\n";
  const Outcome outcome =
      run_reprise({"data", "build", small_config(), "--set", "runtime.corpus_dir=" + path("corpus"), "--set",
                   R"(data.url_list=[{path: "urls.txt" kind: "domains" sha256: ")" + std::string(64, '0') + R"("}])",
                   "--accept-changed-corpus", "--json", "--out", path("run")});
  EXPECT_EQ(json_of(outcome).at("mismatched_files"), json::array({"small.jsonl", "urls.txt"}));
  for (const char* file : {"small.jsonl", "urls.txt"}) {
    const std::string warning = fmt::format("warning: {} is not the file the recipe names", file);
    EXPECT_NE(outcome.err.find(warning), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find(warning), outcome.err.rfind(warning)) << outcome.err;
  }
}

TEST_F(DataVerbs, LabelsOfAConfigAreWhatABuildOfItReads) {
  const Outcome labelled =
      run_reprise({"data", "label", small_config(), "--out", path("labels.jsonl"), "--json", "--quiet"});
  if (labelled.exit_code == 5) GTEST_SKIP() << labelled.err;  // built without CLD2
  const std::string hash = json_of(labelled).at("sha256");
  const auto build = [&](const std::string& run, const std::string& digest) {
    return run_reprise({"data", "build", small_config(), "--set", "data.languages.path=" + path("labels.jsonl"),
                        "--set", "data.languages.sha256=" + digest, "--set", "data.languages.keep=xx", "--set",
                        "data.languages.keep=en", "--out", path(run), "--quiet"});
  };
  const Outcome built = build("run", hash);
  ASSERT_EQ(built.exit_code, 0) << built.err;
  const json report = json::parse(read_file(folder_ / "run" / "data" / "report.json"));
  EXPECT_GT(report.at("by_rule").at("language").at("dropped").at("documents"), 0);
  EXPECT_FALSE(report.at("by_lang").at("en").at("train").empty());
  const Outcome other = build("other", std::string(64, '0'));
  EXPECT_EQ(other.exit_code, 3) << other.err;
  EXPECT_NE(other.err.find("labels.jsonl"), std::string::npos) << other.err;
}

TEST_F(DataVerbs, LabelsNeedADetectorAndAModelThatBelongTogether) {
  const Outcome outcome = run_reprise({"data", "label", small_config(), "--out", path("l"), "--detector", "fasttext"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("--model FILE"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace reprise::cli_test
