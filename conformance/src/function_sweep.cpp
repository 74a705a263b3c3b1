#include "function_sweep.h"

#include <algorithm>
#include <future>
#include <mutex>

#include "reprise/numerics/device_memory.h"

namespace reprise::conformance {
namespace {

using numerics::ExactFunction;

// The order of the contract's table.
constexpr ExactFunction kInOrder[] = {ExactFunction::kExp,  ExactFunction::kLog,  ExactFunction::kSigmoid,
                                      ExactFunction::kTanh, ExactFunction::kErf,  ExactFunction::kSin,
                                      ExactFunction::kCos,  ExactFunction::kRsqrt};
// Inputs that go to the device together; a copy of them should take longer than its start.
constexpr std::size_t kBatch = std::size_t{1} << 22;

/// Hashes outputs in the order in which inputs are added.
class Sweep {
 public:
  Sweep(numerics::Device& device, ExactFunction function)
      : device_(device), function_(function), memory_(device), on_device_(memory_.take<float>(kBatch)), y_(kBatch) {
    x_.reserve(kBatch);
  }

  void add(std::span<const float> x) {
    x_.insert(x_.end(), x.begin(), x.end());
    if (x_.size() + x.size() > kBatch) evaluate();
  }

  Digest finish() {
    evaluate();
    return hash_.finish();
  }

 private:
  void evaluate() {
    const std::size_t num_bytes = x_.size() * sizeof(float);
    device_.write(on_device_, x_.data(), num_bytes);
    device_.exact_function(function_, static_cast<std::int64_t>(x_.size()), on_device_, on_device_);
    device_.read(y_.data(), on_device_, num_bytes);
    hash_.update(std::as_bytes(std::span(y_).first(x_.size())));
    x_.clear();
  }

  numerics::Device& device_;
  ExactFunction function_;
  numerics::DeviceMemory memory_;
  float* on_device_;
  std::vector<float> x_, y_;
  Sha256 hash_;
};

numerics::FunctionCheck check(numerics::Device& device, std::size_t index, numerics::FunctionInputs inputs) {
  const numerics::PublishedFunction& function = numerics::published_functions()[index];
  Sweep sweep(device, kInOrder[index]);
  numerics::for_each_function_block(inputs, [&](std::span<const float> x) { sweep.add(x); });
  const bool all = inputs == numerics::FunctionInputs::kAll;
  return {function, sweep.finish(), all ? function.all_digest : function.sample_digest};
}

}  // namespace

std::vector<numerics::FunctionCheck> sweep_functions(const MakeDevice& make_device, numerics::FunctionInputs inputs,
                                                     int num_threads, const SayProgress& say) {
  const std::size_t count = numerics::published_functions().size();
  static_assert(std::size(kInOrder) == 8);
  std::vector<numerics::FunctionCheck> checks(count);
  const auto workers = static_cast<std::size_t>(std::clamp<int>(num_threads, 1, static_cast<int>(count)));
  const char* const inputs_said = inputs == numerics::FunctionInputs::kAll ? "all" : "sample";
  std::mutex saying;
  std::vector<std::future<void>> running;
  for (std::size_t worker = 0; worker < workers; ++worker) {
    running.push_back(std::async(std::launch::async, [&, worker] {
      const std::shared_ptr<numerics::Device> device = make_device();
      for (std::size_t index = worker; index < count; index += workers) {
        checks[index] = check(*device, index, inputs);
        const std::lock_guard lock(saying);
        say("function: " + line_of(checks[index], inputs_said));
      }
    }));
  }
  for (std::future<void>& worker : running) worker.get();
  return checks;
}

}  // namespace reprise::conformance
