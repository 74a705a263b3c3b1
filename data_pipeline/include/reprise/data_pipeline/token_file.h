#pragma once
// Token ids in a NumPy file (.npy): one dimension of unsigned 32-bit little-endian numbers. Other integer types and
// version 1 to 3 headers are read too. Thread-safe.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::data {

/// Writes the ids atomically. Throws kIo.
void write_token_file(const std::filesystem::path& path, std::span<const TokenId> ids);

/// The same, part by part. Not thread-safe.
class TokenFileWriter {
 public:
  /// Throws kIo, as the others do.
  explicit TokenFileWriter(const std::filesystem::path& path);
  /// Removes what was written, unless finish() was called.
  ~TokenFileWriter();
  TokenFileWriter(const TokenFileWriter&) = delete;
  TokenFileWriter& operator=(const TokenFileWriter&) = delete;

  void append(std::span<const TokenId> ids);
  /// Ends the file, gives it its name and returns how many ids it holds.
  std::uint64_t finish();

 private:
  void put(std::string_view bytes);
  void give_up();
  [[noreturn]] void fail();

  std::filesystem::path path_;
  std::FILE* file_;
  std::uint64_t count_ = 0;
  bool done_ = false;  // the file has its name, or what was written is gone
};

/// Encodes the file `text` to the token file `out` and returns how many ids it holds. Throws kIo.
std::uint64_t encode_text_file(const Tokenizer& tokenizer, const std::filesystem::path& text,
                               const EncodeOptions& options, const std::filesystem::path& out);

/// Reads the ids. Throws kData (path, what is wrong, the value found) for anything but a list of integers that are
/// ids; kIo.
std::vector<TokenId> read_token_file(const std::filesystem::path& path);

}  // namespace reprise::data
