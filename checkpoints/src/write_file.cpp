#include "write_file.h"

#include <fcntl.h>
#include <mpi.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

#include "file_format.h"
#include "hdf5_call.h"
#include "reprise/core/fault_point.h"
#include "selection.h"

namespace reprise::checkpoints {
namespace {

static_assert(std::endian::native == std::endian::little, "digests and files hold little-endian float32");

/// Attributes of one object and links of one group that stay in its header: all of them, in the order made.
constexpr unsigned kMaxCompact = 60000;

/// Writes one file. With MPI every rank makes the same calls in the same order; only the selections differ.
class FileWriter {
 public:
  FileWriter(const std::filesystem::path& path, const FileContent& content, const void* mpi_comm, bool first);
  ~FileWriter();
  void write();

 private:
  void make_property_lists();
  Handle make_group(const char* name, std::size_t num_links);
  Handle make_dataset(hid_t place, const std::string& name, hid_t type, const Handle& space);
  void write_header_attributes();
  void write_recipe();
  void write_digests();
  void write_part(const Part& part, std::span<const float> flat, ChunkRange mine);
  void write_tensor(hid_t group, const Part& part, std::size_t index, std::span<const float> flat, ChunkRange mine);
  void write_slice(const Handle& dataset, const Handle& space, const TensorLayout::Entry& entry,
                   std::span<const float> flat, ChunkRange mine);
  void write_nothing(const Handle& dataset, const std::string& name);
  void write_small(const Handle& dataset, hid_t type, const void* bytes, const std::string& name);
  void attribute(hid_t object, const char* name, hid_t type, const void* value);
  void attribute(hid_t object, const char* name, std::string_view text);
  void attribute(hid_t object, const char* name, const Digest& digest) { attribute(object, name, digest.hex()); }
  void close();
  void let_go_of_disk();

