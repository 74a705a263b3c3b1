// The embedded corpus against programs that share no code with ours, where REPRISE_PEERS_PYTHON names a Python.

#include <cstdlib>

#include "corpus_fixture.h"
#include "reprise/configs/config.h"
#include "reprise/core/files.h"

namespace reprise::data {
namespace {

class CorpusPeers : public CorpusFixture {
 protected:
  void SetUp() override {
    CorpusFixture::SetUp();
    const char* python = std::getenv("REPRISE_PEERS_PYTHON");
    if (python == nullptr) GTEST_SKIP() << "REPRISE_PEERS_PYTHON is not set";
    python_ = python;
  }

  int run(const std::string& script_and_arguments) const {
    return std::system((python_ + " " REPRISE_SOURCE_DIR "/" + script_and_arguments).c_str());
  }

  std::string python_;
};

TEST_F(CorpusPeers, JudgeEveryDocumentOfTinyAlike) {
  const auto config = configs::load_config(REPRISE_SOURCE_DIR "/configs/runs/tiny.pbtxt");
  BuildOptions options;
  options.corpus_dir = REPRISE_SOURCE_DIR "/corpora/tiny";
  options.output_dir = run_dir();
  build_corpus(config.recipe().data(), options, no_progress());
  std::string disabled;
  for (const auto& filter : config.recipe().data().filter()) {
    for (const std::string& part : filter.disable()) disabled += " " + part;
  }
  EXPECT_EQ(run("tests/peers/check_documents.py " + options.corpus_dir.string() + " " + run_dir().string() + disabled),
            0);
}

TEST_F(CorpusPeers, DescribeTheCorpusAsItsReadmeDoes) {
  const std::string page = (folder_ / "README.md").string();
  ASSERT_EQ(run("scripts/describe_corpus.py " REPRISE_SOURCE_DIR "/corpora/tiny > " + page), 0);
  EXPECT_EQ(read_file(page), read_file(REPRISE_SOURCE_DIR "/corpora/tiny/README.md"));
}

}  // namespace
}  // namespace reprise::data
