// reprise log show|export (diff: log_diff.cpp)

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.h"
#include "json_text.h"
#include "log_lines.h"
#include "log_verbs.h"
#include "reprise/core/error.h"
#include "reprise/core/print_note.h"
#include "reprise/core/shell_line.h"
#include "reprise/logs/export.h"
#include "reprise/logs/run_log.h"
#include "reprise/logs/session_log.h"
#include "standard_output.h"

namespace reprise::app {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kDefaultTail = 20;

struct LogFlags {
  std::filesystem::path run;
  bool as_json = false;
  bool session = false;
  bool follow = false;
  std::optional<double> peak_gflops;
  std::size_t tail = kDefaultTail;
  bool tail_given = false;
  std::string format;
  std::filesystem::path out;
};

/// Index of the first of `count` entries to show; 0 entries asked for means all.
std::size_t first_shown(const LogFlags& flags, std::size_t count, bool all_by_default) {
  if (flags.tail == 0 || (all_by_default && !flags.tail_given)) return 0;
  return count - std::min(count, flags.tail);
}

void note_left_out(std::size_t count) {
  if (count > 0) print_note("{} earlier entries not shown; --tail 0 shows all\n", count);
}

ordered_json to_json(const std::optional<logs::ParentLink>& parent) {
  if (!parent) return nullptr;
  return {{"run", parent->run}, {"step", parent->step}, {"root", parent->root.hex()}};
}

ordered_json to_json(const logs::RunHeader& header) {
  return {{"run_name", header.run_name},
          {"recipe_hash", header.recipe_hash.hex()},
          {"contract_version", header.contract_version},
          {"data_root", header.data_root.hex()},
          {"tokenizer", header.tokenizer.hex()},
          {"num_parameters", header.num_parameters},
          {"num_grains", header.num_grains},
          {"parent", to_json(header.parent)},
          {"recipe_text", header.recipe_text}};
}

ordered_json to_json(const logs::SkippedUpdate& skipped) {
  ordered_json json = ordered_json::object();
  if (skipped.loss_limit) json["loss_limit"] = *skipped.loss_limit;
  if (skipped.gradient_norm_limit) json["gradient_norm_limit"] = *skipped.gradient_norm_limit;
  return json;
}

ordered_json to_json(const logs::EvaluationRecord& r) {
  return {{"step", r.step},
          {"num_sequences", r.num_sequences},
          {"num_targets", r.num_targets},
          {"num_bytes", r.num_bytes},
          {"batch_hash", r.batch_hash.hex()},
          {"loss", r.loss},
          {"bits_per_byte", r.bits_per_byte}};
}

ordered_json to_json(const logs::StepRecord& r) {
  ordered_json json = {{"step", r.step},
                       {"first_sample", r.first_sample},
                       {"num_samples", r.num_samples},
                       {"num_targets", r.num_targets},
                       {"tokens_seen", r.tokens_seen},
                       {"batch_hash", r.batch_hash.hex()},
                       {"loss", r.loss},
                       {"z_loss", r.z_loss},
                       {"grain_losses", r.grain_losses},
                       {"grain_z_losses", r.grain_z_losses},
                       {"gradient_norm", r.gradient_norm},
                       {"clip_factor", r.clip_factor},
                       {"learning_rate", r.learning_rate},
                       {"state", r.state.hex()}};
  if (r.skipped) json["skipped"] = to_json(*r.skipped);
  return json;
}

std::map<std::uint64_t, logs::EvaluationRecord> evaluations_of(const logs::RunLog& log) {
  std::map<std::uint64_t, logs::EvaluationRecord> evaluations;
  for (const logs::RunRecord& record : log.records) {
    if (record.evaluation) evaluations[record.evaluation->step] = *record.evaluation;
  }
  return evaluations;
}

std::vector<logs::StepRecord> steps_of(const logs::RunLog& log) {
  std::vector<logs::StepRecord> steps;
  for (const logs::RunRecord& record : log.records) {
    if (record.step) steps.push_back(*record.step);
  }
  return steps;
}

void show_run_json(const logs::RunLog& log, const LogFlags& flags) {
  ordered_json json;
  const std::vector<logs::StepRecord> steps = steps_of(log);
  json["header"] = to_json(*log.records.front().header);
  json["num_steps"] = steps.size();
  json["chain"] = log.chain.hex();
  json["torn_tail"] = log.torn_tail;
  json["steps"] = ordered_json::array();
  for (std::size_t i = first_shown(flags, steps.size(), true); i < steps.size(); ++i) {
    json["steps"].push_back(to_json(steps[i]));
  }
  json["checkpoints"] = ordered_json::array();
  for (const logs::RunRecord& record : log.records) {
    if (!record.checkpoint) continue;
    json["checkpoints"].push_back({{"step", record.checkpoint->step}, {"root", record.checkpoint->root.hex()}});
  }
  json["evaluations"] = ordered_json::array();
  for (const auto& [step, evaluation] : evaluations_of(log)) json["evaluations"].push_back(to_json(evaluation));
  fmt::print("{}\n", json_text(json));
}

void show_run(const LogFlags& flags) {
  const logs::RunLog log = logs::read_run_log(flags.run / "run.log");
  if (flags.as_json) return show_run_json(log, flags);
  const logs::RunHeader& header = *log.records.front().header;
  const std::vector<logs::StepRecord> steps = steps_of(log);
  const std::map<std::uint64_t, logs::EvaluationRecord> evaluations = evaluations_of(log);
  const std::size_t num_checkpoints = log.records.size() - steps.size() - evaluations.size() - 1;
  fmt::print("{}steps       {} of {} grains, {} checkpoints\nchain       {}\n\n{}", run_lines(header), steps.size(),
             header.num_grains, num_checkpoints, log.chain.hex(), step_heading());
  const std::size_t first = first_shown(flags, steps.size(), false);
  for (std::size_t i = first; i < steps.size(); ++i) {
    const auto evaluation = evaluations.find(steps[i].step);
    fmt::print("{}", step_line(steps[i], evaluation == evaluations.end() ? nullptr : &evaluation->second));
  }
  flush_standard_output();
  note_left_out(first);
  if (log.torn_tail) {
    print_note("the last record is incomplete: its writer was killed; `reprise train --resume {}` goes on\n",
               shell_line({flags.run.string()}));
  }
}

std::vector<logs::SessionEvent> read_events(const LogFlags& flags) {
  std::vector<logs::SessionEvent> events = logs::read_session_log(flags.run / "session.log");
  if (flags.peak_gflops) {
    for (logs::SessionEvent& event : events) add_model_flops_utilisation(event, *flags.peak_gflops);
  }
  return events;
}

void show_session_json(const std::vector<logs::SessionEvent>& events, const LogFlags& flags) {
  ordered_json json = ordered_json::array();
  for (std::size_t i = first_shown(flags, events.size(), true); i < events.size(); ++i) {
    const logs::SessionEvent& event = events[i];
    json.push_back({{"kind", logs::to_string(event.kind)},
                    {"unix_seconds", event.unix_seconds},
                    {"step", event.step},
                    {"message", event.message},
                    {"facts", event.facts},
                    {"figures", event.figures}});
  }
  // A host name or a command line may hold bytes that are no UTF-8.
  fmt::print("{}\n", json_text(json));
}

void show_session(const LogFlags& flags) {
  const std::vector<logs::SessionEvent> events = read_events(flags);
  if (flags.as_json) return show_session_json(events, flags);
  fmt::print("{}", session_heading());
  const std::size_t first = first_shown(flags, events.size(), false);
  for (std::size_t i = first; i < events.size(); ++i) fmt::print("{}", session_line(events[i]));
  flush_standard_output();
  note_left_out(first);
}

void follow(const LogFlags& flags, Context& context) {
  REPRISE_REQUIRE(!flags.as_json, ErrorKind::kUsage, "--follow prints lines, not JSON",
                  "leave --json out; `reprise log export --format jsonl` gives what is there");
  REPRISE_REQUIRE(std::filesystem::is_directory(flags.run), ErrorKind::kIo,
                  fmt::format("not a run: there is no folder {}", flags.run.string()), "give the folder of the run");
  flags.session ? follow_session(flags.run, flags.tail, flags.peak_gflops, context)
                : follow_run(flags.run, flags.tail, context);
}

void export_log(const LogFlags& flags) {
  if (flags.format == "tensorboard") {
    const std::filesystem::path folder = flags.out.empty() ? flags.run / "tensorboard" : flags.out;
    const std::filesystem::path file = flags.session ? logs::export_session_tensorboard(read_events(flags), folder)
                                                     : logs::export_tensorboard(flags.run, folder);
    fmt::print("{}\n", file.string());
    return;
  }
  REPRISE_REQUIRE(flags.out.empty(), ErrorKind::kUsage,
                  fmt::format("--out is for tensorboard; {} goes to stdout", flags.format),
                  "redirect the output: > steps." + flags.format);
  const logs::ExportFormat format = flags.format == "csv" ? logs::ExportFormat::kCsv : logs::ExportFormat::kJsonLines;
  try {
    if (flags.session) {
      logs::export_session(read_events(flags), format, std::cout);
    } else {
      logs::export_steps(flags.run, format, std::cout);
    }
  } catch (const Error&) {
    flush_standard_output();  // tells a reader that has seen enough from a disk that is full
    throw;
  }
}

/// CLI11's own check names the largest number there is, in 300 digits.
std::string why_not_positive(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool is_positive = end == text.c_str() + text.size() && value > 0 && std::isfinite(value);
  return is_positive ? std::string() : fmt::format("{} is not a number above 0", text);
}

void add_peak(CLI::App& verb, LogFlags& flags) {
  verb.add_option("--peak-gflops", flags.peak_gflops,
                  "With --session: what all ranks could reach together; adds mfu, the share that was achieved")
      ->check(why_not_positive)
      ->needs(verb.get_option("--session"));
}

}  // namespace