  std::string path_;
  const FileContent& content_;
  const void* mpi_comm_;
  bool first_;
  Calls calls_;
  std::size_t tensors_written_ = 0;
  Handle file_access_, file_create_, group_create_, dataset_create_, transfer_;
  Handle file_;
};

FileWriter::FileWriter(const std::filesystem::path& path, const FileContent& content, const void* mpi_comm, bool first)
    : path_(path.string()),
      content_(content),
      mpi_comm_(mpi_comm),
      first_(first),
      calls_(path_, ErrorKind::kIo,
             mpi_comm == nullptr ? Calls::OnFailure::kThrow : Calls::OnFailure::kKeepGoing) {}

FileWriter::~FileWriter() {
  if (file_.get() >= 0) let_go_of_disk();
}

/// After a failure: HDF5 still wants to flush what it holds when the file is closed, and would keep the file open when
/// that fails too. It gets memory in place of the disk.
void FileWriter::let_go_of_disk() {
  void* descriptor = nullptr;
  if (mpi_comm_ == nullptr && H5Fget_vfd_handle(file_.get(), H5P_DEFAULT, &descriptor) >= 0) {
    const int memory = ::memfd_create("reprise", MFD_CLOEXEC);
    if (memory >= 0) {
      ::dup2(memory, *static_cast<int*>(descriptor));
      ::close(memory);
    }
  }
  file_.reset();
  H5Eclear2(H5E_DEFAULT);
}

/// Nothing here may depend on the clock, the library's defaults or the number of ranks: the bytes of a file are a
/// function of its content.
void FileWriter::make_property_lists() {
  file_access_ = calls_.own(H5Pcreate(H5P_FILE_ACCESS), "prepare");
  calls_.check(H5Pset_libver_bounds(file_access_.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), "prepare");
  calls_.check(H5Pset_fclose_degree(file_access_.get(), H5F_CLOSE_STRONG), "prepare");
  calls_.check(H5Pset_file_locking(file_access_.get(), false, true), "prepare");  // the name is this run's alone
  calls_.check(H5Pset_meta_block_size(file_access_.get(), 1 << 16), "prepare");
  transfer_ = calls_.own(H5Pcreate(H5P_DATASET_XFER), "prepare");
  if (mpi_comm_ != nullptr) {
    calls_.check(H5Pset_fapl_mpio(file_access_.get(), *static_cast<const MPI_Comm*>(mpi_comm_), MPI_INFO_NULL),
                 "prepare");
    calls_.check(H5Pset_coll_metadata_write(file_access_.get(), true), "prepare");
    calls_.check(H5Pset_dxpl_mpio(transfer_.get(), H5FD_MPIO_COLLECTIVE), "prepare");
  }
  file_create_ = calls_.own(H5Pcreate(H5P_FILE_CREATE), "prepare");
  calls_.check(H5Pset_obj_track_times(file_create_.get(), false), "prepare");
  calls_.check(H5Pset_attr_phase_change(file_create_.get(), kMaxCompact, 0), "prepare");
  dataset_create_ = calls_.own(H5Pcreate(H5P_DATASET_CREATE), "prepare");
  calls_.check(H5Pset_obj_track_times(dataset_create_.get(), false), "prepare");
  calls_.check(H5Pset_layout(dataset_create_.get(), H5D_CONTIGUOUS), "prepare");
  calls_.check(H5Pset_alloc_time(dataset_create_.get(), H5D_ALLOC_TIME_EARLY), "prepare");
  calls_.check(H5Pset_fill_time(dataset_create_.get(), H5D_FILL_TIME_NEVER), "prepare");
}

Handle FileWriter::make_group(const char* name, std::size_t num_links) {
  std::size_t longest = 16;
  for (const TensorLayout::Entry& entry : content_.layout.entries()) {
    longest = std::max(longest, entry.spec.name.size());
  }
  const Handle create = calls_.own(H5Pcreate(H5P_GROUP_CREATE), "prepare");
  calls_.check(H5Pset_obj_track_times(create.get(), false), "prepare");
  calls_.check(H5Pset_link_phase_change(create.get(), kMaxCompact, 0), "prepare");
  calls_.check(H5Pset_est_link_info(create.get(), static_cast<unsigned>(std::min<std::size_t>(num_links, kMaxCompact)),
                                    static_cast<unsigned>(longest)),
               "prepare");
  return calls_.own(H5Gcreate2(file_.get(), name, H5P_DEFAULT, create.get(), H5P_DEFAULT), "create group", name);
}

Handle FileWriter::make_dataset(hid_t place, const std::string& name, hid_t type, const Handle& space) {
  return calls_.own(H5Dcreate2(place, name.c_str(), type, space.get(), H5P_DEFAULT, dataset_create_.get(), H5P_DEFAULT),
                    "create dataset", name);
}

void FileWriter::attribute(hid_t object, const char* name, hid_t type, const void* value) {
  const Handle space = calls_.own(H5Screate(H5S_SCALAR), "prepare");
  const Handle made = calls_.own(H5Acreate2(object, name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                                 "create attribute", name);
  calls_.check(H5Awrite(made.get(), type, value), "write attribute", name);
}

void FileWriter::attribute(hid_t object, const char* name, std::string_view text) {
  const Handle type = calls_.own(H5Tcopy(H5T_C_S1), "prepare");
  calls_.check(H5Tset_size(type.get(), text.size()), "prepare");
  calls_.check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "prepare");
  attribute(object, name, type.get(), text.data());
}

void FileWriter::write_header_attributes() {
  const hid_t root = file_.get();
  attribute(root, "format", std::string_view(kFormatName));
  visit_header(content_.header, [&](const char* name, const auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, Digest>) {
      attribute(root, name, value);
    } else if constexpr (std::is_same_v<Value, double>) {
      attribute(root, name, H5T_IEEE_F64LE, &value);
    } else {
      attribute(root, name, sizeof value == 8 ? H5T_STD_U64LE : H5T_STD_U32LE, &value);
    }
  });
  attribute(root, "root", content_.root);
}

/// Takes part in a collective write without giving anything. (Not with an H5S_NULL space: a collective write of it was
/// seen to put one element of rubbish at the start of the dataset.)
void FileWriter::write_nothing(const Handle& dataset, const std::string& name) {
  if (mpi_comm_ == nullptr) return;
  const Handle space = calls_.own(H5Dget_space(dataset.get()), "prepare");
  calls_.check(H5Sselect_none(space.get()), "prepare");
  const Handle type = calls_.own(H5Dget_type(dataset.get()), "prepare");
  calls_.check(H5Dwrite(dataset.get(), type.get(), space.get(), space.get(), transfer_.get(), nullptr), "write", name);
}

/// Writes a dataset that the first rank has whole.
void FileWriter::write_small(const Handle& dataset, hid_t type, const void* bytes, const std::string& name) {
  if (!first_) return write_nothing(dataset, name);
  calls_.check(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, transfer_.get(), bytes), "write", name);
}

