// From a package file to shards through the program: `data assemble`, and `data build` of a config that assembles.

#include <fmt/core.h>

#include <cstdlib>
#include <fstream>

#include "program.h"
#include "reprise/core/files.h"
#include "reprise/core/hash.h"

namespace reprise::cli_test {
namespace {

using nlohmann::json;

constexpr int kNumDocuments = 40;

class AssembleVerb : public ProgramTest {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// A package of forty source files and a recipe of it.
  void write_package() const {
    make_folders(folder_ / "files/small-1");
    make_folders(folder_ / "packages");
    for (int i = 0; i < kNumDocuments; ++i) {
      std::ofstream file(folder_ / fmt::format("files/small-1/part{}.py", i));
      for (int line = 0; line < 12; ++line)
        file << fmt::format("value_{}_{} = function_{}({})\n", i, line, line, i * line);
    }
    const std::string pack = fmt::format("tar -C {} -czf {} small-1", path("files"), path("packages/small-1.tar.gz"));
    ASSERT_EQ(std::system(pack.c_str()), 0);
    write_recipe(sha256(std::string_view(read_file(folder_ / "packages/small-1.tar.gz"))).hex());
  }

  void write_recipe(const std::string& hash) const {
    write_file_atomically(folder_ / "recipe.tsv",
                          fmt::format("pypi.small\tpypi\tsmall\t1\tsmall-1.tar.gz\t{}\t0\t*.py\tcode\t"
                                      "Python\tMIT\t\n",
                                      hash));
  }

  std::vector<std::string> assemble(const std::string& out) const {
    return {"data",  "assemble", path("recipe.tsv"), "--packages", path("packages"),
            "--out", path(out),  "--json",           "--quiet"};
  }

  /// The small config with another corpus: assembled from the package, pinned by `listing`.
  std::string write_config(const std::string& listing) const {
    std::string text = read_file(small_config());
    const std::size_t begin = text.find("file {");
    const std::size_t end = text.find('\n', text.rfind("file {"));
    text.replace(begin, end - begin,
                 fmt::format("file {{ path: \"code/*.jsonl.zst\" kind: \"code\" sha256: \"{}\" }}", listing));
    const std::size_t runtime = text.find("runtime {");
    text = text.substr(0, runtime) +
           fmt::format("runtime {{ corpus_dir: \"{}\" assembly {{ recipe: \"{}\" package_dir: \"{}\" }} }}\n",
                       path("corpus"), path("recipe.tsv"), path("packages"));
    write_file_atomically(folder_ / "config.pbtxt", text);
    return path("config.pbtxt");
  }
};

TEST_F(AssembleVerb, ABuildAssemblesWhatItsConfigNames) {
  write_package();
  const Outcome assembled = run_reprise(assemble("apart"));
  ASSERT_EQ(assembled.exit_code, 0) << assembled.err;
  const json corpus = json::parse(assembled.out);
  EXPECT_EQ(corpus.at("sources").at(0).at("file"), "code/pypi.small.jsonl.zst");
  EXPECT_EQ(corpus.at("sources").at(0).at("documents"), kNumDocuments);
  const std::string config = write_config(corpus.at("listings").at("code/*.jsonl.zst"));
  const Outcome built = run_reprise({"data", "build", config, "--out", path("run"), "--json", "--quiet"});
  ASSERT_EQ(built.exit_code, 0) << built.err;
  const json result = json::parse(built.out);
  EXPECT_EQ(result.at("train").at("documents").get<int>() + result.at("held_out").at("documents").get<int>() +
                result.at("dropped").at("documents").get<int>(),
            kNumDocuments);
  const Outcome report = run_reprise({"data", "report", path("run"), "--json"});
  for (const json& row : json::parse(report.out).at("rows")) EXPECT_EQ(row.at("kind"), "code");
}

TEST_F(AssembleVerb, AMissingPackageIsNamedWithItsHashAndTheScriptThatFetchesIt) {
  write_recipe(std::string(64, 'a'));
  const Outcome outcome = run_reprise(assemble("out"));
  EXPECT_EQ(outcome.exit_code, 3);
  for (const std::string& word :
       {std::string("small-1.tar.gz"), std::string(64, 'a'), std::string("fetch_standard_corpus.sh")}) {
    EXPECT_NE(outcome.err.find(word), std::string::npos) << outcome.err;
  }
}

TEST_F(AssembleVerb, AConfigOfAnotherCorpusStopsTheBuild) {
  write_package();
  const Outcome built =
      run_reprise({"data", "build", write_config(std::string(64, 'b')), "--out", path("run"), "--quiet"});
  EXPECT_EQ(built.exit_code, 3);
  EXPECT_NE(built.err.find("corpus file differs from the recipe"), std::string::npos) << built.err;
}

}  // namespace
}  // namespace reprise::cli_test
