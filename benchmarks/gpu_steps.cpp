// Whole training steps and passes, and the digests of a state.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gpu_benchmark.h"
#include "reprise/core/report_error.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/native_ops/gpu.h"
#include "reprise/numerics/device_memory.h"

namespace reprise::benchmarks {
namespace {

using conformance::Passes;
using conformance::Training;

constexpr char kNative[] = "reprise native bf16";

std::string words_of(const NamedShape& shape) {
  const conformance::TrainingShape& sizes = shape.sizes;
  return fmt::format("{} {} x {} tokens", shape.name, sizes.num_sequences(), sizes.length);
}

/// Multiplications and additions of a step that any algorithm needs: 6 for each weight of a product and token, and
/// causal attention's 2 + 4 products over half of the square.
double model_flops(const conformance::TrainingShape& shape, std::int64_t num_parameters) {
  const auto tokens = static_cast<double>(shape.num_sequences() * shape.length);
  const auto weights = static_cast<double>(num_parameters - shape.vocab * shape.hidden);
  const auto attention = static_cast<double>(shape.layers * shape.hidden * shape.length);
  return tokens * (6.0 * weights + 6.0 * attention);
}

nlohmann::json figure_of(const char* figure, const char* who, const NamedShape& shape, const Training& training) {
  return {{"figure", figure},
          {"case", words_of(shape)},
          {"who", who},
          {"parameters", training.num_parameters()},
          {"tokens", shape.sizes.num_sequences() * shape.sizes.length},
          {"flops", model_flops(shape.sizes, training.num_parameters())},
          {"seconds", nlohmann::json::array()}};
}

void add_seconds_of_steps(const Setting& setting, numerics::Device& device, Training& training,
                          nlohmann::json& figure) {
  const std::function<void()> step = [&] { training.step(); };
  step();  // takes memory, records
  const int repetitions = repetitions_for(device, step, setting.least_seconds);
  for (int round = 0; round < setting.rounds; ++round) {
    figure["seconds"].push_back(seconds_of(device, step, repetitions));
  }
}

/// Weights, moments and gradients are the device's; operands and activations are LibTorch's.
void add_native_memory(const conformance::NativeDevice& on, nlohmann::json& figure) {
  const std::optional<std::size_t> of_torch = native_ops::peak_bytes(on.torch_name);
  figure["bytes"] = on.device->bytes_reserved() + of_torch.value_or(0);
  if (!of_torch) figure["bytes_lack"] = "LibTorch's part";
}

nlohmann::json native_step_of(const Setting& setting, const NamedShape& shape) {
  const conformance::NativeDevice on = setting.find_native_device(setting.device);
  conformance::TrainingShape sizes = shape.sizes;
  sizes.sequences_per_grain = sizes.num_sequences();
  sizes.grains = 1;
  native_ops::forget_peak_bytes(on.torch_name);
  Training training(on, sizes, numerics::OperandType::kBfloat16);
  nlohmann::json result = figure_of("step", kNative, shape, training);
  add_seconds_of_steps(setting, *on.device, training, result);
  add_native_memory(on, result);
  return result;
}

}  // namespace

void measure_native_steps(const Setting& setting, const SeeFigure& see) {
  for (const NamedShape& shape : setting.shapes) {
    try {
      see(native_step_of(setting, shape));
    } catch (...) {  // no GPU, no CUDA part of LibTorch, not enough memory
      see({{"figure", "step"}, {"case", words_of(shape)}, {"who", kNative}, {"missing", caught_error().what()}});
    }
  }
}

void measure_steps(const Setting& setting, const SeeFigure& see) {
  for (const NamedShape& shape : setting.shapes) {
    const std::shared_ptr<numerics::Device> device = setting.find_device(setting.device);
    Training training(*device, shape.sizes);
    nlohmann::json result = figure_of("step", "reprise exact", shape, training);
    add_seconds_of_steps(setting, *device, training, result);
    result["bytes"] = device->bytes_reserved();
    see(result);
  }
}

void measure_digests(const Setting& setting, const SeeFigure& see) {
  for (const NamedShape& shape : setting.shapes) {
    const std::shared_ptr<numerics::Device> device = setting.find_device(setting.device);
    const conformance::TrainingShape& sizes = shape.sizes;
    const std::int64_t of_layer = sizes.hidden * (4 * sizes.hidden + 3 * sizes.ffn);
    const std::int64_t matrices = 2 * sizes.vocab * sizes.hidden + sizes.layers * of_layer;
    const std::int64_t of_each = (matrices + kChunkElements - 1) / kChunkElements;  // weights, either moment
    const std::int64_t num_chunks = 3 * of_each;
    numerics::DeviceMemory memory(*device);
    float* const state = memory.take<float>(num_chunks * kChunkElements);
    fill_with_values(*device, state, num_chunks * kChunkElements);
    const std::vector<std::int32_t> whole(static_cast<std::size_t>(of_each), kChunkElements);
    const std::int32_t* const lengths = memory.copy_of(whole);
    auto* const digests = memory.take<std::uint8_t>(num_chunks * static_cast<std::int64_t>(sizeof(Digest)));
    auto* const non_finite = memory.take<std::uint8_t>(num_chunks);
    const auto hash = [&] {  // one behind the other, as a step does
      for (std::int64_t first = 0; first < num_chunks; first += of_each) {
        device->digest_chunks(of_each, lengths, state + first * kChunkElements,
                              digests + first * static_cast<std::int64_t>(sizeof(Digest)), non_finite + first);
      }
    };
    nlohmann::json result{{"figure", "digests"},
                          {"case", fmt::format("{} {} chunks", shape.name, num_chunks)},
                          {"who", "reprise"},
                          {"hashed_bytes", num_chunks * kChunkElements * std::int64_t{sizeof(float)}},
                          {"seconds", nlohmann::json::array()}};
    const int repetitions = repetitions_for(*device, hash, setting.least_seconds);
    for (int round = 0; round < setting.rounds; ++round) {
      result["seconds"].push_back(seconds_of(*device, hash, repetitions));
    }
    see(result);
  }
}

void measure_launches(const Setting& setting, const SeeFigure& see) {
  for (const NamedShape& shape : setting.shapes) {
    const std::shared_ptr<numerics::Device> device = setting.find_device(setting.device);
    Training recorded(*device, shape.sizes, Passes::kRecorded), called(*device, shape.sizes, Passes::kByOperator);
    nlohmann::json of_recorded = figure_of("launch", "recorded", shape, recorded);
    nlohmann::json of_called = figure_of("launch", "operator by operator", shape, called);
    const std::function<void()> recorded_pass = [&] { recorded.pass(); }, called_pass = [&] { called.pass(); };
    recorded_pass();  // takes memory, records
    const int repetitions = repetitions_for(*device, called_pass, setting.least_seconds);
    for (int round = 0; round < setting.rounds; ++round) {
      of_recorded["seconds"].push_back(seconds_of(*device, recorded_pass, repetitions));
      of_called["seconds"].push_back(seconds_of(*device, called_pass, repetitions));
    }
    see(of_recorded);
    see(of_called);
  }
}

}  // namespace reprise::benchmarks
