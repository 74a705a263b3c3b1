// tokenizer train, encode and decode on files. Expected ids: tests/unit/data_pipeline/tokenizer_kinds.json, made by
// tests/peers/make_tokenizer_kinds.py with Hugging Face tokenizers 0.23.3.

#include <cstring>

#include "program.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

using nlohmann::json;

class TokenizerFiles : public ProgramTest {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// Writes the tokenizer.json of the kind `name` and returns what the reference answers for it.
  json write_kind(const std::string& name) const {
    const json all = json::parse(read_file(REPRISE_SOURCE_DIR "/tests/unit/data_pipeline/tokenizer_kinds.json"));
    for (const json& kind : all.at("kinds")) {
      if (kind.at("name") != name) continue;
      json root = kind.at("root");
      root["model"] = all.at("models").at(kind.at("base").get<std::string>());
      root["model"].update(kind.at("options"));
      write_file_atomically(path("tokenizer.json"), root.dump());
      json answers = kind;
      answers["texts"] = all.at("texts");
      return answers;
    }
    ADD_FAILURE() << "no kind " << name;
    return {};
  }

  /// Ids of ids.npy, after its header of 128 bytes.
  std::vector<std::uint32_t> written_ids() const {
    const std::string file = read_file(path("ids.npy"));
    EXPECT_NE(file.find("'descr': '<u4'"), std::string::npos);
    std::vector<std::uint32_t> ids((file.size() - 128) / 4);
    std::memcpy(ids.data(), file.data() + 128, 4 * ids.size());
    return ids;
  }

  Outcome encode(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"tokenizer",  "encode", "--tokenizer",  path("tokenizer.json"),
                                          path("text"), "--out",  path("ids.npy")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_reprise(arguments);
  }
};

TEST_F(TokenizerFiles, AreEncodedToTheIdsOfTheReference) {
  const json answers = write_kind("llama3");
  std::size_t longest = 0;
  for (std::size_t k = 0; k < answers["texts"].size(); ++k) {
    const auto length = [&](std::size_t text) { return answers["texts"][text].get_ref<const std::string&>().size(); };
    if (length(k) > length(longest)) longest = k;
  }
  for (const std::size_t k : {std::size_t{0}, longest}) {
    write_file_atomically(path("text"), answers["texts"][k].get<std::string>());
    ASSERT_EQ(encode().exit_code, 0);
    EXPECT_EQ(written_ids(), answers["ids"][k].get<std::vector<std::uint32_t>>()) << answers["texts"][k];
    ASSERT_EQ(encode({"--as-text", "--threads", "2"}).exit_code, 0);
    EXPECT_EQ(written_ids(), answers["plain"][k].get<std::vector<std::uint32_t>>()) << answers["texts"][k];
  }
}

TEST_F(TokenizerFiles, TrainedHereEncodeAndDecodeAnyText) {
  const std::string text = "the cat's mat 123\r\n\r\n caf\xC3\xA9 <|endoftext|> the cats\n";
  write_file_atomically(path("text"), text);
  const Outcome trained = run_reprise({"tokenizer", "train", path("text"), "--vocab-size", "270", "--min-frequency",
                                       "1", "--pre-tokenizer", "olmo2", "--out", path("tokenizer.json")});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_NE(trained.out.find("entries      270"), std::string::npos) << trained.out;
  ASSERT_EQ(encode({"--as-text"}).exit_code, 0);
  const Outcome decoded = run_reprise({"tokenizer", "decode", "--tokenizer", path("tokenizer.json"), path("ids.npy")});
  EXPECT_EQ(decoded.exit_code, 0) << decoded.err;
  EXPECT_EQ(decoded.out, text);
}

TEST_F(TokenizerFiles, AreTrainedOnTheTextsOfJsonLines) {
  const std::string text = "a text of a few words, and a few words more";
  write_file_atomically(folder_ / "a.jsonl", json{{"id", "1"}, {"text", text}, {"source", "x"}}.dump() + "\n");
  write_file_atomically(folder_ / "a.txt", text);
  const auto trained_on = [&](const std::string& file) {
    return run_reprise({"tokenizer", "train", path(file), "--vocab-size", "270", "--out", path(file + ".json")});
  };
  EXPECT_EQ(trained_on("a.jsonl").exit_code, 0) << trained_on("a.jsonl").err;
  EXPECT_EQ(trained_on("a.txt").exit_code, 0);
  EXPECT_EQ(read_file(folder_ / "a.jsonl.json"), read_file(folder_ / "a.txt.json"));
  write_file_atomically(folder_ / "bad.jsonl", "{\"id\": \"1\", \"text\": \"x\"}\n{\"id\": \"2\"\n");
  const Outcome bad = trained_on("bad.jsonl");
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_NE(bad.err.find("bad.jsonl:2"), std::string::npos) << bad.err;
}

TEST_F(TokenizerFiles, WithAnUnsupportedPartAreRefusedByName) {
  write_kind("llama3");
  json root = json::parse(read_file(path("tokenizer.json")));
  root["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "[a-z]+";
  write_file_atomically(path("tokenizer.json"), root.dump());
  write_file_atomically(path("text"), "text");
  const Outcome outcome = encode();
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_NE(outcome.err.find("is an expression that is not known: \"[a-z]+\""), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find(path("tokenizer.json")), std::string::npos) << outcome.err;
}

TEST_F(TokenizerFiles, AreTakenFromAFolderThatHoldsOneAndTheFolderWithoutOneIsNamed) {
  write_kind("gpt2");
  EXPECT_EQ(run_reprise({"tokenizer", "show", folder_.string()}).exit_code, 0);
  std::filesystem::create_directories(folder_ / "empty");
  const Outcome outcome = run_reprise({"tokenizer", "show", path("empty")});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_NE(outcome.err.find("no tokenizer.json in " + path("empty") + ", nor in"), std::string::npos) << outcome.err;
}

TEST_F(TokenizerFiles, NeedAnOutputAndOneText) {
  write_kind("gpt2");
  write_file_atomically(path("a.jsonl"), "{\"id\":\"1\",\"text\":\"x\"}\n");
  EXPECT_EQ(run_reprise({"tokenizer", "encode", "--tokenizer", path("tokenizer.json"), path("a.jsonl"), "--out",
                         path("ids.npy")})
                .exit_code,
            3);
  write_file_atomically(path("text"), "text");
  EXPECT_EQ(run_reprise({"tokenizer", "encode", "--tokenizer", path("tokenizer.json"), path("text")}).exit_code, 2);
  EXPECT_EQ(run_reprise({"tokenizer", "encode", path("tokenizer.json"), "text", "--out", path("ids.npy")}).exit_code,
            2);
  EXPECT_EQ(run_reprise({"tokenizer", "decode", "--tokenizer", path("tokenizer.json"), path("text")}).exit_code, 3);
}

}  // namespace
}  // namespace reprise::cli_test