void FileWriter::write_recipe() {
  const std::string& text = content_.header.recipe_text;
  const Handle type = calls_.own(H5Tcopy(H5T_C_S1), "prepare");
  calls_.check(H5Tset_size(type.get(), std::max<std::size_t>(text.size(), 1)), "prepare");
  calls_.check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "prepare");
  calls_.check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "prepare");
  const Handle space = calls_.own(H5Screate(H5S_SCALAR), "prepare");
  const Handle dataset = make_dataset(file_.get(), "recipe_text", type.get(), space);
  attribute(dataset.get(), "sha256", sha256(std::string_view(text)));
  write_small(dataset, type.get(), text.c_str(), "recipe_text");
}

void FileWriter::write_digests() {
  const Handle group = make_group("digests", kParts.size());
  const auto num_chunks = static_cast<hsize_t>(content_.layout.num_chunks());
  const hsize_t shape[2] = {num_chunks, sizeof(Digest)};
  for (const Part& part : kParts) {
    const Handle space = calls_.own(H5Screate_simple(2, shape, nullptr), "prepare");
    const Handle dataset = make_dataset(file_.get(), part.digests, H5T_STD_U8LE, space);
    write_small(dataset, H5T_NATIVE_UINT8, (content_.digests.*part.of).data(), part.digests);
  }
}

void FileWriter::write_slice(const Handle& dataset, const Handle& space, const TensorLayout::Entry& entry,
                             std::span<const float> flat, ChunkRange mine) {
  const std::int64_t first = std::max(mine.begin, entry.first_chunk);
  const std::int64_t last = std::min(mine.end, entry.first_chunk + entry.num_chunks);
  if (first >= last) return write_nothing(dataset, entry.spec.name);
  const auto begin = static_cast<std::uint64_t>((first - entry.first_chunk) * kChunkElements);
  const auto end = std::min(static_cast<std::uint64_t>((last - entry.first_chunk) * kChunkElements),
                            static_cast<std::uint64_t>(entry.spec.num_elements()));
  if (end - begin != static_cast<std::uint64_t>(entry.spec.num_elements())) {
    H5S_seloper_t operation = H5S_SELECT_SET;
    for (const Box& box : boxes_of_range(entry.spec.shape, begin, end)) {
      const std::vector<hsize_t> start(box.start.begin(), box.start.end());
      const std::vector<hsize_t> count(box.count.begin(), box.count.end());
      calls_.check(H5Sselect_hyperslab(space.get(), operation, start.data(), nullptr, count.data(), nullptr),
                   "select in", entry.spec.name);
      operation = H5S_SELECT_OR;
    }
  }
  const hsize_t count = end - begin;
  const Handle memory = calls_.own(H5Screate_simple(1, &count, nullptr), "prepare");
  const float* data = flat.data() + (first - mine.begin) * kChunkElements;
  calls_.check(H5Dwrite(dataset.get(), H5T_NATIVE_FLOAT, memory.get(), space.get(), transfer_.get(), data), "write",
               entry.spec.name);
}

