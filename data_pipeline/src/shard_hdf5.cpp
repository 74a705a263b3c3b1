#include "shard_hdf5.h"

#include <cstdint>
#include <vector>

#include "reprise/core/error.h"

namespace reprise::data {
namespace {

constexpr std::size_t kGrowBytes = std::size_t{1} << 20;
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
  return list;
}

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

QuietHdf5::QuietHdf5() {
  H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

QuietHdf5::~QuietHdf5() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

Hdf5Handle create_hdf5_image() {
  const Hdf5Handle creation = checked(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "H5Pcreate");
  // The root group keeps a clock unless told not to.
  check(H5Pset_obj_track_times(creation.get(), false) >= 0, "H5Pset_obj_track_times");
  check(H5Pset_attr_phase_change(creation.get(), kMaxCompactAttributes, 0) >= 0, "H5Pset_attr_phase_change");
  const Hdf5Handle access = access_list();
  return checked(H5Fcreate("shard", H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose, "H5Fcreate");
}

Hdf5Handle open_hdf5_image(const std::string& image) {
  const Hdf5Handle access = access_list();
  // HDF5 copies the image; it takes a pointer to non-const and does not write through it.
  check(H5Pset_file_image(access.get(), const_cast<char*>(image.data()), image.size()) >= 0, "H5Pset_file_image");
  return {H5Fopen("shard", H5F_ACC_RDONLY, access.get()), H5Fclose};
}

std::string hdf5_image_bytes(const Hdf5Handle& file) {
  check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL) >= 0, "H5Fflush");
  const ssize_t size = H5Fget_file_image(file.get(), nullptr, 0);
  check(size >= 0, "H5Fget_file_image");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  check(H5Fget_file_image(file.get(), bytes.data(), bytes.size()) == size, "H5Fget_file_image");
  return bytes;
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
  Hdf5Handle dataset = checked(
      H5Dcreate2(file.get(), name.c_str(), file_type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
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
