#include "reprise/core/error.h"

namespace reprise {

int exit_code(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kUsage:
    case ErrorKind::kConfig: return 2;
    case ErrorKind::kData: return 3;
    case ErrorKind::kIo:
    case ErrorKind::kCorrupt:
    case ErrorKind::kCheckpoint: return 4;
    case ErrorKind::kDevice:
    case ErrorKind::kOutOfMemory: return 5;
    case ErrorKind::kDistributed: return 6;
    case ErrorKind::kNumeric: return 7;
    case ErrorKind::kInternal: return 1;
  }
  return 1;
}

std::string_view to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kUsage: return "usage";
    case ErrorKind::kConfig: return "config";
    case ErrorKind::kData: return "data";
    case ErrorKind::kIo: return "io";
    case ErrorKind::kCorrupt: return "corrupt";
    case ErrorKind::kCheckpoint: return "checkpoint";
    case ErrorKind::kDevice: return "device";
    case ErrorKind::kOutOfMemory: return "out-of-memory";
    case ErrorKind::kDistributed: return "distributed";
    case ErrorKind::kNumeric: return "numeric";
    case ErrorKind::kInternal: return "internal";
  }
  return "internal";
}

Error::Error(ErrorKind kind, std::string message, std::string hint)
    : std::runtime_error(std::move(message)), kind_(kind), hint_(std::move(hint)) {}

Error Error::with_context(std::string_view context) const {
  return Error(kind_, fmt::format("{} ({})", what(), context), hint_);
}

std::string Error::formatted() const {
  std::string text = fmt::format("error[{}]: {}", to_string(kind_), what());
  if (!hint_.empty()) text += fmt::format("\nhint: {}", hint_);
  return text;
}

namespace internal {

void throw_check_failed(const char* expression, const char* file, int line, const std::string& values) {
  throw Error(ErrorKind::kInternal,
              fmt::format("check failed: {}{}{} at {}:{}", expression, values.empty() ? "" : ": ", values,
                          file, line),
              "this is a bug of Reprise; please report it with the command that was run");
}

}  // namespace internal
}  // namespace reprise
