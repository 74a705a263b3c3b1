// reprise log show --follow

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "log_lines.h"
#include "log_verbs.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/print_note.h"
#include "reprise/core/stop.h"
#include "reprise/logs/follow.h"
#include "standard_output.h"

namespace reprise::app {
namespace {

constexpr std::chrono::milliseconds kPause{200};

/// Calls `poll` until it says that the run is at its end, or a signal comes.
template <typename Poll>
void until_the_end(Context& context, const Poll& poll) {
  const StopHandlers handlers;
  while (!poll()) {
    flush_standard_output();
    std::this_thread::sleep_for(kPause);
    if (stop_signal() == 0) continue;
    context.status = 128 + stop_signal();
    break;
  }
  flush_standard_output();
}

std::uint64_t num_steps_of(const logs::RunHeader& header) {
  return configs::parse_config(header.recipe_text, "run.log").recipe().train().num_steps();
}

/// Prints the records of a run.log; knows when the run has ended.
class RunPrinter {
 public:
  explicit RunPrinter(std::size_t tail) : tail_(tail) {}

  /// Returns true behind the checkpoint of the last step.
  bool print(const logs::RunLogFollower::News& news) {
    if (news.cut) print_note("the log was cut back: a resume makes the steps again that are not stored\n");
    if (news.another) print_note("the log is that of another run now\n");
    const std::size_t steps =
        static_cast<std::size_t>(std::count_if(news.records.begin(), news.records.end(),
                                               [](const logs::RunRecord& record) { return record.step.has_value(); }));
    std::size_t left_out = is_first_ && tail_ > 0 && steps > tail_ ? steps - tail_ : 0;
    for (const logs::RunRecord& record : news.records) {
      is_first_ = false;
      if (record.header) print_header(*record.header);
      if (record.step && left_out > 0) {
        --left_out;
      } else if (record.step) {
        fmt::print("{}", step_line(*record.step));
      }
      if (record.evaluation) fmt::print("{}", evaluation_line(*record.evaluation));
      if (record.checkpoint && record.checkpoint->step == num_steps_) return true;
    }
    return false;
  }

 private:
  void print_header(const logs::RunHeader& header) {
    num_steps_ = num_steps_of(header);
    fmt::print("{}\n{}", run_lines(header), step_heading());
  }

  std::size_t tail_;
  bool is_first_ = true;
  std::uint64_t num_steps_ = 0;
};

}  // namespace

void follow_run(const std::filesystem::path& run, std::size_t tail, Context& context) {
  logs::RunLogFollower follower(run / "run.log");
  RunPrinter printer(tail);
  until_the_end(context, [&] { return printer.print(follower.poll()); });
}

void follow_session(const std::filesystem::path& run, std::size_t tail, std::optional<double> peak_gflops,
                    Context& context) {
  logs::SessionLogFollower follower(run / "session.log");
  bool is_first = true;
  fmt::print("{}", session_heading());
  until_the_end(context, [&] {
    std::vector<logs::SessionEvent> events = follower.poll();
    const std::size_t first = is_first && tail > 0 && events.size() > tail ? events.size() - tail : 0;
    is_first = is_first && events.empty();
    for (std::size_t i = first; i < events.size(); ++i) {
      if (peak_gflops) add_model_flops_utilisation(events[i], *peak_gflops);
      fmt::print("{}", session_line(events[i]));
    }
    if (events.empty() || events.back().kind != logs::SessionEvent::Kind::kEnd) return false;
    // A session that was stopped or failed ends, too; its run does not.
    const logs::RunLog log = logs::read_run_log(run / "run.log");
    return events.back().step == num_steps_of(*log.records.front().header);
  });
}

}  // namespace reprise::app
