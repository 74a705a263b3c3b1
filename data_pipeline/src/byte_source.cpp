#include "byte_source.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>

#include "reprise/core/files.h"
#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {
namespace {

constexpr std::size_t kChunkBytes = 1 << 17;
constexpr int kLargestWindowLog = 31;

class FileSource : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {
    if (file_ == nullptr) fail("cannot open");
  }
  ~FileSource() override { std::fclose(file_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  bool read(std::string& buffer) override {
    const std::size_t before = buffer.size();
    buffer.resize(before + kChunkBytes);
    const std::size_t got = std::fread(buffer.data() + before, 1, kChunkBytes, file_);
    buffer.resize(before + got);
    position_ += got;
    if (got == 0 && std::ferror(file_) != 0) fail("cannot read");
    return got > 0;
  }
  std::uint64_t file_position() const override { return position_; }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    const int reason = errno;
    throw Error(ErrorKind::kIo, fmt::format("{}: {}: {}", what, path_.string(), system_reason(reason)),
                system_hint(reason, FileUse::kRead));
  }

  std::filesystem::path path_;
  std::FILE* file_;
  std::uint64_t position_ = 0;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  bool read(std::string& buffer) override {
    const std::string_view piece = bytes_.substr(position_, kChunkBytes);
    buffer.append(piece);
    position_ += piece.size();
    return !piece.empty();
  }
  std::uint64_t file_position() const override { return position_; }

 private:
  std::string_view bytes_;
  std::size_t position_ = 0;
};

/// What both formats share: a chunk of compressed bytes, and errors that wait until all decoded bytes are handed out.
class Decoder : public ByteSource {
 public:
  Decoder(std::unique_ptr<ByteSource> compressed, std::string name, ErrorKind kind)
      : name_(std::move(name)), kind_(kind), source_(std::move(compressed)) {}

  bool read(std::string& buffer) override {
    const std::size_t before = buffer.size();
    buffer.resize(before + kChunkBytes);
    std::size_t got = 0;
    while (got == 0 && failure_.empty() && decode(buffer.data() + before, kChunkBytes, got)) {
    }
    buffer.resize(before + got);
    produced_ += got;
    if (got == 0 && !failure_.empty()) fail();
    return got > 0;
  }
  std::uint64_t file_position() const override { return source_->file_position(); }

 protected:
  /// Decodes into `output`; `got` says how much. Returns false when the file has ended, in order or with set_failure().
  virtual bool decode(char* output, std::size_t size, std::size_t& got) = 0;
  virtual std::string_view program() const = 0;

  /// Returns false when the file has ended and every byte was used.
  bool refill() {
    if (used_ < input_.size()) return true;
    input_.clear();
    used_ = 0;
    return source_->read(input_);
  }
  bool set_failure(std::string what) {
    failure_ = std::move(what);
    return false;
  }
  bool is_empty_file() const { return source_->file_position() == 0; }

  std::string input_;
  std::size_t used_ = 0;

 private:
  [[noreturn]] void fail() const {
    const std::uint64_t offset = source_->file_position() - input_.size() + used_;
    throw InputError(
        InputFault::kDamagedFile,
        fmt::format("{}: {}: byte {} of the file, after {} decompressed bytes", failure_, name_, offset, produced_),
        fmt::format("check with `{} -t FILE`, then fetch or build the file again", program()), kind_);
  }

