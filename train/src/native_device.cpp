#include "native_device.h"

#include <fmt/format.h>

#include <vector>

#include "gather.h"
#include "reprise/configs/profile.h"
#include "reprise/core/error.h"
#include "reprise/logs/session_log.h"
#include "run_folder.h"

namespace reprise::train {
namespace {

/// Of the last session that has one; empty without any.
std::string device_of_last_session(const std::filesystem::path& session_log) {
  std::string device;
  if (!std::filesystem::exists(session_log)) return device;
  using Kind = logs::SessionEvent::Kind;
  for (const logs::SessionEvent& event : logs::read_intact_events(session_log)) {
    if (event.kind != Kind::kStart && event.kind != Kind::kResume) continue;
    if (const auto found = event.facts.find("device"); found != event.facts.end()) device = found->second;
  }
  return device;
}

}  // namespace

std::filesystem::path log_of_device(const TrainOptions& options) {
  if (!options.resume) return {};
  return options.device_log.empty() ? RunFolder(options.run_dir).session_log() : options.device_log;
}

void expect_one_kind_of_device(const configs::Recipe& recipe, const std::string& description,
                               const std::filesystem::path& session_log, dist::Communicator& communicator) {
  if (!configs::is_native(recipe)) return;
  Message mine;
  mine.put(std::span<const char>(description));
  const std::vector<Message> all = gather_messages(communicator, mine);
  on_first_rank(communicator, [&] {
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
      const auto* const text = reinterpret_cast<const char*>(all[rank].bytes().data());
      const std::string theirs(text, all[rank].bytes().size());
      REPRISE_REQUIRE(
          theirs == description, ErrorKind::kDevice,
          fmt::format("rank 0 computes on {}, rank {} on {}: under native their bits differ", description, rank,
                      theirs),
          "give every rank the same model of GPU, or CPUs with the same LibTorch kernels, and the same LibTorch");
    }
    const std::string before = device_of_last_session(session_log);
    // Older sessions wrote less: of a CPU only that it is one, of a GPU no multiprocessors.
    const bool fits = before.empty() || before == description || description.starts_with(before + ", ");
    REPRISE_REQUIRE(fits, ErrorKind::kCheckpoint,
                    fmt::format("{}: this run was computed on {}, not on {}: under native its bits would change",
                                session_log.string(), before, description),
                    "compute with the device and LibTorch it had (runtime.device, or --device), or fork the run "
                    "(docs/reference/forks.md)");
    return std::string();
  });
}

}  // namespace reprise::train
