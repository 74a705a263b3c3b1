// How the verbs of `reprise checkpoint` find the files that are meant.

#include <charconv>

#include "checkpoint_verbs.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/core/error.h"
#include "reprise/core/shell_line.h"

namespace reprise::app {
namespace {

/// Before anything is said of what a name holds: it may be mistyped.
void require_exists(const std::filesystem::path& name, const char* hint) {
  REPRISE_REQUIRE(std::filesystem::exists(name), ErrorKind::kIo,
                  fmt::format("there is no file or folder {}", name.string()), hint);
}

}  // namespace

std::filesystem::path checkpoint_folder(const std::filesystem::path& run) {
  require_exists(run, "name a run's folder, such as runs/tiny, or a checkpoint file; --step N names a step of a run");
  const std::filesystem::path folder = run / "checkpoints";
  REPRISE_REQUIRE(std::filesystem::is_directory(folder), ErrorKind::kIo,
                  fmt::format("not a run: {} holds no folder checkpoints", run.string()),
                  "give the folder that `reprise train` or `reprise reproduce` wrote, such as runs/tiny");
  return folder;
}

std::filesystem::path checkpoint_file_of_step(const std::filesystem::path& run, std::uint64_t step) {
  const std::filesystem::path folder = checkpoint_folder(run);
  const std::optional<std::filesystem::path> file = checkpoints::find_step(folder, step);
  REPRISE_REQUIRE(file, ErrorKind::kCheckpoint,
                  fmt::format("no checkpoint is stored at step {}: {}", step, folder.string()),
                  fmt::format("`reprise checkpoint list {}` lists the steps", shell_line({run.string()})));
  checkpoints::require_name(checkpoints::read_info(*file));
  return *file;
}

std::optional<RunAndStep> run_and_step(const std::string& text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string::npos || at == 0) return std::nullopt;
  RunAndStep place{text.substr(0, at)};
  const char* const last = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + at + 1, last, place.step);
  if (parsed.ec != std::errc() || parsed.ptr != last) return std::nullopt;
  return place;
}

std::filesystem::path checkpoint_file(const std::string& text) {
  if (const std::optional<RunAndStep> place = run_and_step(text))
    return checkpoint_file_of_step(place->run, place->step);
  require_exists(
      text, "name one of a run's checkpoints, such as runs/tiny@128, the run's folder where all are meant, or a file");
  REPRISE_REQUIRE(std::filesystem::is_regular_file(text), ErrorKind::kUsage,
                  fmt::format("not a checkpoint: '{}'", text), "write RUN@STEP, such as runs/tiny@128");
  return text;
}

}  // namespace reprise::app
