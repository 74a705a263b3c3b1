#pragma once
// Input files: which there are, and what to do with what cannot be used (docs/formats/documents.md). Pure values and
// functions; thread-safe.

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/error.h"

namespace reprise::data {

/// What may be wrong with an input. A fault is met by the unit that it spoils: the rest of a file or one document.
enum class InputFault : std::uint8_t {
  kDamagedFile,  // truncated or damaged gzip or zstd data: the rest of the file
  kLongLine,
  kInvalidUtf8,
  kInvalidJson,  // nesting deeper than 1,024 and bytes below 0x20 in a string are no JSON either
  kWrongType,    // the line is not an object, or a field that is used has another type
  kMissingId,    // or an empty one
  kMissingText,
  kDuplicateId,
};
inline constexpr std::size_t kNumInputFaults = 8;

/// Names as configs and reports write them: "damaged_file".
std::string_view to_string(InputFault fault);
std::span<const InputFault> input_faults();

/// Which faults are passed over and counted; the others end the work. Nothing is passed over by default.
class InputPolicy {
 public:
  InputPolicy() = default;
  explicit InputPolicy(const configs::BadInput& config);
  bool skips(InputFault fault) const { return skip_[static_cast<std::size_t>(fault)]; }
  /// Passes over the fault of this name. Throws kUsage.
  void skip(std::string_view name);

 private:
  std::array<bool, kNumInputFaults> skip_{};
};

/// An error of an input that a policy may pass over; its kind is kData.
class InputError : public Error {
 public:
  InputError(InputFault fault, const std::string& message, const std::string& hint, ErrorKind kind = ErrorKind::kData)
      : Error(kind, message, hint), fault_(fault) {}
  InputFault fault() const noexcept { return fault_; }

 private:
  InputFault fault_;
};

/// How often each fault was passed over, by name.
using SkippedInput = std::map<std::string, std::uint64_t>;

/// Expands file names, globs ("news/*.jsonl.gz": * ? [...] in any part of the path) and lists ("@files.txt", one name
/// or glob a line) into file names, sorted by their bytes and each once. What is there as a file is a name, whatever it
/// holds. Throws kData for a pattern without a file and for a name that is not UTF-8.
std::vector<std::string> expand_inputs(std::span<const std::string> patterns);

/// Throws kData where a file's name is not UTF-8: it could stand in no document and in no report.
void require_utf8_name(const std::string& name);

/// The files that a glob matches, in any order. Throws kData where there is none; kIo.
std::vector<std::string> expand_glob(const std::string& pattern);

/// Visits the text of every document of an input file, a run's own files among them. A .txt, compressed or not, and any
/// other file is one text, of whatever bytes. Throws InputError with file and line; kData where the name says that it
/// is compressed or a table; kIo.
void for_each_text(const std::filesystem::path& path, const std::function<void(std::string_view)>& visit);

/// For work that takes the bytes of a file as one text: throws kData where the name says that it holds documents, a
/// table such as parquet, or compressed bytes.
void require_one_text(const std::filesystem::path& path);

}  // namespace reprise::data
