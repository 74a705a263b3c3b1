#include "document_writer.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::data {
DocumentWriter::DocumentWriter(const std::filesystem::path& path)
    : path_(path), file_(open_new_file(partial_path(path))) {
  if (file_ == nullptr) fail();
}

DocumentWriter::~DocumentWriter() {
  if (file_ != nullptr) std::fclose(file_);
  if (is_committed_) return;
  std::error_code ignored;
  std::filesystem::remove(partial_path(path_), ignored);
}

void DocumentWriter::write(std::string_view line) {
  zstd_.write(line);
  put(zstd_.take());
}

void DocumentWriter::finish() {
  put(zstd_.finish());
  if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0) fail();
  const int status = std::fclose(file_);
  file_ = nullptr;
  if (status != 0) fail();
}

void DocumentWriter::commit() {
  commit_file(partial_path(path_), path_);
  is_committed_ = true;
}

void DocumentWriter::put(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail();
}

void DocumentWriter::fail() const {
  const int reason = errno;
  throw Error(ErrorKind::kIo, fmt::format("cannot write: {}: {}", path_.string(), system_reason(reason)),
              system_hint(reason));
}

}  // namespace reprise::data
