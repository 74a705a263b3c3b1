// Passes on a device, part by part: the bits of the CPU, and each part before the next one is computed. The GPU is the
// emulated one.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "cpu_device.h"
#include "emulated_device.h"
#include "hashed_model.h"
#include "reprise/core/error.h"
#include "reprise/numerics/device_memory.h"

namespace reprise::model {
namespace {

constexpr ModelShape kShape = {61, 16, 3, 2, 24, 4, 8, 0.5};
constexpr std::size_t kGrains = 2;

/// Keeps each part of each grain when it is done.
class KeepingSink : public GradientSink {
 public:
  KeepingSink(const TensorLayout& layout, std::int64_t min_elements)
      : parts_(gradient_parts(layout, min_elements)), memory_(kGrains) {
    for (std::vector<float>& whole : whole_) whole.resize(static_cast<std::size_t>(layout.num_elements()));
  }
  std::span<const ChunkRange> parts() const override { return parts_; }
  std::size_t num_grains() const override { return kGrains; }
  float* take(std::size_t part, std::size_t grain) override {
    if (grain == 0) events_ += "take " + std::to_string(part) + "; ";
    memory_[grain].assign(size_of(part), -7.0f);
    return memory_[grain].data();
  }
  void done(std::size_t part) override {
    events_ += "done " + std::to_string(part) + "; ";
    for (std::size_t grain = 0; grain < kGrains; ++grain) keep(part, grain, memory_[grain].data());
    if (static_cast<int>(part) == failing_part) throw Error(ErrorKind::kInternal, "nobody wants the part");
  }

  const std::vector<float>& whole(std::size_t grain) const { return whole_[grain]; }
  const std::string& events() const { return events_; }
  int failing_part = -1;

 protected:
  std::size_t size_of(std::size_t part) const { return static_cast<std::size_t>(parts_[part].size() * kChunkElements); }
  void keep(std::size_t part, std::size_t grain, const float* values) {
    std::copy(values, values + size_of(part), whole_[grain].begin() + parts_[part].begin * kChunkElements);
  }

 private:
  std::vector<ChunkRange> parts_;
  std::vector<std::vector<float>> memory_;  // of the part at hand, by grain
  std::vector<float> whole_[kGrains];
  std::string events_;
};

/// The same in the device's memory, from where a part is read beside the rest of the pass.
class KeepingSinkOnDevice final : public KeepingSink {
 public:
  KeepingSinkOnDevice(const TensorLayout& layout, std::int64_t min_elements, numerics::Device& device)
      : KeepingSink(layout, min_elements), device_(device), memory_(device) {}
  bool is_on_device() const override { return true; }
  float* take(std::size_t part, std::size_t) override {
    taken_.push_back(memory_.take<float>(static_cast<std::int64_t>(size_of(part))));
    return taken_.back();
  }
  void done(std::size_t part) override {
    for (std::size_t grain = 0; grain < kGrains; ++grain) {
      const std::size_t num_bytes = size_of(part) * sizeof(float);
      auto* const on_host = static_cast<float*>(device_.take_host(num_bytes));
      waits_.push_back([=, this, wait = device_.begin_read(on_host, taken_[grain], num_bytes)] {
        wait();
        keep(part, grain, on_host);
        device_.give_host(on_host, num_bytes);
      });
    }
    taken_.clear();
  }
  void wait() {
    for (const std::function<void()>& wait : waits_) wait();
  }

 private:
  numerics::Device& device_;
  numerics::DeviceMemory memory_;
  std::vector<float*> taken_;  // of the part at hand, by grain
  std::vector<std::function<void()>> waits_;
};

/// A model and a decoder of it on a device, and one on the CPU.
struct Decoders {
  explicit Decoders(numerics::Device& device, std::size_t recompute_layers = 0)
      : weights(device),
        on_device(model.recipe, model.shape.vocab_size, model.shape.length, model.layout, model.weights, std::nullopt,
                  std::nullopt, recompute_layers, {&device, weights.copy_of(model.weights)}),
        on_cpu(model.decoder()) {}

  GrainLosses run(const Decoder& decoder, GradientSink& sink) const {
    return decoder.run_grains(model.inputs, model.targets, model.shape.num_sequences, model.shape.length,
                              HashedModel::kZWeight, sink);
  }
  void expect_cpus(const GrainLosses& losses, const KeepingSink& found) const {
    KeepingSink expected(model.layout, 0);
    const GrainLosses cpus = run(on_cpu, expected);
    EXPECT_EQ(losses.cross_entropy, cpus.cross_entropy);
    EXPECT_EQ(losses.z, cpus.z);
    for (std::size_t grain = 0; grain < kGrains; ++grain) {
      const std::vector<float>&a = found.whole(grain), &b = expected.whole(grain);
      EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0) << "grain " << grain;
    }
  }

  HashedModel model{kShape};
  numerics::DeviceMemory weights;
  Decoder on_device, on_cpu;
};

class DevicePasses : public testing::Test {
 protected:
  std::unique_ptr<numerics::Device> device = emulation::make_emulated_device();
};

// All parts come out of one buffer, so that one which is not given before the next is computed is lost.
TEST_F(DevicePasses, GiveEachPartBeforeTheNextOneIsComputed) {
  Decoders decoders(*device);
  for (const std::int64_t min_elements : {1, 60000, 0}) {  // five parts, two, one
    for (const int shift : {0, 1}) {                       // recorded, and repeated with other tokens
      std::rotate(decoders.model.inputs.begin(), decoders.model.inputs.begin() + shift, decoders.model.inputs.end());
      KeepingSink sink(decoders.model.layout, min_elements), expected(decoders.model.layout, min_elements);
      decoders.expect_cpus(decoders.run(decoders.on_device, sink), sink);
      decoders.run(decoders.on_cpu, expected);
      EXPECT_EQ(sink.events(), expected.events());
    }
  }
}

TEST_F(DevicePasses, GivePartsOfLayersThatAreComputedAgain) {
  Decoders decoders(*device, 2);
  KeepingSink sink(decoders.model.layout, 1);
  decoders.expect_cpus(decoders.run(decoders.on_device, sink), sink);
}

TEST_F(DevicePasses, GiveTheSameWhereNothingIsRecorded) {
  numerics::CpuDevice records_nothing;
  Decoders decoders(records_nothing);
  KeepingSink sink(decoders.model.layout, 1), expected(decoders.model.layout, 1);
  decoders.expect_cpus(decoders.run(decoders.on_device, sink), sink);
  decoders.run(decoders.on_cpu, expected);
  EXPECT_EQ(sink.events(), expected.events());
}

TEST_F(DevicePasses, GivePartsThatAreReadBesideTheRestOfThePass) {
  Decoders decoders(*device);
  for (int run = 0; run < 2; ++run) {
    KeepingSinkOnDevice sink(decoders.model.layout, 1, *device);
    const GrainLosses losses = decoders.run(decoders.on_device, sink);
    sink.wait();
    decoders.expect_cpus(losses, sink);
  }
}

TEST_F(DevicePasses, CanBeRunAgainWhenOneHasBeenLeftInTheMiddle) {
  Decoders decoders(*device);
  KeepingSink fails(decoders.model.layout, 1), sink(decoders.model.layout, 1);
  fails.failing_part = 1;
  EXPECT_THROW(decoders.run(decoders.on_device, fails), Error);
  EXPECT_EQ(fails.events(), "take 0; done 0; take 1; done 1; ");
  decoders.expect_cpus(decoders.run(decoders.on_device, sink), sink);
}

}  // namespace
}  // namespace reprise::model
