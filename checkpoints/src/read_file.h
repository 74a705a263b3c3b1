#pragma once
// The HDF5 part of reading a checkpoint. Trusts nothing: every size is checked against the file before memory is asked
// for, and whatever does not fit the format is kCorrupt.

#include <filesystem>
#include <string>
#include <vector>

#include "file_format.h"
#include "hdf5_call.h"

namespace reprise::checkpoints {

/// One open checkpoint. The caller holds Hdf5Lock for as long as it lives.
class FileReader {
 public:
  explicit FileReader(const std::filesystem::path& path);

  /// Reads header, layout, digests and root, and checks the root against the others.
  void read_description();
  /// Reads the tensors of one part into a flat buffer (padding zero) and checks every chunk against its digest.
  std::vector<float> read_part(const Part& part);

  const CheckpointInfo& info() const { return info_; }
  const TensorLayout& layout() const { return layout_; }
  const StateDigests& digests() const { return digests_; }

 private:
  void read_header();
  void read_recipe();
  void read_layout();
  void read_digests();
  void check_root();
  void check_tensor_digest(const Handle& dataset, const Part& part, const TensorLayout::Entry& entry);
  void check_chunks(const Part& part, const TensorLayout::Entry& entry, std::span<const float> flat);

  Handle open_dataset(const std::string& name, hid_t type);
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
  Calls calls_;
  Handle file_;
};

}  // namespace reprise::checkpoints
