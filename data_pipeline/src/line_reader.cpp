#include "line_reader.h"

#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "reprise/core/files.h"

namespace reprise::data {
namespace {

constexpr std::size_t kChunkBytes = 1 << 17;

/// Bytes of a file as they lie on the disk.
class PlainSource : public ByteSource {
 public:
  explicit PlainSource(const std::filesystem::path& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {
    if (file_ == nullptr) fail("cannot open");
  }
  ~PlainSource() override { std::fclose(file_); }
  PlainSource(const PlainSource&) = delete;
  PlainSource& operator=(const PlainSource&) = delete;

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
                system_hint(reason));
  }

  std::filesystem::path path_;
  std::FILE* file_;
  std::uint64_t position_ = 0;
};

/// The content of one or more zstd frames.
class ZstdSource : public ByteSource {
 public:
  ZstdSource(const std::filesystem::path& path, ErrorKind kind)
      : path_(path), kind_(kind), file_(path), stream_(ZSTD_createDStream()) {
    REPRISE_CHECK(stream_ != nullptr);
  }
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;

  bool read(std::string& buffer) override {
    const std::size_t before = buffer.size();
    buffer.resize(before + kChunkBytes);
    ZSTD_outBuffer output{buffer.data() + before, kChunkBytes, 0};
    while (output.pos == 0 && refill()) {
      ZSTD_inBuffer input{compressed_.data(), compressed_.size(), used_};
      const std::size_t status = ZSTD_decompressStream(stream_, &output, &input);
      used_ = input.pos;
      if (ZSTD_isError(status) != 0) fail(fmt::format("not valid zstd data ({})", ZSTD_getErrorName(status)));
      in_frame_ = status != 0;
      // A full output buffer may leave decoded bytes inside the stream although all input is used.
      pending_output_ = in_frame_ && output.pos == output.size;
    }
    buffer.resize(before + output.pos);
    produced_ += output.pos;
    if (output.pos == 0) check_complete();
    return output.pos > 0;
  }
  std::uint64_t file_position() const override { return file_.file_position(); }

 private:
  /// Returns whether there is something to decompress.
  bool refill() {
    if (used_ < compressed_.size()) return true;
    if (pending_output_) {
      pending_output_ = false;
      return true;
    }
    compressed_.clear();
    used_ = 0;
    return file_.read(compressed_);
  }

  void check_complete() const {
    if (in_frame_ || file_.file_position() == 0) fail("truncated zstd data: the file ends inside a frame");
  }

  [[noreturn]] void fail(const std::string& what) const {
    const std::uint64_t offset = file_.file_position() - compressed_.size() + used_;
    throw Error(kind_,
                fmt::format("{}: {}: byte {} of the file, after {} decompressed bytes", what, path_.string(), offset,
                            produced_),
                "check with `zstd -t FILE`, then fetch or build the file again");
  }

  std::filesystem::path path_;
  ErrorKind kind_;
  PlainSource file_;
  ZSTD_DStream* stream_;
  std::string compressed_;
  std::size_t used_ = 0;
  std::uint64_t produced_ = 0;
  bool in_frame_ = false;
  bool pending_output_ = false;
};

std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path, ErrorKind kind) {
  if (path.extension() == ".zst") return std::make_unique<ZstdSource>(path, kind);
  return std::make_unique<PlainSource>(path);
}

}  // namespace

LineReader::LineReader(const std::filesystem::path& path, std::uint64_t max_line_bytes, ErrorKind kind)
    : path_(path), max_line_bytes_(max_line_bytes), kind_(kind), source_(open_source(path, kind)) {}

LineReader::~LineReader() = default;

bool LineReader::fill() {
  // Handed-out bytes go first, so that the buffer never holds more than one line and one chunk.
  buffer_.erase(0, start_);
  start_ = 0;
  const std::size_t before = buffer_.size();
  if (!source_->read(buffer_)) return false;
  hash_.update(std::string_view(buffer_).substr(before));
  return true;
}

void LineReader::check_length(std::size_t length) const {
  if (length <= max_line_bytes_) return;
  throw Error(
      kind_,
      fmt::format("line is longer than {} bytes: {}:{}: it begins at byte {} of the content", max_line_bytes_,
                  path_.string(), num_lines_ + 1, consumed_),
      fmt::format("split the document, or raise the limit: --set recipe.data.max_line_bytes={}", max_line_bytes_ * 2));
}

bool LineReader::next(Line& line) {
  std::size_t searched = 0;  // bytes after start_ that hold no line feed
  std::size_t length = 0;
  while (true) {
    const char* from = buffer_.data() + start_ + searched;
    const std::size_t rest = buffer_.size() - start_ - searched;
    const void* found = rest == 0 ? nullptr : std::memchr(from, '\n', rest);
    if (found != nullptr) {
      length = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) - start_;
      break;
    }
    searched = buffer_.size() - start_;
    check_length(searched);
    if (at_end_ || !fill()) {
      at_end_ = true;
      if (searched == 0) return false;
      length = searched;
      break;
    }
  }
  check_length(length);
  line = {std::string_view(buffer_).substr(start_, length), ++num_lines_, consumed_};
  const std::size_t taken = std::min(length + 1, buffer_.size() - start_);
  start_ += taken;
  consumed_ += taken;
  return true;
}

}  // namespace reprise::data
