// Which files inputs name: lists, globs, and the endings that are known.

#include "reprise/configs/input_names.h"

#include <gmock/gmock.h>

#include <fstream>

#include "corpus_fixture.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class InputNames : public CorpusFixture {};

TEST_F(InputNames, ListsAndGlobsExpandToSortedNamesEachOnce) {
  for (const char* name : {"b.jsonl", "a.jsonl", "c.txt"}) std::ofstream(corpus_dir() / name) << "x";
  const std::string folder = corpus_dir().string() + "/";
  std::ofstream(folder_ / "list") << folder + "c.txt\n\n" + folder + "*.jsonl\r\n";
  const std::vector<std::string> patterns = {std::string("@").append((folder_ / "list").string()), folder + "a.jsonl"};
  EXPECT_THAT(expand_inputs(patterns), ElementsAre(folder + "a.jsonl", folder + "b.jsonl", folder + "c.txt"));
  const std::vector<std::string> none = {folder + "*.parquet"};
  EXPECT_THAT(error_of([&] { expand_inputs(none); }).what(), HasSubstr("no file matches"));
}

TEST_F(InputNames, AByteOrderMarkIsNoPartOfTheFirstNameOfAList) {
  std::ofstream(folder_ / "list", std::ios::binary) << "\uFEFFa.jsonl\n";
  EXPECT_THAT(expand_inputs(std::vector{"@" + (folder_ / "list").string()}), ElementsAre("a.jsonl"));
}

TEST_F(InputNames, ANameThatIsThereAsAFileIsNoGlob) {
  const std::string one = (corpus_dir() / "doc1.jsonl").string();
  const std::string brackets = (corpus_dir() / "doc[1].jsonl").string();
  const std::string list = (corpus_dir() / "list").string();
  for (const std::string& path : {one, brackets}) std::ofstream(path) << "\n";
  std::ofstream(list) << brackets << "\n";
  EXPECT_THAT(expand_inputs(std::vector<std::string>{one, brackets}), ElementsAre(one, brackets));
  EXPECT_THAT(expand_inputs(std::vector<std::string>{"@" + list}), ElementsAre(brackets));
  std::filesystem::remove(brackets);
  EXPECT_THAT(expand_inputs(std::vector<std::string>{brackets}), ElementsAre(one));
}

TEST_F(InputNames, AreThoseOfJsonLinesAndOfTextsAsTheyAreOrCompressed) {
  for (const char* name :
       {"a.jsonl", "a.ndjson.gz", "a.json", "c4-train.00000-of-01024.json.gz", "a.json.zst", "a.txt"}) {
    EXPECT_TRUE(configs::is_input_name(name)) << name;
  }
  for (const char* name : {"a.bz2", "a.xz", "a.json.bz2", "a.jsonl.zst.gz", "a.parquet", "json", "a.gz"}) {
    EXPECT_FALSE(configs::is_input_name(name)) << name;
  }
}

}  // namespace
}  // namespace reprise::data
