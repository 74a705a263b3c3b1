#pragma once
// HDF5's C interface made safe to use: handles that close themselves, results that must be looked at, errors with the
// innermost message of HDF5's error stack, and the one lock that keeps two threads out of the library.

#include <hdf5.h>

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "reprise/core/error.h"

namespace reprise::checkpoints {

/// Locks HDF5 (Debian's parallel build is not thread-safe) and silences its printing. Held by every public function
/// that reads or writes a file; never while waiting for another rank outside HDF5.
class Hdf5Lock {
 public:
  Hdf5Lock();

 private:
  std::lock_guard<std::mutex> lock_;
};

/// Owns an identifier of any kind; closes it when it goes.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  hid_t get() const { return id_; }
  void reset() { close(); }
  /// Closes; negative when that failed. The handle is empty either way.
  herr_t close();

 private:
  hid_t id_ = H5I_INVALID_HID;
};

/// Returns the innermost message of HDF5's error stack and clears the stack.
std::string take_hdf5_message();

/// What to do when a call fails. With ranks writing together, one that stopped would leave the others waiting: so the
/// first failure is kept, every later call is made all the same, and the caller looks at failure() at the end.
class Calls {
 public:
  enum class OnFailure { kThrow, kKeepGoing };

  /// `subject` names the file in messages; `kind` is what a failure is called (kIo when writing, kCorrupt when reading).
  Calls(std::string subject, ErrorKind kind, OnFailure on_failure)
      : subject_(std::move(subject)), kind_(kind), on_failure_(on_failure) {}

  /// Looks at a result (negative: failed) of a call that did `what` to `name`.
  void check(herr_t result, std::string_view what, std::string_view name = {});
  Handle own(hid_t id, std::string_view what, std::string_view name = {});

  const std::optional<Error>& failure() const { return failure_; }
  /// Sets what is done at the first failure, before anything is thrown.
  void at_first_failure(std::function<void()> action) { at_first_failure_ = std::move(action); }

 private:
  std::string subject_;
  ErrorKind kind_;
  OnFailure on_failure_;
  std::optional<Error> failure_;
  std::function<void()> at_first_failure_;
};

}  // namespace reprise::checkpoints
