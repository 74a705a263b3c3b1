// Writes the values of tensors into a file that has a place for each: alone, or each rank its slice through MPI-IO.

#include <algorithm>
#include <bit>

#include "file_access.h"
#include "file_format.h"
#include "reprise/core/fault_point.h"
#include "selection.h"
#include "write_file.h"

namespace reprise::checkpoints {
namespace {

static_assert(std::endian::native == std::endian::little, "digests and files hold little-endian float32");

class ValueWriter {
 public:
  ValueWriter(const std::filesystem::path& path, const FileContent& content, const void* mpi_comm)
      : content_(content), mpi_comm_(mpi_comm), file_(path, mpi_comm), calls_(file_.calls()) {}
  void write();

 private:
  void write_part(const Part& part, std::span<const float> flat, ChunkRange mine);
  void write_slice(const Part& part, const TensorLayout::Entry& entry, std::span<const float> flat, ChunkRange mine);
  void select(const Handle& space, const TensorSpec& spec, std::uint64_t begin, std::uint64_t end);

  const FileContent& content_;
  const void* mpi_comm_;
  WritableFile file_;
  Calls& calls_;
  Handle transfer_;
};

void ValueWriter::select(const Handle& space, const TensorSpec& spec, std::uint64_t begin, std::uint64_t end) {
  H5S_seloper_t operation = H5S_SELECT_SET;
  for (const Box& box : boxes_of_range(spec.shape, begin, end)) {
    const std::vector<hsize_t> start(box.start.begin(), box.start.end());
    const std::vector<hsize_t> count(box.count.begin(), box.count.end());
    calls_.check(H5Sselect_hyperslab(space.get(), operation, start.data(), nullptr, count.data(), nullptr), "select in",
                 spec.name);
    operation = H5S_SELECT_OR;
  }
}

/// Writes the part of one tensor that lies in the chunks `mine`; `flat` holds these chunks.
void ValueWriter::write_slice(const Part& part, const TensorLayout::Entry& entry, std::span<const float> flat,
                              ChunkRange mine) {
  const std::int64_t first = std::max(mine.begin, entry.first_chunk);
  const std::int64_t last = std::min(mine.end, entry.first_chunk + entry.num_chunks);
  if (first >= last) return;
  const std::string name = fmt::format("{}/{}", part.group, entry.spec.name);
  const Handle dataset = calls_.own(H5Dopen2(file_.id(), name.c_str(), H5P_DEFAULT), "open dataset", name);
  const auto size = static_cast<std::uint64_t>(entry.spec.num_elements());
  const auto begin = static_cast<std::uint64_t>((first - entry.first_chunk) * kChunkElements);
  const auto end = std::min(static_cast<std::uint64_t>((last - entry.first_chunk) * kChunkElements), size);
  const Handle space = calls_.own(H5Dget_space(dataset.get()), "read the shape of", name);
  if (end - begin < size) select(space, entry.spec, begin, end);
  const hsize_t count = end - begin;
  const Handle memory = calls_.own(H5Screate_simple(1, &count, nullptr), "prepare");
  const float* data = flat.data() + (first - mine.begin) * kChunkElements;
  calls_.check(H5Dwrite(dataset.get(), H5T_NATIVE_FLOAT, memory.get(), space.get(), transfer_.get(), data), "write",
               name);
}

void ValueWriter::write_part(const Part& part, std::span<const float> flat, ChunkRange mine) {
  const std::vector<TensorLayout::Entry>& entries = content_.layout.entries();
  for (std::size_t index = 0; index < entries.size(); ++index) {
    if (&part == &kParts[0] && index == entries.size() / 2) fault_point("tensor_write");
    write_slice(part, entries[index], flat, mine);
  }
}

void ValueWriter::write() {
  file_.on_failure(content_.on_failure);
  file_.open();
  transfer_ = calls_.own(H5Pcreate(H5P_DATASET_XFER), "prepare");
  if (mpi_comm_ != nullptr) {
    // Each rank's part of a tensor is one run of bytes, so there is nothing to merge between ranks; meeting for every
    // tensor took three times as long (4 ranks on 2 cores), and OpenMPI's collective writes hang when one rank fails.
    calls_.check(H5Pset_dxpl_mpio(transfer_.get(), H5FD_MPIO_INDEPENDENT), "prepare");
  }
  const StateView& state = content_.state;
  write_part(kParts[0], state.weights, state.slice);
  if (state.store_moments) {
    write_part(kParts[1], state.first_moments, state.slice);
    write_part(kParts[2], state.second_moments, state.slice);
  }
  file_.close();
}

}  // namespace

void write_values(const std::filesystem::path& path, const FileContent& content, const void* mpi_comm) {
  const Hdf5Lock lock;
  ValueWriter(path, content, mpi_comm).write();
}

}  // namespace reprise::checkpoints
