#include "whole_run.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

WholeRun make_whole_run() {
  const auto run = std::filesystem::temp_directory_path() / fmt::format("reprise_whole_{}", ::getpid());
  copy_prepared_run(run);
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome = run_reprise({"train", small_config(), "--out", run.string(), "--threads", "1"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  WholeRun whole;
  whole.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const checkpoints::CheckpointInfo& info : checkpoints::list_checkpoints(run / "checkpoints")) {
    whole.roots.push_back(info.root.hex());
    whole.file_roots[info.path.filename().string()] = info.root.hex();
  }
  whole.run_log = read_file(run / "run.log");
  std::filesystem::remove_all(run);
  return whole;
}

void expect_whole(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  try {
    const std::string root = checkpoints::read_checkpoint(path).info.root.hex();
    if (name.starts_with("step-")) {
      EXPECT_EQ(root, whole_run().file_roots.at(name)) << path;
    }
  } catch (const Error& error) {
    ADD_FAILURE() << name << " has its final name but is not whole: " << error.what();
  }
}

}  // namespace

const WholeRun& whole_run() {
  static const WholeRun whole = make_whole_run();
  return whole;
}

std::vector<std::string> ranks_flag(int ranks) { return {"--ranks", std::to_string(ranks), "--threads", "1"}; }

void expect_only_whole_checkpoints(const std::filesystem::path& run) {
  if (!std::filesystem::exists(run / "checkpoints")) return;
  for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints")) {
    if (!entry.path().filename().string().starts_with(".")) expect_whole(entry.path());
  }
}

void expect_resumes_to_the_whole_run(const std::filesystem::path& run, int ranks) {
  // A run without its recipe has not begun: it is started as if for the first time.
  const bool has_begun = std::filesystem::exists(run / "recipe.pbtxt");
  std::vector<std::string> words = has_begun ? std::vector<std::string>{"train", "--resume", run.string()}
                                             : std::vector<std::string>{"train", small_config(), "--out", run.string()};
  for (const std::string& flag : ranks_flag(ranks)) words.push_back(flag);
  const Outcome resumed = run_reprise(words);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(checkpoint_roots(run), whole_run().roots);
  EXPECT_EQ(read_file(run / "run.log"), whole_run().run_log);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(run)) {
    EXPECT_FALSE(entry.path().filename().string().ends_with(".partial")) << entry.path();
  }
}

int newest_checkpoint(const std::filesystem::path& run) {
  int newest = -1;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints", error)) {
    int step = 0;
    if (std::sscanf(entry.path().filename().c_str(), "step-%d.h5", &step) == 1) newest = std::max(newest, step);
  }
  return newest;
}

}  // namespace reprise::cli_test
