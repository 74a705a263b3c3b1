#pragma once
// What gpu_benchmark measures: a device of the exact profile, its parts and its whole training step, beside cuBLAS
// where that is linked, and the training step of the native profile. Times are the host's steady clock around enough
// repetitions, the device waited for before and behind: calls return before a GPU has done them, so what a repetition
// costs the host is hidden unless it is longer.
//
// Every figure is one JSON object: "figure" (which), "case" (of which shape), "who" (measured), "seconds" (of one call,
// a value per round), and what the case is made of. What cannot be measured here has "missing" (why) instead of
// seconds.

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "named_device.h"
#include "product_plans.h"
#include "training.h"

namespace reprise::benchmarks {

struct NamedShape {
  std::string name;
  conformance::TrainingShape sizes;
};

/// Reads NAME=hidden,layers,heads,feed-forward,vocabulary,length,sequences,grains. Throws Error(kUsage).
NamedShape parse_shape(const std::string& text);

struct Setting {
  std::string device;
  conformance::FindDevice find_device;
  conformance::FindNativeDevice find_native_device;
  FindProductPlans find_product_plans;
  int rounds = 5;
  double least_seconds = 0.03;  // of the repetitions of a round
  std::vector<NamedShape> shapes;
};

using SeeFigure = std::function<void(const nlohmann::json& figure)>;

/// Figure "gemm": the products of a shape's layers and head, beside cuBLAS in alternating rounds.
void measure_products(const Setting& setting, const SeeFigure& see);
/// Figure "plans": the same products by every plan that a GPU has for them, in turns; the one that it chooses is called
/// "planned". On the CPU it is missing.
void measure_plans(const Setting& setting, const SeeFigure& see);
/// Figures "attention forward" and "attention backward".
void measure_attention(const Setting& setting, const SeeFigure& see);
/// Figure "step": whole training steps, all of them on the device.
void measure_steps(const Setting& setting, const SeeFigure& see);
/// Figure "step" too, "reprise native bf16": all sequences are one grain, as they are one batch to the peer.
void measure_native_steps(const Setting& setting, const SeeFigure& see);
/// Figure "digests": the digests of all chunks of weights and moments, of the matrices alone, in one call.
void measure_digests(const Setting& setting, const SeeFigure& see);
/// Figure "launch": a recorded pass and the same pass operator by operator, in alternating rounds.
void measure_launches(const Setting& setting, const SeeFigure& see);

/// Returns the seconds of one of `repetitions` calls.
double seconds_of(numerics::Device& device, const std::function<void()>& work, int repetitions);
/// Runs `work` twice, the second time measured, and returns how often it must run to take `least_seconds`.
int repetitions_for(numerics::Device& device, const std::function<void()>& work, double least_seconds);

/// Fills memory of the device with values of [-1, 1), the same block over and over.
void fill_with_values(numerics::Device& device, float* memory, std::int64_t count);

/// Parses the command line, measures, prints. Returns the exit code.
int run_gpu_benchmark(int argc, char** argv, const std::string& default_device,
                      const conformance::FindDevice& find_device,
                      const conformance::FindNativeDevice& find_native_device,
                      const FindProductPlans& find_product_plans);

}  // namespace reprise::benchmarks
