// A disk that fills up in the middle of a run: a clean error, nothing half written, and the run goes on afterwards.
// The limit on the file size (ulimit -f) fails as a full disk does: in the middle of a write.

#include <fmt/core.h>
#include <sys/resource.h>

#include "program.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

class FullDisk : public ProgramTest {};

Outcome run_with_file_limit(std::size_t bytes, const std::vector<std::string>& arguments) {
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit limit = before;
  limit.rlim_cur = bytes;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const Outcome outcome = run_reprise(arguments);
  ::setrlimit(RLIMIT_FSIZE, &before);
  return outcome;
}

TEST_F(FullDisk, StopsTrainingCleanlyAndTheRunGoesOnWhenThereIsSpaceAgain) {
  const auto run = folder_ / "run";
  copy_prepared_run(run);
  // Enough for logs and weights, not for a checkpoint with moments.
  const Outcome full =
      run_with_file_limit(200 << 10, {"train", small_config(), "--out", run.string(), "--threads", "1"});
  EXPECT_EQ(full.exit_code, 4) << full.err;
  EXPECT_NE(full.err.find("hint:"), std::string::npos) << full.err;
  EXPECT_NE(full.err.find("goes on with `reprise train --resume " + run.string()), std::string::npos) << full.err;
  if (std::filesystem::exists(run / "checkpoints")) {
    for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints")) {
      EXPECT_EQ(entry.path().filename().string().find("partial"), std::string::npos) << entry.path();
    }
  }
  const Outcome resumed = run_reprise({"train", "--resume", run.string(), "--threads", "1"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
}

}  // namespace
}  // namespace reprise::cli_test