  std::string name_;
  ErrorKind kind_;
  std::unique_ptr<ByteSource> source_;
  std::uint64_t produced_ = 0;
  std::string failure_;
};

class ZstdDecoder : public Decoder {
 public:
  ZstdDecoder(std::unique_ptr<ByteSource> compressed, const std::string& name, ErrorKind kind)
      : Decoder(std::move(compressed), name, kind), stream_(ZSTD_createDStream()) {
    REPRISE_CHECK(stream_ != nullptr);
    // What `zstd --long=31` writes too. Memory is that of the frame's own window.
    REPRISE_CHECK(ZSTD_isError(ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kLargestWindowLog)) == 0);
  }
  ~ZstdDecoder() override { ZSTD_freeDStream(stream_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

 private:
  bool decode(char* output, std::size_t size, std::size_t& got) override {
    // A full output buffer may leave decoded bytes inside the stream although all input is used.
    if (!refill() && !pending_output_) {
      if (in_frame_ || is_empty_file()) return set_failure("truncated zstd data: the file ends inside a frame");
      return false;
    }
    pending_output_ = false;
    ZSTD_outBuffer out{output, size, 0};
    ZSTD_inBuffer in{input_.data(), input_.size(), used_};
    const std::size_t status = ZSTD_decompressStream(stream_, &out, &in);
    used_ = in.pos;
    got = out.pos;
    if (ZSTD_isError(status) != 0) {
      return set_failure(fmt::format("not valid zstd data ({})", ZSTD_getErrorName(status)));
    }
    in_frame_ = status != 0;
    pending_output_ = in_frame_ && out.pos == out.size;
    return true;
  }
  std::string_view program() const override { return "zstd"; }

  ZSTD_DStream* stream_;
  bool in_frame_ = false;
  bool pending_output_ = false;
};

class GzipDecoder : public Decoder {
 public:
  GzipDecoder(std::unique_ptr<ByteSource> compressed, const std::string& name, ErrorKind kind)
      : Decoder(std::move(compressed), name, kind) {
    constexpr int kGzipOnly = 15 + 16;  // largest window; gzip header, no zlib header
    REPRISE_CHECK(::inflateInit2(&stream_, kGzipOnly) == Z_OK);
  }
  ~GzipDecoder() override { ::inflateEnd(&stream_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

 private:
  bool decode(char* output, std::size_t size, std::size_t& got) override {
    if (!refill() && !pending_output_) {
      if (in_member_ || is_empty_file()) return set_failure("truncated gzip data: the file ends inside a member");
      return false;
    }
    if (!in_member_) {
      // Zeros behind a member are padding of tapes and archives; gzip ignores them too.
      while (any_member_ && used_ < input_.size() && input_[used_] == '\0') ++used_;
      if (used_ == input_.size()) return true;
      REPRISE_CHECK(::inflateReset(&stream_) == Z_OK);
      in_member_ = true;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data() + used_);
    stream_.avail_in = static_cast<uInt>(input_.size() - used_);
    stream_.next_out = reinterpret_cast<Bytef*>(output);
    stream_.avail_out = static_cast<uInt>(size);
    const int status = ::inflate(&stream_, Z_NO_FLUSH);
    used_ = input_.size() - stream_.avail_in;
    got = size - stream_.avail_out;
    pending_output_ = status == Z_OK && stream_.avail_out == 0;
    if (status == Z_STREAM_END) {
      in_member_ = false;
      any_member_ = true;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      return set_failure(
          fmt::format("not valid gzip data ({})", stream_.msg != nullptr ? stream_.msg : ::zError(status)));
    }
    return true;
  }
  std::string_view program() const override { return "gzip"; }

  ::z_stream stream_{};
  bool in_member_ = false;
  bool any_member_ = false;
  bool pending_output_ = false;
};

}  // namespace

Compression compression_of(const std::filesystem::path& path) {
  const std::filesystem::path extension = path.extension();
  return extension == ".zst" ? Compression::kZstd : extension == ".gz" ? Compression::kGzip : Compression::kNone;
}

std::unique_ptr<ByteSource> file_source(const std::filesystem::path& path) {
  return std::make_unique<FileSource>(path);
}

std::unique_ptr<ByteSource> memory_source(std::string_view bytes) { return std::make_unique<MemorySource>(bytes); }

std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> compressed, Compression compression,
                                         const std::string& name, ErrorKind kind) {
  switch (compression) {
    case Compression::kZstd:
      return std::make_unique<ZstdDecoder>(std::move(compressed), name, kind);
    case Compression::kGzip:
      return std::make_unique<GzipDecoder>(std::move(compressed), name, kind);
    case Compression::kNone:
      break;
  }
  return compressed;
}

std::string whole_content(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const auto source = decompressed(file_source(path), compression_of(path), path.string(), ErrorKind::kData);
  try {
    std::string bytes;
    while (source->read(bytes)) {
      REPRISE_REQUIRE(bytes.size() <= max_bytes, ErrorKind::kData,
                      fmt::format("{} holds more than {} bytes", path.string(), max_bytes),
                      "it is held in memory whole: split it into smaller files");
    }
    return bytes;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kOutOfMemory, fmt::format("out of memory for the content of {}", path.string()),
                "it is held in memory whole: split it into smaller files");
  }
}

}  // namespace reprise::data
