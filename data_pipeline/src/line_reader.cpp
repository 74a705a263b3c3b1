#include "line_reader.h"

#include <algorithm>
#include <cstring>

#include "reprise/data_pipeline/inputs.h"

namespace reprise::data {

LineReader::LineReader(const std::filesystem::path& path, std::uint64_t max_line_bytes, ErrorKind kind)
    : LineReader(decompressed(file_source(path), compression_of(path), path.string(), kind), path.string(),
                 max_line_bytes, kind) {}

LineReader::LineReader(std::unique_ptr<ByteSource> source, std::string name, std::uint64_t max_line_bytes,
                       ErrorKind kind, std::string_view limit_setting)
    : name_(std::move(name)),
      max_line_bytes_(max_line_bytes),
      kind_(kind),
      limit_setting_(limit_setting),
      source_(std::move(source)) {}

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
  throw InputError(InputFault::kLongLine,
                   fmt::format("line is longer than {} bytes: {}:{}: it begins at byte {} of the content",
                               max_line_bytes_, name_, num_lines_ + 1, consumed_),
                   fmt::format("split the document, or raise the limit: {}{}", limit_setting_, max_line_bytes_ * 2),
                   kind_);
}

void LineReader::take(std::size_t length) {
  start_ += length;
  consumed_ += length;
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
  take(std::min(length + 1, buffer_.size() - start_));
  return true;
}

void LineReader::skip_line() {
  ++num_lines_;
  while (true) {
    const std::size_t end = buffer_.find('\n', start_);
    if (end != std::string::npos) return take(end + 1 - start_);
    take(buffer_.size() - start_);
    if (at_end_ || !fill()) {
      at_end_ = true;
      return;
    }
  }
}

}  // namespace reprise::data
