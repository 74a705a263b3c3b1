#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "commands.h"
#include "device_flag.h"
#include "json_text.h"
#include "reprise/checkpoints/average.h"
#include "reprise/configs/config.h"
#include "reprise/core/device_name.h"
#include "reprise/core/error.h"
#include "reprise/core/printable.h"
#include "reprise/core/thread_count.h"
#include "reprise/eval/blimp.h"
#include "reprise/eval/evaluate.h"
#include "reprise/eval/suite.h"
#include "reprise/logs/progress_bar.h"
#include "reprise/numerics/find_device.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

using nlohmann::ordered_json;

struct EvalFlags {
  std::string run;
  std::string checkpoints = "last";
  std::string file;
  std::vector<std::string> tasks{"held_out", "pairs", "baselines"};
  std::string data;
  std::string device;
  int threads = 0;
  bool json = false;
  std::uint32_t suite_pairs = 250;
  bool suite_json = false;
};

/// What the verb found; empty parts were not asked for.
struct EvalReport {
  std::vector<eval::CheckpointResult> checkpoints;
  std::optional<checkpoints::AverageRecipe> average;  // of the file that was scored: its step is that of no checkpoint
  std::optional<eval::Baselines> baselines;
  std::vector<eval::PairGroup> blimp;         // on the last of `checkpoints`
  std::vector<eval::CheckpointResult> curve;  // from eval/results.json
  std::vector<std::string> differs;           // what `checkpoints` say otherwise than `curve`
};

std::set<std::string> checked_tasks(const EvalFlags& flags) {
  static const std::set<std::string> known{"held_out", "pairs", "baselines", "blimp"};
  for (const std::string& task : flags.tasks) {
    REPRISE_REQUIRE(known.count(task) == 1, ErrorKind::kUsage, fmt::format("there is no task named {}", task),
                    "tasks: held_out, pairs, baselines, blimp");
  }
  const std::set<std::string> tasks(flags.tasks.begin(), flags.tasks.end());
  REPRISE_REQUIRE(flags.data.empty() || tasks.count("blimp") == 1, ErrorKind::kUsage,
                  fmt::format("--data {} is read by the task blimp alone, which is not asked for", flags.data),
                  "add --tasks blimp, or leave --data out");
  return tasks;
}

/// Null: the CPU.
std::shared_ptr<numerics::Device> device_of(const EvalFlags& flags) {
  const std::optional<DeviceName> name = parse_device_name(flags.device);
  REPRISE_CHECK(name.has_value());
  return name->is_cpu ? nullptr : numerics::find_device(*name);
}

configs::Recipe recipe_of(const std::filesystem::path& run) {
  const std::filesystem::path path = run / "recipe.pbtxt";
  REPRISE_REQUIRE(std::filesystem::exists(path), ErrorKind::kCheckpoint,
                  fmt::format("{} is no run: recipe.pbtxt is missing", run.string()),
                  "make one with `reprise reproduce configs/runs/tiny.pbtxt`");
  return configs::load_config(path).recipe();
}

std::uint64_t parse_step(std::string_view text) {
  std::uint64_t step = 0;
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), step);
  REPRISE_REQUIRE(!text.empty() && end.ec == std::errc() && end.ptr == text.data() + text.size(), ErrorKind::kUsage,
                  fmt::format("--checkpoints wants last, all or steps: {}", text),
                  "for example --checkpoints 0,300,600");
  return step;
}

