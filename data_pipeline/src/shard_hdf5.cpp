#include "shard_hdf5.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "reprise/core/error.h"
#include "reprise/core/hdf5_mutex.h"

namespace reprise::data {
namespace {

constexpr std::size_t kGrowBytes = 1;  // the memory is as long as the file, never padded
/// Where a superblock of version 3 says how long the file is (HDF5 File Format Specification, section II.A).
constexpr std::size_t kEndOfFileField = 28;
constexpr unsigned kMaxCompactAttributes = 64;  // all of ours stay in the object header

/// A call that can fail only by a mistake of ours or for want of memory, since no disk takes part.
void check(bool succeeded, const char* call) {
  if (!succeeded) throw Error(ErrorKind::kInternal, fmt::format("HDF5 call failed in memory: {}", call));
}

Hdf5Handle checked(hid_t id, herr_t (*close)(hid_t), const char* call) {
  check(id >= 0, call);
  return {id, close};
}

Hdf5Handle access_list() {
  Hdf5Handle list = checked(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "H5Pcreate");
  check(H5Pset_fapl_core(list.get(), kGrowBytes, /*backing_store=*/0) >= 0, "H5Pset_fapl_core");
  check(H5Pset_libver_bounds(list.get(), H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0, "H5Pset_libver_bounds");
  check(H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG) >= 0, "H5Pset_fclose_degree");
  return list;
}

/// Every file in memory has a name of its own: HDF5 takes two open files of one name for the same file.
std::string next_image_name() {
  static std::atomic<std::uint64_t> serial{0};
  return "shard-" + std::to_string(++serial);
}

// HDF5's own way to read a file in memory out, H5Fget_file_image, clears flags of the superblock without renewing the
// checksum over them (seen with 1.10.8). So the memory itself is taken when HDF5 gives it back at the closing.
void* allocate_image(std::size_t size, H5FD_file_image_op_t, void* owner) {
  static_cast<Hdf5Image*>(owner)->allocated = size;
  return std::malloc(size);
}

void* resize_image(void* memory, std::size_t size, H5FD_file_image_op_t, void* owner) {
  static_cast<Hdf5Image*>(owner)->allocated = size;
  return std::realloc(memory, size);
}

herr_t release_image(void* memory, H5FD_file_image_op_t operation, void* owner) {
  auto* image = static_cast<Hdf5Image*>(owner);
  try {
    if (operation == H5FD_FILE_IMAGE_OP_FILE_CLOSE) image->bytes.assign(static_cast<char*>(memory), image->allocated);
  } catch (const std::bad_alloc&) {  // must not cross C; close_hdf5_image sees that the bytes are missing
    image->bytes.clear();
  }
  std::free(memory);
  return 0;
}

void* copy_image(void* target, const void* source, std::size_t size, H5FD_file_image_op_t, void*) {
  return std::memcpy(target, source, size);
}

void* share_owner(void* owner) { return owner; }
herr_t keep_owner(void*) { return 0; }

Hdf5Handle text_type(std::size_t length) {
  Hdf5Handle type = checked(H5Tcopy(H5T_C_S1), H5Tclose, "H5Tcopy");
  check(H5Tset_size(type.get(), length == 0 ? 1 : length) >= 0, "H5Tset_size");
  check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD) >= 0, "H5Tset_strpad");
  return type;
}

void write_attribute(const Hdf5Handle& object, const char* name, hid_t file_type, hid_t memory_type,
                     const void* value) {
  const Hdf5Handle space = checked(H5Screate(H5S_SCALAR), H5Sclose, "H5Screate");
  const Hdf5Handle attribute =
      checked(H5Acreate2(object.get(), name, file_type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose, name);
  check(H5Awrite(attribute.get(), memory_type, value) >= 0, name);
}

/// Opens an attribute that is a single value of class `wanted`.
Hdf5Handle open_scalar_attribute(const Hdf5Handle& object, const char* name, H5T_class_t wanted) {
  Hdf5Handle attribute(H5Aopen(object.get(), name, H5P_DEFAULT), H5Aclose);
  if (!attribute.valid()) return attribute;
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const bool usable = space.valid() && type.valid() && H5Sget_simple_extent_npoints(space.get()) == 1 &&
                      H5Tget_class(type.get()) == wanted && H5Tis_variable_str(type.get()) <= 0;
  return usable ? std::move(attribute) : Hdf5Handle(-1, H5Aclose);
}

}  // namespace

