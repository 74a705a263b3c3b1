#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "json_text.h"
#include "reprise/configs/config.h"
#include "reprise/configs/profile.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/thread_count.h"
#include "reprise/numerics/target.h"
#include "reprise/train/step_benchmark.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

struct BenchFlags {
  std::string profile = "exact";
  std::vector<std::uint32_t> shape;
  std::string run;
  std::string keep;
  std::vector<std::string> overrides;
  std::uint32_t steps = 9;
  std::uint32_t grain_sequences = 0;
  int threads = 0;
  train::ComputeSettings compute;
  bool json = false;
};

constexpr std::size_t kWarmUpSteps = 1;

train::StepShape shape_of(const std::vector<std::uint32_t>& sizes) {
  if (sizes.empty()) return {};
  REPRISE_REQUIRE(sizes.size() == 7, ErrorKind::kUsage, fmt::format("--shape takes 7 sizes, not {}", sizes.size()),
                  "D,LAYERS,HEADS,FFN,VOCAB,SEQ,SEQUENCES, such as 256,6,4,768,8192,256,16");
  return {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6]};
}

/// Grains that keep all threads busy in one wave: as large as the batch allows.
std::uint32_t grain_for(std::uint32_t batch_sequences, int threads) {
  auto grains = static_cast<std::uint32_t>(threads);
  while (grains < batch_sequences && batch_sequences % grains != 0) ++grains;
  return std::max(1u, batch_sequences / std::min(grains, batch_sequences));
}

configs::RunConfig config_of(const BenchFlags& flags, int threads) {
  if (!flags.run.empty()) {
    std::vector<std::string> overrides = flags.overrides;
    overrides.push_back(fmt::format("train.num_steps={}", flags.steps));
    return configs::load_config(std::filesystem::path(flags.run) / "recipe.pbtxt", overrides);
  }
  const train::StepShape shape = shape_of(flags.shape);
  const std::uint32_t grain =
      flags.grain_sequences > 0 ? flags.grain_sequences : grain_for(shape.batch_sequences, threads);
  configs::RunConfig config = train::benchmark_config(shape, grain, flags.steps);
  std::vector<std::string> overrides = flags.overrides;
  if (flags.profile != "exact") overrides.push_back(fmt::format("recipe.numerics=\"{}\"", flags.profile));
  return configs::parse_config(configs::to_text(config), "the benchmark's shape", overrides);
}

