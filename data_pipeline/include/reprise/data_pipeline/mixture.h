#pragma once
// How the groups of a recipe fill its stages, and which sequence each sample of a run is: a function of recipe and
// group sizes, in constant time both ways (docs/formats/shard.md, "Groups and stages"). Immutable; thread-safe.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/data_pipeline/shards.h"

namespace reprise::data {

/// Where a run begins to read: its step `step` + 1 begins with `sample`. Not 0 where it goes on from another run.
struct DataStart {
  std::uint64_t step = 0;
  std::uint64_t sample = 0;
};

/// What one group gives to one stage.
struct StageGroup {
  std::uint64_t num_samples = 0;
  std::uint64_t first_draw = 0;  // samples of the group in the stages before
};

struct MixtureStage {
  std::string name;  // empty: no stages were given
  std::uint64_t first_sample = 0;
  std::uint64_t num_samples = 0;
  std::vector<StageGroup> groups;  // by group
};

/// What one sample of a run is.
struct SamplePlace {
  std::size_t stage = 0;
  std::size_t group = 0;
  std::uint64_t epoch = 0;     // of the group, counted through the stages
  std::uint64_t sequence = 0;  // of the group
};

class Mixture {
 public:
  /// `num_sequences`: of each group of the recipe, or of all documents where it has none. Throws one kData with every
  /// reason why the groups cannot fill the stages.
  Mixture(const configs::Recipe& recipe, std::span<const std::uint64_t> num_sequences, DataStart start = {});
  ~Mixture();
  Mixture(Mixture&&) noexcept;
  Mixture& operator=(Mixture&&) noexcept;

  std::uint64_t num_samples() const;
  const std::vector<MixtureStage>& stages() const;
  /// The stage of a sample, below num_samples().
  std::size_t stage_of(std::uint64_t sample) const;
  SamplePlace place(std::uint64_t sample) const;
  /// Every sample that reads a sequence of a group, ascending.
  std::vector<std::uint64_t> samples_of(std::size_t group, std::uint64_t sequence) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace reprise::data
