#pragma once
// Token ids in a NumPy file (.npy): one dimension of unsigned 32-bit little-endian numbers. Other integer types and
// version 1 to 3 headers are read too. Thread-safe.

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "reprise/core/partial_file.h"
#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::data {

/// Writes the ids atomically. Throws kIo.
void write_token_file(const std::filesystem::path& path, std::span<const TokenId> ids);

/// The same, part by part; what was written is removed unless finish() is called. Not thread-safe.
class TokenFileWriter {
 public:
  /// Throws kIo, as the others do.
  explicit TokenFileWriter(const std::filesystem::path& path);

  void append(std::span<const TokenId> ids);
  /// Ends the file, gives it its name and returns how many ids it holds.
  std::uint64_t finish();

 private:
  PartialFile file_;
  std::uint64_t count_ = 0;
};

/// Encodes the file `text` to the token file `out` and returns how many ids it holds. Throws kIo.
std::uint64_t encode_text_file(const Tokenizer& tokenizer, const std::filesystem::path& text,
                               const EncodeOptions& options, const std::filesystem::path& out);

/// Reads the ids. Throws kData (path, what is wrong, the value found) for anything but a list of integers that are
/// ids; kIo.
std::vector<TokenId> read_token_file(const std::filesystem::path& path);

}  // namespace reprise::data
