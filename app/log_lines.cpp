#include "log_lines.h"

#include <fmt/core.h>

#include <cmath>
#include <ctime>

#include "reprise/core/printable.h"

namespace reprise::app {
namespace {

constexpr std::size_t kShortHash = 12;

std::string utc_text(double unix_seconds) {
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/// What stands behind the figures of a step in the table.
std::string note_of(const logs::StepRecord& r, const logs::EvaluationRecord* evaluation) {
  std::string note;
  if (r.skipped) note += "  update left out:";
  if (r.skipped && r.skipped->loss_limit) note += fmt::format(" loss above {:.5f}", *r.skipped->loss_limit);
  if (r.skipped && r.skipped->gradient_norm_limit) {
    note += fmt::format(" grad norm above {:.4f}", *r.skipped->gradient_norm_limit);
  }
  if (evaluation != nullptr) {
    note += fmt::format("  held out {:.5f}, {:.4f} bits/byte", evaluation->loss, evaluation->bits_per_byte);
  }
  return note;
}

}  // namespace

std::string run_lines(const logs::RunHeader& header) {
  std::string text =
      fmt::format("run         {}\nrecipe      {}\ndata        {}\ntokenizer   {}\n", printable(header.run_name),
                  header.recipe_hash.hex(), header.data_root.hex(), header.tokenizer.hex());
  if (header.parent) {
    text += fmt::format("parent      {} at step {}, root {}\n", printable(header.parent->run), header.parent->step,
                        header.parent->root.hex());
  }
  return text + fmt::format("parameters  {}\n", header.num_parameters);
}

std::string step_heading() {
  return fmt::format("{:>7} {:>9} {:>10} {:>10} {:>10} {:>6} {:>10} {:>12}  {}\n", "step", "loss", "perplexity",
                     "z-loss", "grad norm", "clip", "lr", "tokens", "state");
}

std::string step_line(const logs::StepRecord& r, const logs::EvaluationRecord* evaluation) {
  return fmt::format("{:>7} {:>9.5f} {:>10.5g} {:>10.3e} {:>10.4f} {:>6.3f} {:>10.3e} {:>12}  {}{}\n", r.step, r.loss,
                     std::exp(r.loss), r.z_loss, r.gradient_norm, r.clip_factor, r.learning_rate, r.tokens_seen,
                     r.state.hex().substr(0, kShortHash), note_of(r, evaluation));
}

std::string evaluation_line(const logs::EvaluationRecord& evaluation) {
  return fmt::format("{:>7}  held out {:.5f}, {:.4f} bits/byte\n", evaluation.step, evaluation.loss,
                     evaluation.bits_per_byte);
}

std::string session_heading() {
  return fmt::format("{:<19}  {:<10} {:>7}  {}\n", "time (UTC)", "event", "step", "what");
}

std::string session_line(const logs::SessionEvent& event) {
  std::string what = event.message;
  for (const auto& [name, value] : event.facts) what += fmt::format("{}{}={}", what.empty() ? "" : " ", name, value);
  for (const auto& [name, value] : event.figures) {
    what += fmt::format("{}{}={:.6g}", what.empty() ? "" : " ", name, value);
  }
  return fmt::format("{:<19}  {:<10} {:>7}  {}\n", utc_text(event.unix_seconds), logs::to_string(event.kind),
                     event.step, printable(what, "\n\t"));
}

void add_model_flops_utilisation(logs::SessionEvent& event, double peak_gflops) {
  const auto achieved = event.figures.find("model_gflops_per_second");
  if (achieved != event.figures.end()) event.figures["mfu"] = achieved->second / peak_gflops;
}

}  // namespace reprise::app
