#pragma once
// The models of hashed_model.h in the native profile on the emulated GPU.

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emulated_device.h"
#include "hashed_model.h"
#include "reprise/numerics/device_memory.h"

namespace reprise::model {

inline NativeProfile profile(const char* dtype, const char* device) {
  configs::NativeNumerics numerics;
  numerics.set_dtype(dtype);
  return {numerics, device};
}

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

inline void expect_same(const GrainResult& result, const GrainResult& expected, const std::string& what = {}) {
  EXPECT_TRUE(same_bits(result.losses.cross_entropy, expected.losses.cross_entropy)) << what;
  EXPECT_TRUE(same_bits(result.losses.z, expected.losses.z)) << what;
  EXPECT_TRUE(same_bits(result.gradient, expected.gradient)) << what;
}

/// A model whose weights lie on an emulated GPU.
struct OnDevice {
  OnDevice(HashedModel& hashed, const char* dtype, std::optional<std::int32_t> end, std::size_t recompute_layers)
      : model(hashed),
        weights(memory.copy_of(hashed.weights)),
        decoder(hashed.recipe, hashed.shape.vocab_size, hashed.shape.length, hashed.layout, hashed.weights,
                profile(dtype, "cpu"), end, recompute_layers, {device.get(), weights}) {}
  GrainResult run() const { return model.run(decoder); }
  void set_weights(const std::vector<float>& values) {
    device->write(weights, values.data(), values.size() * sizeof(float));
    decoder.weights_changed();
  }

  HashedModel& model;
  std::unique_ptr<numerics::Device> device = emulation::make_emulated_device(numerics::WorkOrder::kLibTorch);
  numerics::DeviceMemory memory{*device};
  float* weights;
  Decoder decoder;
};

}  // namespace reprise::model
