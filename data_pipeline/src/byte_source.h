#pragma once
// Where the bytes of an input come from: a file or memory, plain or decompressed, piece by piece in bounded memory.
// Not thread-safe.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "reprise/core/error.h"

namespace reprise::data {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Appends some bytes to `buffer`; returns false at the end.
  virtual bool read(std::string& buffer) = 0;
  /// Bytes of the file on disk that have been read.
  virtual std::uint64_t file_position() const = 0;
};

enum class Compression { kNone, kGzip, kZstd };

/// By the ending: ".gz", ".zst", or none.
Compression compression_of(const std::filesystem::path& path);

/// The bytes of a file as they lie on the disk. Throws kIo.
std::unique_ptr<ByteSource> file_source(const std::filesystem::path& path);

/// `bytes`, which must outlive the source.
std::unique_ptr<ByteSource> memory_source(std::string_view bytes);

/// The content of `compressed`: one or more gzip members or zstd frames. What can be decoded before a damaged or
/// missing byte is handed out first; then comes an InputError kDamagedFile of `kind` that says where in `name`.
std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> compressed, Compression compression,
                                         const std::string& name, ErrorKind kind);

/// The whole content of a file, decompressed where its ending says so. Throws kData when that is more than `max_bytes`,
/// and kOutOfMemory, both with the file's name; kIo.
std::string whole_content(const std::filesystem::path& path, std::uint64_t max_bytes = UINT64_MAX);

}  // namespace reprise::data
