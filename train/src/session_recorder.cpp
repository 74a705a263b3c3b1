#include "session_recorder.h"

#include <unistd.h>

#include <array>

#include "gather.h"
#include "reprise/core/error.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/numerics/target.h"

namespace reprise::train {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("unknown");
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Where a rank runs, as it tells rank 0.
struct RankPlace {
  std::array<char, 256> host{};
  std::array<char, 16> target{};
  std::array<char, 256> device{};
  std::int64_t num_threads = 0;
  std::int64_t process = 0;
};

template <std::size_t N>
void copy_text(std::string_view text, std::array<char, N>& to) {
  text.copy(to.data(), N - 1);
}

}  // namespace

SessionRecorder::SessionRecorder(const std::filesystem::path& path, const SessionStart& start,
                                 dist::Communicator& communicator)
    : model_flops_per_token_(start.model_flops_per_token) {
  if (communicator.rank() == 0) {
    log_.emplace(path);
    logs::SessionEvent event;
    event.kind = start.resumed ? logs::SessionEvent::Kind::kResume : logs::SessionEvent::Kind::kStart;
    event.step = start.step;
    event.message = start.resumed ? "resumed from " + start.from : "started";
    event.facts["host"] = host_name();
    event.facts["kernel_target"] = std::string(numerics::to_string(numerics::active_target()));
    event.facts["device"] = start.device;
    event.facts["compiler"] = __VERSION__;
    event.facts["backend"] = std::string(communicator.backend());
    if (!start.exchange.empty()) event.facts["exchange"] = start.exchange;
    if (!start.parent.empty()) event.facts["parent"] = start.parent;
    if (!start.program.version.empty()) event.facts["version"] = start.program.version;
    if (!start.program.commit.empty()) event.facts["commit"] = start.program.commit;
    event.facts["command_line"] = joined(start.program.command_line);
    event.figures["num_ranks"] = communicator.size();
    event.figures["num_threads"] = start.num_threads;
    event.figures["num_grains"] = static_cast<double>(start.num_grains);
    event.figures["model_flops_per_token"] = start.model_flops_per_token;
    log_->append(event);
  }
  write_ranks(start, communicator);
}

void SessionRecorder::write_ranks(const SessionStart& start, dist::Communicator& communicator) {
  RankPlace mine;
  copy_text(host_name(), mine.host);
  copy_text(numerics::to_string(numerics::active_target()), mine.target);
  copy_text(start.device, mine.device);
  mine.num_threads = start.num_threads;
  mine.process = ::getpid();
  Message message;
  message.put(mine);
  const std::vector<std::size_t> sizes(static_cast<std::size_t>(communicator.size()), sizeof(RankPlace));
  std::vector<Message> all = gather_messages(communicator, message, sizes);
  if (!log_) return;
  const std::int64_t most_grains = dist::most_leaves_of_a_rank(start.num_grains, communicator.size());
  for (int rank = 0; rank < communicator.size(); ++rank) {
    const auto place = all[static_cast<std::size_t>(rank)].take<RankPlace>();
    const dist::LeafRange leaves = dist::leaves_of_rank(start.num_grains, rank, communicator.size());
    logs::SessionEvent event;
    event.kind = logs::SessionEvent::Kind::kRank;
    event.step = start.step;
    event.message = fmt::format("rank {} runs grains [{}, {}) of every step", rank, leaves.begin, leaves.end);
    event.facts["host"] = place.host.data();
    event.facts["kernel_target"] = place.target.data();
    event.facts["device"] = place.device.data();
    event.figures["rank"] = rank;
    event.figures["first_grain"] = static_cast<double>(leaves.begin);
    event.figures["num_grains"] = static_cast<double>(leaves.size());
    event.figures["most_grains_allowed"] = static_cast<double>(most_grains);
    event.figures["num_threads"] = static_cast<double>(place.num_threads);
    event.figures["process"] = static_cast<double>(place.process);
    log_->append(event);
  }
}

void SessionRecorder::step(const StepOutcome& outcome, const SideSeconds& side) {
  if (!log_) return;
  ++steps_;
  tokens_ += outcome.record.num_targets;
  figures_.step = outcome.record.step;
  figures_.figures["loss"] = outcome.record.loss;
  figures_.figures["compute_seconds"] += outcome.compute_seconds;
  figures_.figures["exchange_seconds"] += outcome.exchange_seconds;
  figures_.figures["update_seconds"] += outcome.update_seconds;
  for (std::size_t rank = 0; rank < outcome.bytes_sent.size(); ++rank) {
    figures_.figures[fmt::format("bytes_sent_rank_{}", rank)] = static_cast<double>(outcome.bytes_sent[rank]);
  }
  for (std::size_t rank = 0; rank < outcome.peak_memory.size(); ++rank) {
    figures_.figures[fmt::format("peak_memory_bytes_rank_{}", rank)] = static_cast<double>(outcome.peak_memory[rank]);
  }
  side_ = side;
  if (steps_ == kStepsPerEvent) write_figures();
}

void SessionRecorder::write_figures() {
  if (!log_ || steps_ == 0) return;
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - last_event_).count();
  figures_.kind = logs::SessionEvent::Kind::kStep;
  figures_.figures["steps"] = static_cast<double>(steps_);
  figures_.figures["seconds"] = seconds;
  figures_.figures["tokens_per_second"] = static_cast<double>(tokens_) / seconds;
  figures_.figures["model_gflops_per_second"] = model_flops_per_token_ * static_cast<double>(tokens_) / seconds * 1e-9;
  figures_.figures["data_seconds"] = side_.data - side_then_.data;
  figures_.figures["checkpoint_wait_seconds"] = side_.checkpoint_wait - side_then_.checkpoint_wait;
  figures_.figures["checkpoint_seconds"] = side_.checkpoint_write - side_then_.checkpoint_write;
  log_->append(figures_);
  figures_ = {};
  side_then_ = side_;
  steps_ = 0;
  tokens_ = 0;
  last_event_ = now;
}

void SessionRecorder::checkpoint(std::uint64_t step, const Digest& root, const std::string& file) {
  if (!log_) return;
  logs::SessionEvent event;
  event.kind = logs::SessionEvent::Kind::kCheckpoint;
  event.step = step;
  event.message = file;
  event.facts["root"] = root.hex();
  log_->append(event);
}

void SessionRecorder::signal(std::uint64_t step, int signal_number, const std::string& file) {
  if (!log_) return;
  logs::SessionEvent event;
  event.kind = logs::SessionEvent::Kind::kSignal;
  event.step = step;
  event.message = "stopped by a signal; resumable from " + file;
  event.figures["signal"] = signal_number;
  log_->append(event);
}

void SessionRecorder::end(std::uint64_t step, double seconds, double tokens_per_second) {
  if (!log_) return;
  write_figures();
  logs::SessionEvent event;
  event.kind = logs::SessionEvent::Kind::kEnd;
  event.step = step;
  event.message = "ended";
  event.figures["seconds"] = seconds;
  event.figures["tokens_per_second"] = tokens_per_second;
  log_->append(event);
}

void SessionRecorder::failure(std::uint64_t step, const std::string& message) noexcept {
  if (!log_) return;
  try {
    logs::SessionEvent event;
    event.kind = logs::SessionEvent::Kind::kEnd;
    event.step = step;
    event.message = "failed: " + message;
    log_->append(event);
  } catch (const std::exception&) {
    // The failure itself is on its way to the caller and matters more than this note.
  }
}

}  // namespace reprise::train
