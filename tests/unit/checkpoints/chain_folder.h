#pragma once
// A folder with a chain of checkpoints of one small run, for tests of what is done to such folders.

#include <string>
#include <utility>
#include <vector>

#include "reprise/core/files.h"
#include "sample_state.h"

namespace reprise::checkpoints {

/// A chain of steps 0, 1, 2, 4, 6, 8 of which 0 and 4 have moments; weights move a little with every step.
class ChainFolder {
 public:
  struct Empty {};
  static constexpr Empty kEmpty{};

  explicit ChainFolder(Empty) {}
  ChainFolder() {
    for (const std::uint64_t step : {0, 1, 2, 4, 6, 8}) write(step, step % 4 == 0 && step < 8);
  }

  static SampleState state_of(std::uint64_t step) {
    SampleState state(0);
    for (std::size_t i = 0; i < state.weights.size(); ++i) {
      if (state.weights[i] != 0) state.weights[i] *= 1 + 1e-6f * static_cast<float>((step * (i % 13)) % 101);
    }
    state.digest();
    state.header.step = step;
    return state;
  }

  void write(std::uint64_t step, bool store_moments) {
    SampleState state = state_of(step);
    state.header.previous_root = previous_;
    previous_ = state.write(folder_, store_moments, *dist::make_local_communicator());
    bytes_.emplace_back(file(step), read_file(file(step)));
  }

  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path file(std::uint64_t step) const { return path() / file_name(FileKind::kScheduled, step); }
  /// Every file as it was first written.
  const std::vector<std::pair<std::filesystem::path, std::string>>& bytes() const { return bytes_; }

 private:
  TestFolder folder_;
  Digest previous_{};
  std::vector<std::pair<std::filesystem::path, std::string>> bytes_;
};

}  // namespace reprise::checkpoints
