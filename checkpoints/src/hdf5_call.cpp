#include "hdf5_call.h"

#include <cstdlib>

#include "reprise/core/files.h"
#include "reprise/core/hdf5_mutex.h"

namespace reprise::checkpoints {
namespace {

herr_t take_innermost(unsigned n, const H5E_error2_t* error, void* text) {
  if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

/// Returns the system's error number that an HDF5 message carries ("..., errno = 28, ..."), or 0.
int system_error_of(const std::string& message) {
  constexpr std::string_view kMark = "errno = ";
  const std::size_t at = message.find(kMark);
  return at == std::string::npos ? 0 : std::atoi(message.c_str() + at + kMark.size());
}

}  // namespace

Hdf5Lock::Hdf5Lock() : lock_(hdf5_mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

herr_t Handle::close() {
  const hid_t id = std::exchange(id_, H5I_INVALID_HID);
  return id < 0 ? 0 : H5Idec_ref(id);
}

std::string take_hdf5_message() {
  std::string message;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, &message);
  H5Eclear2(H5E_DEFAULT);
  return message.empty() ? "HDF5 gives no reason" : message;
}

void Calls::check(herr_t result, std::string_view what, std::string_view name) {
  if (result >= 0) return;
  const std::string reason = take_hdf5_message();
  if (failure_) return;
  const int system_error = system_error_of(reason);
  const ErrorKind kind = system_error != 0 ? ErrorKind::kIo : kind_;
  std::string message = fmt::format("cannot {}{}{}: {}: {}", what, name.empty() ? "" : " ", name, subject_,
                                    system_error != 0 ? system_reason(system_error) : reason);
  std::string hint = kind == ErrorKind::kIo ? system_hint(system_error, FileUse::kUnknown)
                                            : "the file is damaged; use another checkpoint of the run or copy it again";
  failure_.emplace(kind, std::move(message), std::move(hint));
  if (at_first_failure_) at_first_failure_();
  if (on_failure_ == OnFailure::kThrow) throw *failure_;
}

Handle Calls::own(hid_t id, std::string_view what, std::string_view name) {
  check(id < 0 ? -1 : 0, what, name);
  return Handle(id);
}

}  // namespace reprise::checkpoints
