#pragma once
// The few HDF5 calls that shards need, with owners and errors.

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

namespace reprise::data {

/// Owns an identifier of HDF5.
class Hdf5Handle {
 public:
  Hdf5Handle(hid_t id, herr_t (*closer)(hid_t)) : id_(id), close_(closer) {}
  ~Hdf5Handle() {
    if (id_ >= 0) close_(id_);
  }
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&&) = delete;

  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }
  /// Closes now; returns whether HDF5 could.
  bool close() { return close_(std::exchange(id_, -1)) >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// Keeps HDF5 from printing its error stack to stderr while it lives, and other threads out of it: Debian's parallel
/// build is not thread-safe, and ranks can be threads of one process.
class QuietHdf5 {
 public:
  QuietHdf5();
  ~QuietHdf5();
  QuietHdf5(const QuietHdf5&) = delete;
  QuietHdf5& operator=(const QuietHdf5&) = delete;

 private:
  std::lock_guard<std::mutex> lock_;
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

/// Memory of a file that HDF5 writes, taken over when HDF5 closes it.
struct Hdf5Image {
  std::size_t allocated = 0;
  std::string bytes;
};

/// Creates an empty file in memory: format of HDF5 1.10, no times. `image` must outlive the file.
Hdf5Handle create_hdf5_image(Hdf5Image& image);

/// Opens a file in memory; invalid when it is not HDF5.
Hdf5Handle open_hdf5_image(const std::string& image);

/// Closes a file that create_hdf5_image made, after all its objects, and returns its bytes.
std::string close_hdf5_image(Hdf5Handle file, Hdf5Image& image);

/// Writes a one-dimensional contiguous dataset without times and returns it.
Hdf5Handle write_hdf5_dataset(const Hdf5Handle& file, const std::string& name, hid_t file_type, hid_t memory_type,
                              const void* values, std::size_t count);

/// Attributes: a 64-bit number, or text of fixed length.
void write_hdf5_attribute(const Hdf5Handle& object, const char* name, std::uint64_t value);
void write_hdf5_attribute(const Hdf5Handle& object, const char* name, const std::string& value);

/// Return false when the attribute is not there or has another type.
bool read_hdf5_attribute(const Hdf5Handle& object, const char* name, std::uint64_t& value);
bool read_hdf5_attribute(const Hdf5Handle& object, const char* name, std::string& value);

}  // namespace reprise::data
