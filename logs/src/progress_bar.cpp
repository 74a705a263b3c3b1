#include "reprise/logs/progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "progress_printer.h"

namespace reprise::logs {
namespace {

constexpr double kSecondsBetweenDrawings = 0.1;
constexpr double kSecondsBetweenLines = 5;
constexpr double kShortestSecondsBetweenLines = 1;
constexpr int kBarWidth = 24;

class Silence : public ProgressSink {
 public:
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t, std::string_view) override {}
  void end() override {}
};

int terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
  return size.ws_col;
}

ProgressOutput stderr_output() {
  ProgressOutput output;
  output.write = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  };
  output.seconds = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  output.terminal = ::isatty(STDERR_FILENO) == 1;
  output.columns = terminal_columns();
  return output;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

std::string count_text(double value) {
  if (value < 10) return fmt::format("{:.2f}", value);
  if (value < 1e3) return fmt::format("{:.0f}", value);
  if (value < 1e6) return fmt::format("{:.1f}k", value / 1e3);
  if (value < 1e9) return fmt::format("{:.1f}M", value / 1e6);
  return fmt::format("{:.1f}G", value / 1e9);
}

ProgressPrinter::~ProgressPrinter() {
  // An exception came in between: leave the terminal at the start of a line.
  if (active_ && drawn_) output_.write("\n");
}

void ProgressPrinter::begin(std::string_view phase, std::int64_t total, std::string_view unit) {
  if (active_) end();
  phase_ = phase;
  unit_ = unit;
  figure_.clear();
  total_ = total;
  done_ = shown_done_ = 0;
  started_ = shown_at_ = output_.seconds();
  active_ = true;
  drawn_ = false;
  if (output_.terminal) draw(started_);
}

void ProgressPrinter::update(std::int64_t done, std::string_view figure) {
  if (!active_) return;
  done_ = done;
  figure_ = figure;
  const double now = output_.seconds();
  if (!is_due(now)) return;
  if (output_.terminal) {
    draw(now);
  } else {
    print_line(now, false);
  }
}

bool ProgressPrinter::is_due(double now) const {
  const double waited = now - shown_at_;
  if (output_.terminal) return waited >= kSecondsBetweenDrawings;
  if (waited >= kSecondsBetweenLines) return true;
  return total_ > 0 && (done_ - shown_done_) * 10 >= total_ && waited >= kShortestSecondsBetweenLines;
}

void ProgressPrinter::end() {
  if (!active_) return;
  const double now = output_.seconds();
  if (output_.terminal) output_.write("\r\033[K");
  print_line(now, true);
  active_ = false;
}

std::string ProgressPrinter::counts() const {
  if (total_ <= 0) return fmt::format("{} {}", done_, unit_);
  return fmt::format("{}/{} {}", done_, total_, unit_);
}

std::string ProgressPrinter::rate(double now) const {
  const double elapsed = now - started_;
  if (elapsed <= 0 || done_ <= 0) return "";
  return fmt::format("{}/s", count_text(static_cast<double>(done_) / elapsed));
}

void ProgressPrinter::draw(double now) {
  const double fraction =
      total_ > 0 ? std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0) : 0.0;
  std::string line = phase_;
  if (total_ > 0) {
    const int full = static_cast<int>(fraction * kBarWidth);
    line += fmt::format(" [{:#<{}}{:.<{}}] {:3.0f}%", "", full, "", kBarWidth - full, 100 * fraction);
  }
  line += fmt::format(" {}", counts());
  if (const std::string speed = rate(now); !speed.empty()) line += fmt::format(" {}", speed);
  if (total_ > done_ && done_ > 0) {
    line +=
        " ETA " + duration_text((now - started_) / static_cast<double>(done_) * static_cast<double>(total_ - done_));
  }
  if (!figure_.empty()) line += fmt::format(" {}", figure_);
  // A line that wraps could not be drawn over.
  line.resize(std::min(line.size(), static_cast<std::size_t>(output_.columns - 1)));
  output_.write("\r\033[K" + line);
  drawn_ = true;
  shown_at_ = now;
  shown_done_ = done_;
}

void ProgressPrinter::print_line(double now, bool last) {
  std::string line = fmt::format("{}: {}", phase_, counts());
  if (total_ > 0 && !last) {
    line += fmt::format(" ({:.0f}%)", 100 * static_cast<double>(done_) / static_cast<double>(total_));
  }
  if (const std::string speed = rate(now); !speed.empty()) line += fmt::format(", {}", speed);
  if (last) {
    line += ", took " + duration_text(now - started_);
  } else if (total_ > done_ && done_ > 0) {
    line +=
        ", ETA " + duration_text((now - started_) / static_cast<double>(done_) * static_cast<double>(total_ - done_));
  }
  if (!figure_.empty()) line += fmt::format(", {}", figure_);
  output_.write(line + "\n");
  shown_at_ = now;
  shown_done_ = done_;
}

std::unique_ptr<ProgressSink> make_progress(bool quiet) {
  if (quiet) return std::make_unique<Silence>();
  return std::make_unique<ProgressPrinter>(stderr_output());
}

}  // namespace reprise::logs
