#pragma once
// Partial sums of a gradient in parts, on their way from a device's memory to the host's, beside the device's work.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "reprise/dist/gradient_memory.h"
#include "reprise/dist/reduction_tree.h"
#include "reprise/numerics/device.h"

namespace reprise::train {

/// The thread that runs the device begins a part and hands it to another, which finishes it. The sums on the device
/// stay there until release(), for only the device's thread may give its memory back.
class PartialReads {
 public:
  /// `host_memory`: of the device's take_host().
  PartialReads(numerics::Device& device, std::shared_ptr<dist::GradientMemory> host_memory, std::size_t num_parts);
  ~PartialReads();
  PartialReads(const PartialReads&) = delete;
  PartialReads& operator=(const PartialReads&) = delete;

  /// Begins to copy the sums of a part, of `count` elements each. The device's thread.
  void begin(std::size_t part, std::vector<dist::TreeAdder::Partial> on_device, std::int64_t count);
  /// Waits for them and returns them in the host's memory. Any thread. Throws what a copy failed with.
  std::vector<dist::TreeAdder::Partial> finish(std::size_t part);
  /// Waits for all copies under way and forgets all parts. The device's thread, when nobody is in finish().
  void release();

 private:
  struct Part {
    std::vector<dist::TreeAdder::Partial> on_device, on_host;
    std::vector<std::function<void()>> waits;
  };

  numerics::Device& device_;
  std::shared_ptr<dist::GradientMemory> host_memory_;
  std::vector<Part> parts_;
};

}  // namespace reprise::train
