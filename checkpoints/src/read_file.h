#pragma once
// The HDF5 part of reading a checkpoint. Trusts nothing: every size is checked against the file before memory is asked
// for, and whatever does not fit the format is kCorrupt.

#include <filesystem>
#include <string>
#include <vector>

#include "file_format.h"
#include "hdf5_call.h"
#include "reprise/checkpoints/average.h"

namespace reprise::checkpoints {

/// Finds the file with the root of an anchor beside `path`. Throws kCheckpoint when there is none. The caller holds
/// Hdf5Lock.
std::filesystem::path find_anchor(const std::filesystem::path& path, const Anchor& anchor);

inline ChunkRange chunks_of(const TensorLayout::Entry& entry) {
  return {entry.first_chunk, entry.first_chunk + entry.num_chunks};
}

/// One open checkpoint. The caller holds Hdf5Lock for as long as it lives.
class FileReader {
 public:
  explicit FileReader(const std::filesystem::path& path);

  /// Reads what the attributes say, and checks nothing against anything.
  void read_header();
  /// Reads header, layout, digests and root, and checks the root against the others.
  void read_description();
  /// Reads the tensors of one part into a flat buffer (padding zero) and checks every chunk against its digest. Of a
  /// file of differences the anchor's weights are read as well.
  std::vector<float> read_part(const Part& part);
  /// The same of a part whose values the file holds, and keeps the chunks `kept` alone: all are read and checked.
  std::vector<float> read_chunks(const Part& part, const ChunkRange& kept);

  /// Reads the root that the file claims, and nothing else.
  Digest read_claimed_root() { return read_digest_attribute(file_.get(), "root"); }

  const CheckpointInfo& info() const { return info_; }
  const TensorLayout& layout() const { return layout_; }
  const StateDigests& digests() const { return digests_; }
  /// What an average is made of; nothing for the checkpoints of a run.
  const std::optional<AverageRecipe>& average() const { return average_; }

 private:
  void read_recipe();
  void read_layout();
  TensorSpec read_spec(const std::string& place, const std::string& name, std::uint64_t& index);
  void read_tensor(const Handle& dataset, const std::string& place, const Part& part, const TensorLayout::Entry& entry,
                   const ChunkRange& kept, std::span<float> flat);
  std::vector<float> read_deltas();
  std::vector<float> read_anchor_weights();
  void read_digests();
  void check_root();
  void read_sources();
  template <typename Value>
  std::vector<Value> read_table(const char* name, hid_t type, hid_t memory_type, std::int64_t width);
  void check_tensor_digest(const Handle& dataset, const Part& part, const TensorLayout::Entry& entry);
  void check_chunks(const Part& part, const TensorLayout::Entry& entry, std::span<const float> values);

  void require_own(const std::string& name) const;
  Handle open_group(const char* name);
  Handle open_dataset(const std::string& name, hid_t type);
  std::uint64_t most_elements() const;
  std::vector<std::int64_t> require_shape(std::vector<std::int64_t> shape, const std::string& name) const;
  std::vector<std::int64_t> shape_of(const Handle& dataset, const std::string& name);
  std::vector<std::string> links_of(const char* group);
  bool has_link(const char* name);
  void read_attribute(hid_t object, const char* name, hid_t type, void* value);
  std::string read_text_attribute(hid_t object, const char* name);
  Digest read_digest_attribute(hid_t object, const char* name);
  [[noreturn]] void corrupt(const std::string& what) const;

  CheckpointInfo info_;
  TensorLayout layout_;
  StateDigests digests_;
  std::optional<AverageRecipe> average_;
  Calls calls_;
  Handle file_;
};

}  // namespace reprise::checkpoints
