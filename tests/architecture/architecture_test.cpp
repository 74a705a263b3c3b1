// The layout as a rule: who may include whom, how long a file may be, which folders git must hold, which decision
// records configs cite.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
const fs::path kRoot = REPRISE_SOURCE_DIR;

const std::set<std::string> kLibraries = {"core",  "configs", "logs",  "data_pipeline", "numerics", "ops",  "native_ops",
                                          "model", "conformance",
                                          "dist",  "checkpoints", "train", "eval",      "audit"};

/// What each library may include besides itself; indirect uses are named too, so that a short cut shows.
const std::map<std::string, std::set<std::string>> kMayUse = {
    {"core", {}},
    {"configs", {"core"}},
    {"logs", {"core"}},
    {"dist", {"core"}},
    {"numerics", {"core"}},
    {"data_pipeline", {"configs", "core"}},
    {"ops", {"numerics", "core"}},
    {"native_ops", {"ops", "numerics", "core"}},
    {"model", {"ops", "native_ops", "numerics", "configs", "core"}},
    {"conformance", {"ops", "native_ops", "numerics", "core"}},  // and the passes of model/src, which have no configs
    {"checkpoints", {"dist", "configs", "core"}},
    {"train", {"model", "native_ops", "checkpoints", "dist", "data_pipeline", "numerics", "logs", "configs", "core"}},
    {"eval", {"model", "checkpoints", "data_pipeline", "numerics", "logs", "configs", "core"}},
    {"audit", {"train", "eval", "model", "checkpoints", "dist", "data_pipeline", "numerics", "logs", "configs", "core"}},
};

fs::path folder_of(const std::string& library) {
  if (library == "numerics") return kRoot / "numerics" / "kernels";
  if (library == "ops" || library == "native_ops") return kRoot / "numerics" / library;
  return kRoot / library;
}

std::vector<fs::path> sources_below(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".cpp" || extension == ".h" || extension == ".cu") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(Architecture, LibrariesIncludeOnlyWhatTheyMayUse) {
  const std::regex include(R"(#include [<"]reprise/([a-z_]+)/)");
  for (const auto& [library, allowed] : kMayUse) {
    for (const fs::path& file : sources_below(folder_of(library))) {
      for (const std::string& line : lines_of(file)) {
        std::smatch match;
        if (!std::regex_search(line, match, include)) continue;
        const std::string used = match[1];
        EXPECT_TRUE(used == library || allowed.contains(used)) << file << " includes " << used;
      }
    }
  }
}

TEST(Architecture, OnlyOpsAndModelIncludeLibTorch) {
  const std::regex torch(R"(#include [<"](torch|ATen|c10)/)");
  for (const std::string& library : kLibraries) {
    if (library == "ops" || library == "native_ops" || library == "model" || library == "conformance") continue;
    for (const fs::path& file : sources_below(folder_of(library))) {
      for (const std::string& line : lines_of(file)) EXPECT_FALSE(std::regex_search(line, torch)) << file << ": " << line;
    }
  }
}

// Transport moves bytes: a library that adds would choose the order.
TEST(Architecture, TransportCallsNoReductionOfMpiOrNccl) {
  const std::regex reduction(R"(MPI_I?(Reduce|Allreduce|Scan|Exscan)|nccl(AllReduce|Reduce|RedOp))");
  int files = 0;
  for (const std::string& library : kLibraries) {
    for (const fs::path& file : sources_below(folder_of(library))) {
      ++files;
      for (const std::string& line : lines_of(file)) {
        EXPECT_FALSE(std::regex_search(line, reduction)) << file << ": " << line;
      }
    }
  }
  EXPECT_GT(files, 100);
}

TEST(Architecture, PublicHeadersHoldNoConditionalCompilation) {
  for (const std::string& library : kLibraries) {
    for (const fs::path& file : sources_below(folder_of(library) / "include")) {
      for (const std::string& line : lines_of(file)) EXPECT_FALSE(line.rfind("#if", 0) == 0) << file << ": " << line;
    }
  }
}