/// The folder of the generated data; removed at the end unless the user named it.
class DataFolder {
 public:
  explicit DataFolder(const std::string& keep)
      : path_(keep.empty() ? std::filesystem::temp_directory_path() / fmt::format("reprise_bench_{}", ::getpid())
                           : std::filesystem::path(keep)),
        temporary_(keep.empty()) {}
  ~DataFolder() {
    std::error_code ignored;
    if (temporary_) std::filesystem::remove_all(path_, ignored);
  }
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool temporary_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <typename Field>
double median_of(const train::StepBenchmark& result, Field field) {
  std::vector<double> values;
  for (std::size_t i = kWarmUpSteps; i < result.steps.size(); ++i) values.push_back(result.steps[i].*field);
  return median(values);
}

/// High-water mark of this process's memory, in bytes.
std::uint64_t peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

nlohmann::ordered_json to_json(const BenchFlags& flags, const configs::RunConfig& config, int threads,
                               const train::StepBenchmark& result) {
  const configs::Recipe recipe = configs::resolve(config).recipe();
  const double seconds = median_of(result, &train::StepTimes::seconds);
  nlohmann::ordered_json json;
  json["profile"] = recipe.numerics();
  json["target"] = numerics::to_string(numerics::active_target());
  json["threads"] = threads;
  json["shape"] = {recipe.model().hidden_size(),    recipe.model().num_layers(),     recipe.model().num_heads(),
                   recipe.model().ffn_size(),       recipe.tokenizer().vocab_size(), recipe.train().sequence_length(),
                   recipe.train().batch_sequences()};
  json["grain_sequences"] = recipe.train().grain_sequences();
  if (configs::is_native(recipe)) {
    json["dtype"] = recipe.native().dtype();
    json["threads_per_grain"] = recipe.native().threads_per_grain();
    json["grains_per_forward"] = recipe.native().grains_per_forward();
  } else {
    json["grains_per_forward"] = flags.compute.grains_per_forward;
  }
  json["parameters"] = result.num_parameters;
  json["steps_timed"] = result.steps.size() - kWarmUpSteps;
  json["tokens_per_second"] = static_cast<double>(result.tokens_per_step) / seconds;
  json["seconds_per_step"] = seconds;
  json["compute_seconds"] = median_of(result, &train::StepTimes::compute_seconds);
  json["update_seconds"] = median_of(result, &train::StepTimes::update_seconds);
  json["gflop_per_second"] = result.flops_per_step / seconds * 1e-9;
  json["recompute_layers"] = flags.compute.recompute_layers;
  json["bucket_kib"] = flags.compute.bucket_kib;
  json["peak_gradient_bytes"] = result.peak_gradient_bytes;
  json["peak_memory_bytes"] = peak_memory();
  json["step"] = result.last_step;
  json["state_digest"] = result.state_digest.hex();
  return json;
}

void bench_step(const BenchFlags& flags) {
  const int threads = thread_count(flags.threads);
  const configs::RunConfig config = config_of(flags, threads);
  const DataFolder data(flags.run.empty() ? flags.keep : flags.run);
  if (flags.run.empty()) {
    make_folders(data.path());
    train::make_synthetic_data(config, data.path());
    if (!flags.keep.empty()) write_file_atomically(data.path() / "bench.pbtxt", configs::to_text(config));
  }
  const train::StepBenchmark result = train::bench_steps(config, data.path(), threads, flags.compute);
  const nlohmann::ordered_json json = to_json(flags, config, threads, result);
  if (flags.json) {
    fmt::print("{}\n", json_text(json));
    return;
  }
  for (const auto& [name, value] : json.items()) {
    fmt::print("{:<20} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

}  // namespace

void add_bench_command(CLI::App& app, Context&) {
  const auto flags = std::make_shared<BenchFlags>();
  CLI::App* verb = app.add_subcommand("bench", "Time the trainer's own step on this machine");
  verb->require_subcommand(1);
  CLI::App* step = verb->add_subcommand("step", "Optimizer steps on generated text, or on the data of a run folder");
  step->add_option("--profile", flags->profile, "Numerics profile: exact or native")
      ->check(CLI::IsMember({"exact", "native"}))
      ->capture_default_str();
  add_threads_flag(*step, flags->threads, "Threads; 0 takes all cores", 0);
  step->add_option("--shape", flags->shape, "D,LAYERS,HEADS,FFN,VOCAB,SEQ,SEQUENCES (default 256,6,4,768,8192,256,16)")
      ->delimiter(',');
  step->add_option("--grain-sequences", flags->grain_sequences, "Sequences per grain (default: one grain per thread)");
  step->add_option("--grains-per-forward", flags->compute.grains_per_forward,
                   "Grains that one forward pass takes (exact; native: --set native.grains_per_forward=N)")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  step->add_option("--recompute-layers", flags->compute.recompute_layers,
                   "Layers whose activations are computed again by the backward pass, together (0: none)")
      ->capture_default_str();
  step->add_option("--bucket-kib", flags->compute.bucket_kib,
                   "Smallest part of the gradient that is added up and freed by itself (0: the whole)")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  step->add_option("--steps", flags->steps, "Steps to run; the first is not timed")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  step->add_option("--run", flags->run, "Take recipe and shards of this run folder instead of --shape");
  add_set_flag(*step, flags->overrides, "train.z_loss=0");
  step->add_option("--keep", flags->keep,
                   "Keep the generated data here, for `reprise train DIR/bench.pbtxt --out DIR`");
  step->add_flag("--json", flags->json, "Print as JSON");
  step->footer(
      "state_digest is what `reprise train` logs for the same recipe and step.\n\nExamples:\n"
      "  reprise bench step --threads 2\n"
      "  reprise bench step --json --shape 128,4,4,384,4096,256,8 --grain-sequences 2\n"
      "  reprise bench step --profile native --set 'native.dtype=\"bfloat16\"'\n"
      "  reprise bench step --run runs/tiny --steps 50");
  step->callback([flags] { bench_step(*flags); });
}

}  // namespace reprise::app
