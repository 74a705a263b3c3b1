// reprise log statistics

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "device_flag.h"
#include "json_text.h"
#include "log_verbs.h"
#include "reprise/core/error.h"
#include "reprise/core/print_note.h"
#include "reprise/core/stop.h"
#include "reprise/core/thread_count.h"
#include "reprise/logs/progress_bar.h"
#include "reprise/train/statistics.h"
#include "standard_output.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

using nlohmann::ordered_json;

struct StatisticsFlags {
  train::StatisticsOptions options;
  std::uint64_t step = 0;
  int threads = 0;
  bool no_activations = false;
  bool json = false;
  bool quiet = false;
};

ordered_json to_json(const train::Spread& spread) {
  return {{"count", spread.count},
          {"mean", spread.mean},
          {"std", spread.standard_deviation},
          {"rms", spread.rms},
          {"max_abs", spread.max_abs}};
}

ordered_json to_json(const train::StepStatistics& statistics) {
  ordered_json tensors = ordered_json::array();
  for (const train::TensorStatistics& tensor : statistics.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"weights", to_json(tensor.weights)},
                       {"gradient", to_json(tensor.gradient)},
                       {"first_moments", to_json(tensor.first_moments)},
                       {"second_moments", to_json(tensor.second_moments)},
                       {"update", to_json(tensor.update)}});
  }
  ordered_json activations = ordered_json::array();
  for (const train::ActivationStatistics& activation : statistics.activations) {
    ordered_json object = {{"name", activation.name}};
    object.update(to_json(activation.values));
    activations.push_back(std::move(object));
  }
  return {
      {"step", statistics.step},         {"loss", statistics.loss},       {"gradient_norm", statistics.gradient_norm},
      {"state", statistics.state.hex()}, {"tensors", std::move(tensors)}, {"activations", std::move(activations)}};
}

void print_row(const std::string& name, const char* what, const train::Spread& spread) {
  fmt::print("{:<48} {:<13} {:>11} {:>12.4e} {:>11.4e} {:>11.4e} {:>11.4e}\n", name, what, spread.count, spread.mean,
             spread.standard_deviation, spread.rms, spread.max_abs);
}

void print(const train::StepStatistics& statistics) {
  fmt::print("step {}, loss {:.5f}, gradient norm {:.5f}, state {}\n", statistics.step, statistics.loss,
             statistics.gradient_norm, statistics.state.hex());
  fmt::print("{:<48} {:<13} {:>11} {:>12} {:>11} {:>11} {:>11}\n", "tensor", "what", "values", "mean", "std", "rms",
             "max |x|");
  for (const train::TensorStatistics& tensor : statistics.tensors) {
    print_row(tensor.name, "weights", tensor.weights);
    print_row("", "gradient", tensor.gradient);
    print_row("", "moments 1", tensor.first_moments);
    print_row("", "moments 2", tensor.second_moments);
    print_row("", "update", tensor.update);
  }
  for (const train::ActivationStatistics& activation : statistics.activations) {
    print_row(activation.name, "activations", activation.values);
  }
}

void show_statistics(const StatisticsFlags& flags, bool is_range, Context& context) {
  train::StatisticsOptions options = flags.options;
  if (!is_range) options.first_step = options.last_step = flags.step;
  options.activations = !flags.no_activations;
  options.num_threads = thread_count(flags.threads);
  options.work = std::filesystem::temp_directory_path() / fmt::format("reprise-statistics-{}", ::getpid());
  const auto progress = logs::make_progress(flags.quiet);
  const StopHandlers handlers;
  const int stopped = train::collect_statistics(
      options,
      [&](const train::StepStatistics& statistics) {
        if (is_range) {
          fmt::print("{}\n", json_text(to_json(statistics), -1));
        } else if (flags.json) {
          fmt::print("{}\n", json_text(to_json(statistics)));
        } else {
          print(statistics);
        }
        flush_standard_output();
      },
      *progress);
  if (stopped == 0) return;
  context.status = 128 + stopped;
  print_note("stopped\n");
}

}  // namespace

void add_log_statistics_verb(CLI::App& log, Context& context) {
  const auto flags = std::make_shared<StatisticsFlags>();
  CLI::App* verb =
      log.add_subcommand("statistics", "Weights, gradients, moments, updates and activations of any step, by replay");
  verb->add_option("RUN", flags->options.run_dir, "Run folder, such as runs/tiny")->required();
  CLI::Option* step = verb->add_option("--step", flags->step, "The step");
  CLI::Option* from = verb->add_option("--from", flags->options.first_step, "First of several steps: a JSON line each");
  CLI::Option* to = verb->add_option("--to", flags->options.last_step, "Last of several steps");
  CLI::Option* every = verb->add_option("--every", flags->options.every, "Every how many steps")->capture_default_str();
  from->needs(to)->excludes(step);
  to->needs(from)->excludes(step);
  every->needs(from);
  verb->add_flag("--no-activations", flags->no_activations, "Leave activations out: no forward pass more");
  add_device_flag(*verb, flags->options.compute.device,
                  "Where to compute: cpu, cuda or cuda:N; native: that of the run");
  add_threads_flag(*verb, flags->threads, "Threads (default: one per core)");
  verb->add_flag("--json", flags->json, "Print as JSON on stdout");
  add_quiet_flag(*verb, flags->quiet);
  verb->footer(
      "Replays from the last checkpoint with moments before the step; each replayed step must give the record in "
      "run.log.\n"
      "Nothing has to be asked for in advance. The figures are the same for any number of threads.\n\n"
      "Examples:\n"
      "  reprise log statistics runs/tiny --step 300\n"
      "  reprise log statistics runs/tiny --from 100 --to 600 --every 100 > statistics.jsonl");
  verb->callback([flags, step, from, &context] {
    REPRISE_REQUIRE(step->count() + from->count() == 1, ErrorKind::kUsage, "name the step or the steps",
                    "--step N, or --from A --to B --every K");
    REPRISE_REQUIRE(step->count() == 0 || flags->step >= 1, ErrorKind::kUsage, "--step 0: steps begin with 1",
                    "name the first step as --step 1");
    show_statistics(*flags, from->count() > 0, context);
  });
}

}  // namespace reprise::app