TEST(Architecture, FilesStayUnderFourHundredLines) {
  for (const char* folder : {"core", "configs", "logs", "data_pipeline", "numerics", "model", "conformance", "dist", "checkpoints", "train",
                             "eval", "audit", "app", "tests"}) {
    for (const fs::path& file : sources_below(kRoot / folder)) {
      if (file.filename().string().find("tables") != std::string::npos) continue;
      EXPECT_LE(lines_of(file).size(), 400u) << file;
    }
  }
}

TEST(Architecture, NoFileIsCalledAfterNothing) {
  const std::regex vague("(^|_)(utils?|helpers?|common|misc)(_|\\.)");
  for (const char* folder : {"core", "configs", "logs", "data_pipeline", "numerics", "model", "conformance", "dist", "checkpoints", "train",
                             "eval", "audit", "app"}) {
    for (const fs::path& file : sources_below(kRoot / folder)) {
      EXPECT_FALSE(std::regex_search(file.filename().string(), vague)) << file;
    }
  }
}

TEST(Architecture, EveryLibraryHasAShortReadme) {
  for (const std::string& library : kLibraries) {
    const fs::path readme = folder_of(library) / "README.md";
    ASSERT_TRUE(fs::exists(readme)) << readme;
    EXPECT_LE(lines_of(readme).size(), 40u) << readme;
  }
}

// .gitignore templates ignore exactly these names; here they are source folders.
TEST(Architecture, ReadmesRunTestsFromTheRootOfTheCheckout) {
  const std::regex without_folder("`ctest -[LR]");
  for (const std::string& library : kLibraries) {
    for (const std::string& line : lines_of(folder_of(library) / "README.md")) {
      EXPECT_FALSE(std::regex_search(line, without_folder)) << library << ": name the build folder: " << line;
    }
  }
}

TEST(Architecture, ScriptsThatNameTheirInterpreterCanBeRun) {
  for (const char* folder : {"benchmarks", "scripts", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".py" && extension != ".sh") continue;
      const std::vector<std::string> lines = lines_of(entry.path());
      if (lines.empty() || !lines.front().starts_with("#!")) continue;
      EXPECT_NE(entry.status().permissions() & fs::perms::owner_exec, fs::perms::none) << entry.path();
    }
  }
}

TEST(Architecture, GitHoldsTheLogsAndCheckpointsFolders) {
  if (!fs::exists(kRoot / ".git")) GTEST_SKIP() << "not a git checkout";
  for (const char* folder : {"logs", "checkpoints"}) {
    const std::string command = "git -C '" + kRoot.string() + "' ls-files --error-unmatch " + folder + " > /dev/null 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << folder << " is not tracked";
  }
}

TEST(Architecture, ConfigsCiteDecisionRecordsThatExist) {
  const std::regex citation(R"((\d{4}-[a-z0-9-]+\.md))");
  int cited = 0;
  for (const auto& entry : fs::directory_iterator(kRoot / "configs" / "runs")) {
    if (entry.path().extension() != ".pbtxt") continue;
    for (const std::string& line : lines_of(entry.path())) {
      for (auto it = std::sregex_iterator(line.begin(), line.end(), citation); it != std::sregex_iterator(); ++it) {
        EXPECT_TRUE(fs::exists(kRoot / "docs" / "decisions" / (*it)[1].str())) << entry.path() << " cites " << (*it)[1];
        ++cited;
      }
    }
  }
  EXPECT_GT(cited, 0);
}

TEST(Architecture, ReadmePrintsThePublishedRoot) {
  std::string published;
  for (const std::string& line : lines_of(kRoot / "configs" / "runs" / "tiny.published.json")) {
    std::smatch match;
    if (std::regex_search(line, match, std::regex(R"re("root": "([0-9a-f]{64})")re"))) published = match[1];
  }
  ASSERT_EQ(published.size(), 64u);
  const std::vector<std::string> readme = lines_of(kRoot / "README.md");
  EXPECT_TRUE(std::any_of(readme.begin(), readme.end(),
                          [&](const std::string& line) { return line.find("root=" + published) != std::string::npos; }));
}

}  // namespace