void add_log_command(CLI::App& app, Context& context) {
  const auto flags = std::make_shared<LogFlags>();
  CLI::App* verb = app.add_subcommand("log", "Show and export the logs of a run");
  verb->require_subcommand(1);
  verb->footer("Example:\n  reprise log show runs/tiny --tail 5");

  CLI::App* show = verb->add_subcommand("show", "Print run.log, checked, as a table");
  show->add_option("RUN", flags->run, "Run folder")->required();
  show->add_flag("--json", flags->as_json, "Print as JSON, all entries unless --tail is given");
  CLI::Option* tail = show->add_option("--tail", flags->tail, "How many of the last entries to show; 0 shows all")
                          ->capture_default_str();
  show->add_flag("--session", flags->session, "Print session.log instead: starts, resumes, ranks, times");
  show->add_flag("--follow", flags->follow, "Print new entries as they come, until the run is at its end or Ctrl-C");
  add_peak(*show, *flags);
  show->footer("Examples:\n  reprise log show runs/tiny --tail 5\n  reprise log show runs/tiny --follow");
  show->callback([flags, tail, &context] {
    flags->tail_given = tail->count() > 0;
    if (flags->follow) return follow(*flags, context);
    flags->session ? show_session(*flags) : show_run(*flags);
  });

  CLI::App* exporter = verb->add_subcommand("export", "Write the steps of run.log for other tools");
  exporter->add_option("RUN", flags->run, "Run folder")->required();
  exporter->add_option("--format", flags->format, "jsonl and csv go to stdout, tensorboard into a folder")
      ->required()
      ->check(CLI::IsMember({"jsonl", "csv", "tensorboard"}));
  exporter->add_option("--out", flags->out, "Folder for tensorboard; default RUN/tensorboard");
  exporter->add_flag("--session", flags->session,
                     "The events of session.log instead: CSV and tensorboard have the steps'");
  add_peak(*exporter, *flags);
  exporter->footer("Example:\n  reprise log export --format jsonl runs/tiny | wc -l");
  exporter->callback([flags] { export_log(*flags); });
  add_log_diff_verb(*verb, context);
  add_log_statistics_verb(*verb, context);
}

}  // namespace reprise::app