QuietHdf5::QuietHdf5() : lock_(hdf5_mutex()) {
  // After a failed metadata checksum HDF5 1.10.8 leaks an object, and at the end of the process its clean-up prints
  // "infinite loop closing library". Every file of ours is closed by its owner, so the clean-up has nothing to do. The
  // call must be HDF5's first; where another library was earlier it changes nothing.
  static const herr_t no_clean_up = H5dont_atexit();
  static_cast<void>(no_clean_up);
  H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

QuietHdf5::~QuietHdf5() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

Hdf5Handle create_hdf5_image(Hdf5Image& image) {
  const Hdf5Handle creation = checked(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "H5Pcreate");
  // The root group keeps a clock unless told not to.
  check(H5Pset_obj_track_times(creation.get(), false) >= 0, "H5Pset_obj_track_times");
  check(H5Pset_attr_phase_change(creation.get(), kMaxCompactAttributes, 0) >= 0, "H5Pset_attr_phase_change");
  const Hdf5Handle access = access_list();
  H5FD_file_image_callbacks_t callbacks{allocate_image, copy_image, resize_image, release_image,
                                        share_owner,    keep_owner, &image};
  check(H5Pset_file_image_callbacks(access.get(), &callbacks) >= 0, "H5Pset_file_image_callbacks");
  return checked(H5Fcreate(next_image_name().c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose,
                 "H5Fcreate");
}

Hdf5Handle open_hdf5_image(const std::string& image) {
  if (image.empty()) return {-1, H5Fclose};  // H5Pset_file_image refuses an empty one
  const Hdf5Handle access = access_list();
  // HDF5 copies the image; it takes a pointer to non-const and does not write through it.
  check(H5Pset_file_image(access.get(), const_cast<char*>(image.data()), image.size()) >= 0, "H5Pset_file_image");
  return {H5Fopen(next_image_name().c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose};
}

std::string close_hdf5_image(Hdf5Handle file, Hdf5Image& image) {
  check(file.close(), "H5Fclose");
  check(image.bytes.size() >= kEndOfFileField + sizeof(std::uint64_t), "H5Fclose of a file in memory");
  // HDF5 gives space back when it closes a file; on a disk it would cut the file there.
  std::uint64_t size = 0;
  std::memcpy(&size, image.bytes.data() + kEndOfFileField, sizeof size);
  check(size <= image.bytes.size(), "H5Fclose of a file in memory");
  image.bytes.resize(size);
  return std::move(image.bytes);
}

Hdf5Handle write_hdf5_dataset(const Hdf5Handle& file, const std::string& name, hid_t file_type, hid_t memory_type,
                              const void* values, std::size_t count) {
  const hsize_t extent = count;
  const Hdf5Handle space = checked(H5Screate_simple(1, &extent, nullptr), H5Sclose, "H5Screate_simple");
  const Hdf5Handle creation = checked(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "H5Pcreate");
  check(H5Pset_obj_track_times(creation.get(), false) >= 0, "H5Pset_obj_track_times");
  check(H5Pset_layout(creation.get(), H5D_CONTIGUOUS) >= 0, "H5Pset_layout");
  check(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY) >= 0, "H5Pset_alloc_time");
  check(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER) >= 0, "H5Pset_fill_time");
  Hdf5Handle dataset =
      checked(H5Dcreate2(file.get(), name.c_str(), file_type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
              H5Dclose, name.c_str());
  if (count > 0) {
    check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, name.c_str());
  }
  return dataset;
}

void write_hdf5_attribute(const Hdf5Handle& object, const char* name, std::uint64_t value) {
  write_attribute(object, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value);
}

void write_hdf5_attribute(const Hdf5Handle& object, const char* name, const std::string& value) {
  const Hdf5Handle type = text_type(value.size());
  write_attribute(object, name, type.get(), type.get(), value.c_str());
}

bool read_hdf5_attribute(const Hdf5Handle& object, const char* name, std::uint64_t& value) {
  const Hdf5Handle attribute = open_scalar_attribute(object, name, H5T_INTEGER);
  return attribute.valid() && H5Aread(attribute.get(), H5T_NATIVE_UINT64, &value) >= 0;
}

bool read_hdf5_attribute(const Hdf5Handle& object, const char* name, std::string& value) {
  const Hdf5Handle attribute = open_scalar_attribute(object, name, H5T_STRING);
  if (!attribute.valid()) return false;
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  value.assign(H5Tget_size(type.get()), '\0');
  if (H5Aread(attribute.get(), type.get(), value.data()) < 0) return false;
  value.resize(value.find_last_not_of('\0') + 1);
  return true;
}

}  // namespace reprise::data