/// "all" is the checkpoints that the recipe evaluates; any scheduled step may be named.
std::vector<std::uint64_t> steps_of(const EvalFlags& flags, const configs::Recipe& recipe) {
  if (flags.checkpoints == "last") return {eval::eval_steps(recipe).back()};
  if (flags.checkpoints == "all") return eval::eval_steps(recipe);
  std::vector<std::uint64_t> steps;
  std::string_view rest = flags.checkpoints;
  while (true) {
    const std::size_t comma = rest.find(',');
    steps.push_back(parse_step(rest.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  return steps;
}

double accuracy(const eval::PairGroup& group) {
  return group.num_pairs == 0 ? 0 : static_cast<double>(group.num_correct) / static_cast<double>(group.num_pairs);
}

double standard_error(const eval::PairGroup& group) {
  const double p = accuracy(group);
  return group.num_pairs == 0 ? 0 : std::sqrt(p * (1 - p) / static_cast<double>(group.num_pairs));
}

/// Distance from a fair coin in its standard errors.
double z_score(const eval::PairGroup& group) {
  return group.num_pairs == 0 ? 0 : (accuracy(group) - 0.5) / std::sqrt(0.25 / static_cast<double>(group.num_pairs));
}

/// The subtasks follow the group of all pairs.
std::size_t num_subtasks(const std::vector<eval::PairGroup>& groups) { return groups.empty() ? 0 : groups.size() - 1; }

/// Mean over the subtasks, each counting once, as BLiMP is reported.
double mean_accuracy(const std::vector<eval::PairGroup>& groups) {
  double sum = 0;
  for (std::size_t i = 1; i < groups.size(); ++i) sum += accuracy(groups[i]);
  return groups.size() < 2 ? 0 : sum / static_cast<double>(num_subtasks(groups));
}

/// The published mean is over all subtasks: one over some of them is another figure.
std::string mean_label(const std::vector<eval::PairGroup>& groups) {
  const std::size_t num = num_subtasks(groups);
  return fmt::format("mean over {} subtasks{}", num,
                     num == eval::kNumBlimpSubtasks ? "" : fmt::format(" (BLiMP has {})", eval::kNumBlimpSubtasks));
}

/// The stored scores are read and not computed: where they are not what was computed now, that has to be said. A file
/// in place of the run's own counts where it is the checkpoint that was scored.
void compare_with_curve(bool of_other_file, EvalReport& report) {
  for (const eval::CheckpointResult& computed : report.checkpoints) {
    for (const eval::CheckpointResult& stored : report.curve) {
      if (stored.step != computed.step) continue;
      if (of_other_file && stored.checkpoint_root != computed.checkpoint_root) continue;
      const std::vector<std::string> found = eval::differences(stored, computed);
      report.differs.insert(report.differs.end(), found.begin(), found.end());
    }
  }
}

EvalReport evaluate(const EvalFlags& flags) {
  const std::set<std::string> tasks = checked_tasks(flags);
  const std::shared_ptr<numerics::Device> device = device_of(flags);
  const std::filesystem::path run = flags.run;
  const configs::Recipe recipe = recipe_of(run);
  std::vector<eval::MinimalPair> blimp;
  if (tasks.count("blimp") == 1) {
    blimp = eval::read_blimp(
        eval::blimp_folder(flags.data.empty() ? std::nullopt : std::optional<std::filesystem::path>(flags.data)));
  }
  const std::unique_ptr<ProgressSink> progress = logs::make_progress();
  eval::EvalOptions options;
  options.run_dir = run;
  options.steps = steps_of(flags, recipe);
  if (!flags.file.empty()) options.file = flags.file;
  options.num_threads = thread_count(flags.threads);
  options.device = device;
  options.held_out = tasks.count("held_out") == 1;
  options.pairs = tasks.count("pairs") == 1;
  EvalReport report;
  if (std::filesystem::exists(run / "eval" / "results.json")) report.curve = eval::read_results(run).checkpoints;
  report.checkpoints = eval::evaluate_run(recipe, options, *progress).checkpoints;
  if (!blimp.empty()) report.blimp = eval::evaluate_pairs(recipe, options, options.steps.back(), blimp, *progress);
  if (tasks.count("baselines") == 1) report.baselines = eval::compute_baselines(run, *progress);
  if (options.file) report.average = checkpoints::stated_recipe(*options.file);
  compare_with_curve(options.file.has_value(), report);
  return report;
}

ordered_json to_json(const std::vector<eval::PairGroup>& groups) {
  ordered_json list = ordered_json::array();
  for (const eval::PairGroup& group : groups) {
    list.push_back({{"name", group.name},
                    {"pairs", group.num_pairs},
                    {"correct", group.num_correct},
                    {"accuracy", accuracy(group)},
                    {"standard_error", standard_error(group)},
                    {"z_against_chance", z_score(group)}});
  }
  return list;
}

/// Nothing where nothing was measured; eval/results.json has 0 there.
std::optional<double> bits_per_byte(const eval::HeldOutGroup& group) {
  return group.num_bytes == 0 ? std::nullopt : std::optional(group.bits_per_byte);
}

std::string bits_cell(const eval::HeldOutGroup& group) {
  const std::optional<double> bits = bits_per_byte(group);
  return bits ? fmt::format("{:.4f}", *bits) : "none";
}

ordered_json to_json(const eval::CheckpointResult& checkpoint) {
  ordered_json json{{"step", checkpoint.step}, {"checkpoint_root", checkpoint.checkpoint_root.hex()}};
  json["held_out"] = ordered_json::array();
  for (const eval::HeldOutGroup& group : checkpoint.held_out) {
    const std::optional<double> bits = bits_per_byte(group);
    json["held_out"].push_back({{"name", group.name},
                                {"documents", group.num_documents},
                                {"tokens", group.num_tokens},
                                {"bytes", group.num_bytes},
                                {"nll_nats", group.nll_nats},
                                {"bits_per_byte", bits ? ordered_json(*bits) : ordered_json()}});
  }
  json["pairs"] = to_json(checkpoint.pairs);
  return json;
}

/// The last checkpoint's figures at the top; all of them under "checkpoints" when several were evaluated.
void print_json(const EvalReport& report) {
  ordered_json json = to_json(report.checkpoints.back());
  if (report.average) json["average"] = {{"kind", report.average->kind}, {"sources", report.average->sources.size()}};
  if (report.baselines) {
    json["baselines"] = {
        {"bigram", report.baselines->bigram}, {"five_gram", report.baselines->five_gram}, {"xz", report.baselines->xz}};
  }
  if (!report.blimp.empty()) {
    json["blimp"] = {{"mean_accuracy", mean_accuracy(report.blimp)},
                     {"num_subtasks", num_subtasks(report.blimp)},
                     {"subtasks", to_json(report.blimp)}};
  }
  const auto list = [](const std::vector<eval::CheckpointResult>& checkpoints) {
    ordered_json entries = ordered_json::array();
    for (const eval::CheckpointResult& checkpoint : checkpoints) entries.push_back(to_json(checkpoint));
    return entries;
  };
  if (report.checkpoints.size() > 1) json["checkpoints"] = list(report.checkpoints);
  if (!report.curve.empty()) json["curve"] = list(report.curve);
  if (!report.differs.empty()) json["differs_from_curve"] = report.differs;
  fmt::print("{}\n", json_text(json));
}

std::string baseline_cell(const std::optional<eval::Baselines>& baselines,
                          std::map<std::string, double> eval::Baselines::*which, const std::string& group) {
  if (!baselines) return "";
  const auto found = ((*baselines).*which).find(group);
  return found == ((*baselines).*which).end() ? "" : fmt::format("{:.4f}", found->second);
}

void print_held_out(const eval::CheckpointResult& checkpoint, const std::optional<eval::Baselines>& baselines) {
  if (checkpoint.held_out.empty()) return;
  fmt::print("\nheld-out bits per byte\n{:<12} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "language", "documents", "bytes",
             "model", baselines ? "bigram" : "", baselines ? "5-gram" : "", baselines ? "xz" : "");
  for (const eval::HeldOutGroup& group : checkpoint.held_out) {
    const bool has_baselines = &group == &checkpoint.held_out.front() || group.name != "all";
    const auto cell = [&](std::map<std::string, double> eval::Baselines::*which) {
      return has_baselines ? baseline_cell(baselines, which, group.name) : "";
    };
    fmt::print("{:<12} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", printable(group.name), group.num_documents,
               group.num_bytes, bits_cell(group), cell(&eval::Baselines::bigram), cell(&eval::Baselines::five_gram),
               cell(&eval::Baselines::xz));
  }
}

void print_pairs(const std::vector<eval::PairGroup>& groups, std::string_view title) {
  if (groups.empty()) return;
  fmt::print("\n{}\n{:<52} {:>7} {:>9} {:>9} {:>9}\n", title, "", "pairs", "accuracy", "std.err.", "z");
  for (const eval::PairGroup& group : groups) {
    fmt::print("{:<52} {:>7} {:>9.3f} {:>9.3f} {:>9.1f}\n", printable(group.name), group.num_pairs, accuracy(group),
               standard_error(group), z_score(group));
  }
}

const eval::HeldOutGroup* find_group(const eval::CheckpointResult& checkpoint, std::string_view name) {
  for (const eval::HeldOutGroup& group : checkpoint.held_out) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

void print_curve(const std::vector<eval::CheckpointResult>& checkpoints, std::string_view title) {
  fmt::print("\n{}\n{:>8} {:>10} {:>10} {:>10}\n", title, "step", "bpb all", "bpb en", "pairs");
  for (const eval::CheckpointResult& checkpoint : checkpoints) {
    fmt::print("{:>8}", checkpoint.step);
    for (const char* name : {"all", "en"}) {
      const eval::HeldOutGroup* group = find_group(checkpoint, name);
      fmt::print(" {:>10}", group == nullptr ? "" : bits_cell(*group));
    }
    fmt::print(" {:>10}\n", checkpoint.pairs.empty() ? "" : fmt::format("{:.3f}", accuracy(checkpoint.pairs.front())));
  }
}

void print_text(const EvalReport& report) {
  const eval::CheckpointResult& last = report.checkpoints.back();
  if (report.average) {
    fmt::print("average ({} of {}, highest step {})  root {}\n", printable(report.average->kind),
               report.average->sources.size(), last.step, last.checkpoint_root.hex());
  } else {
    fmt::print("step {}  checkpoint {}\n", last.step, last.checkpoint_root.hex());
  }
  print_held_out(last, report.baselines);
  print_pairs(last.pairs, "minimal pairs (z against chance)");
  if (!report.blimp.empty()) {
    print_pairs(report.blimp, "BLiMP (z against chance)");
    fmt::print("{:<52} {:>7} {:>9.3f}\n", mean_label(report.blimp), "", mean_accuracy(report.blimp));
  }
  if (report.checkpoints.size() > 1) print_curve(report.checkpoints, "evaluated now");
  if (!report.curve.empty()) print_curve(report.curve, "along the run (eval/results.json)");
  if (report.differs.empty()) return;
  fmt::print("\neval/results.json does not say what was computed now:\n");
  for (const std::string& line : report.differs) fmt::print("  {}\n", printable(line));
}

void print_suite(const EvalFlags& flags) {
  const std::vector<eval::MinimalPair> pairs = eval::generate_suite(flags.suite_pairs);
  if (!flags.suite_json) {
    for (const eval::MinimalPair& pair : pairs) fmt::print("{}\t{}\t{}\n", pair.phenomenon, pair.good, pair.bad);
    fmt::print("suite_sha256 {}\n", eval::suite_digest(pairs).hex());
    return;
  }
  ordered_json json{{"suite_sha256", eval::suite_digest(pairs).hex()}, {"pairs", ordered_json::array()}};
  for (const eval::MinimalPair& pair : pairs) {
    json["pairs"].push_back({{"phenomenon", pair.phenomenon}, {"good", pair.good}, {"bad", pair.bad}});
  }
  fmt::print("{}\n", json_text(json));
}

}  // namespace

void add_eval_command(CLI::App& app, Context&) {
  const auto flags = std::make_shared<EvalFlags>();
  CLI::App* verb =
      app.add_subcommand("eval", "Measure checkpoints of a run on held-out text and minimal pairs, beside baselines");
  verb->add_option("RUN", flags->run, "Run folder, such as runs/tiny");
  verb->add_option("--checkpoints", flags->checkpoints, "last, all (those the recipe evaluates) or steps N,N,...")
      ->capture_default_str();
  verb->add_option("--checkpoint", flags->file,
                   "One file in place of the run's own: a checkpoint of this model or an average")
      ->check(CLI::ExistingFile)
      ->excludes("--checkpoints");
  verb->add_option("--tasks", flags->tasks, "held_out, pairs, baselines, blimp")->delimiter(',')->capture_default_str();
  verb->add_option("--data", flags->data, "Folder of BLiMP's *.jsonl(.zst) files; default: REPRISE_EVAL_DATA");
  add_threads_flag(*verb, flags->threads, "Threads; 0 takes all cores. The figures do not depend on it", 0);
  add_device_flag(*verb, flags->device,
                  "cpu, cuda (GPU 0) or cuda:N; always in the exact profile. The figures do not depend on it");
  verb->add_flag("--json", flags->json, "Print the figures as JSON");
  verb->footer(
      "Writes nothing.\n\nExamples:\n  reprise eval runs/tiny\n  reprise eval runs/tiny --checkpoints all --tasks "
      "pairs --json\n  reprise eval runs/tiny --device cuda\n"
      "  reprise eval runs/tiny --tasks blimp --data blimp\n  reprise eval suite");
  verb->require_subcommand(0, 1);
  CLI::App* suite = verb->add_subcommand("suite", "Print the generated minimal pairs and their hash");
  suite->add_option("--pairs", flags->suite_pairs, "Pairs per phenomenon")->capture_default_str();
  suite->add_flag("--json", flags->suite_json, "Print the pairs as JSON");
  suite->footer("Example:\n  reprise eval suite | tail -1");
  suite->callback([flags] { print_suite(*flags); });
  verb->callback([flags, suite] {
    if (suite->parsed()) return;
    REPRISE_REQUIRE(!flags->run.empty(), ErrorKind::kUsage, "eval needs a RUN", "for example `reprise eval runs/tiny`");
    const EvalReport report = evaluate(*flags);
    flags->json ? print_json(report) : print_text(report);
  });
}

}  // namespace reprise::app
