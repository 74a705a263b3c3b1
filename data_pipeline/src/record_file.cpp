#include "record_file.h"

#include <cerrno>
#include <cstdint>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::data {
namespace {

constexpr std::size_t kFileBufferBytes = 1 << 18;

[[noreturn]] void fail(std::string_view what, const std::filesystem::path& path) {
  const int reason = errno;
  throw Error(ErrorKind::kIo, fmt::format("{}: {}: {}", what, path.string(), system_reason(reason)),
              system_hint(reason));
}

std::FILE* buffered(std::FILE* file, const std::filesystem::path& path) {
  if (file == nullptr) fail("cannot open", path);
  std::setvbuf(file, nullptr, _IOFBF, kFileBufferBytes);
  return file;
}

}  // namespace

RecordWriter::RecordWriter(const std::filesystem::path& path)
    : path_(path), file_(buffered(open_new_file(path), path)) {}

RecordWriter::~RecordWriter() {
  if (file_ != nullptr) std::fclose(file_);
}

void RecordWriter::put(const void* bytes, std::size_t size) {
  if (std::fwrite(bytes, 1, size, file_) != size) fail("cannot write", path_);
}

void RecordWriter::write(std::string_view key, std::string_view value) {
  const std::uint64_t sizes[2] = {key.size(), value.size()};
  put(sizes, sizeof sizes);
  put(key.data(), key.size());
  put(value.data(), value.size());
}

void RecordWriter::close() {
  const int status = std::fclose(file_);
  file_ = nullptr;
  if (status != 0) fail("cannot write", path_);
}

RecordReader::RecordReader(const std::filesystem::path& path)
    : path_(path), file_(buffered(std::fopen(path.c_str(), "rb"), path)) {}

RecordReader::~RecordReader() { std::fclose(file_); }

bool RecordReader::get(void* bytes, std::size_t size) {
  const std::size_t got = std::fread(bytes, 1, size, file_);
  if (got == size) return true;
  if (got != 0 || std::ferror(file_) != 0) fail("cannot read", path_);
  return false;
}

bool RecordReader::next() {
  std::uint64_t sizes[2];
  if (!get(sizes, sizeof sizes)) return false;
  bytes_.resize(sizes[0] + sizes[1]);
  key_bytes_ = sizes[0];
  if (!bytes_.empty() && !get(bytes_.data(), bytes_.size())) fail("cannot read", path_);
  return true;
}

RecordFileCommit::RecordFileCommit(std::filesystem::path path) : path_(std::move(path)), writer_(partial_path(path_)) {}

void RecordFileCommit::commit() {
  writer_.close();
  rename_file(partial_path(path_), path_);
}

}  // namespace reprise::data