void FileWriter::write_tensor(hid_t group, const Part& part, std::size_t index, std::span<const float> flat,
                              ChunkRange mine) {
  const TensorLayout::Entry& entry = content_.layout.entries()[index];
  const std::vector<hsize_t> shape(entry.spec.shape.begin(), entry.spec.shape.end());
  const Handle space = calls_.own(shape.empty() ? H5Screate(H5S_SCALAR)
                                                : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                                  "prepare");
  const Handle dataset = make_dataset(group, entry.spec.name, H5T_IEEE_F32LE, space);
  const std::span<const Digest> chunks = std::span(content_.digests.*part.of)
                                             .subspan(static_cast<std::size_t>(entry.first_chunk),
                                                      static_cast<std::size_t>(entry.num_chunks));
  const std::uint64_t place = index;
  attribute(dataset.get(), "index", H5T_STD_U64LE, &place);
  attribute(dataset.get(), "dtype", std::string_view("float32"));
  attribute(dataset.get(), "digest", tensor_digest(entry.spec, chunks));
  write_slice(dataset, space, entry, flat, mine);
}

void FileWriter::write_part(const Part& part, std::span<const float> flat, ChunkRange mine) {
  const std::size_t num_tensors = content_.layout.entries().size();
  const Handle group = make_group(part.group, num_tensors);
  for (std::size_t index = 0; index < num_tensors; ++index) {
    if (&part == &kParts[0] && index == num_tensors / 2) fault_point("tensor_write");
    write_tensor(group.get(), part, index, flat, mine);
  }
}

/// HDF5 tells of a failed write as late as here: everything is flushed and closed by calls whose results count.
void FileWriter::close() {
  calls_.check(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), "flush");
  const hid_t id = file_.get();
  if (calls_.failure() && mpi_comm_ == nullptr) return;
  const herr_t closed = H5Fclose(id);
  if (closed >= 0 || mpi_comm_ != nullptr) file_ = Handle();
  calls_.check(closed, "close");
}

void FileWriter::write() {
  make_property_lists();
  file_ = calls_.own(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, file_create_.get(), file_access_.get()), "create");
  write_header_attributes();
  write_recipe();
  write_digests();
  const StateView& state = content_.state;
  const auto mine = content_.weights;
  write_part(kParts[0], state.weights.subspan(static_cast<std::size_t>(mine.begin * kChunkElements)), mine);
  if (state.store_moments) {
    const Handle group = make_group("optimizer", 2);
    write_part(kParts[1], state.first_moments, state.moments);
    write_part(kParts[2], state.second_moments, state.moments);
  }
  close();
  if (calls_.failure()) throw *calls_.failure();
}

}  // namespace

std::uint64_t size_bound(const FileContent& content) {
  constexpr std::uint64_t kFixed = 1 << 18;       // superblock, root group, rounding up of metadata blocks
  constexpr std::uint64_t kTensorMetadata = 640;  // object header with its attributes, link
  const std::uint64_t copies = content.state.store_moments ? 3 : 1;
  std::uint64_t metadata = 0;
  for (const TensorLayout::Entry& entry : content.layout.entries()) {
    metadata += kTensorMetadata + 2 * entry.spec.name.size();
  }
  const auto parameters = static_cast<std::uint64_t>(content.layout.num_parameters());
  const auto chunks = static_cast<std::uint64_t>(content.layout.num_chunks());
  return kFixed + content.header.recipe_text.size() + copies * (parameters * sizeof(float) + metadata) +
         kParts.size() * chunks * sizeof(Digest);
}

void write_file(const std::filesystem::path& path, const FileContent& content, const void* mpi_comm, bool first) {
  const Hdf5Lock lock;
  FileWriter(path, content, mpi_comm, first).write();
}

}  // namespace reprise::checkpoints
