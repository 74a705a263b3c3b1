#include "reprise/logs/follow.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "framing.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "run_log_records.h"
#include "session_log_records.h"

namespace reprise::logs {
namespace {

Error damaged(const std::filesystem::path& path, const std::string& what) {
  return Error(ErrorKind::kCorrupt, fmt::format("damaged log record: {}: {}", path.string(), what),
               "`reprise log show` reads the whole log and names the place");
}

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

[[noreturn]] void fail(std::string_view what, const std::filesystem::path& path) {
  const int reason = errno;
  throw Error(ErrorKind::kIo, fmt::format("{}: {}: {}", what, path.string(), system_reason(reason)),
              system_hint(reason, FileUse::kRead));
}

/// A growing file as it is now: opened anew each time, for a writer may have replaced it.
class Opened {
 public:
  explicit Opened(const std::filesystem::path& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {
    if (file_ == nullptr && errno != ENOENT) fail("cannot open", path);
  }
  explicit operator bool() const { return file_ != nullptr; }
  std::uint64_t size() const {
    struct stat info {};
    if (::fstat(::fileno(file_.get()), &info) != 0) fail("cannot stat", path_);
    return static_cast<std::uint64_t>(info.st_size);
  }
  /// Up to `count` bytes: what is there.
  std::string read(std::uint64_t offset, std::uint64_t count) const {
    std::string bytes(count, '\0');
    if (::fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0) fail("cannot read", path_);
    bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file_.get()));
    if (std::ferror(file_.get()) != 0) fail("cannot read", path_);
    return bytes;
  }

 private:
  const std::filesystem::path& path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace

FrameFollower::News FrameFollower::poll() {
  News news;
  const Opened file(path_);
  if (!file) return news;
  const std::uint64_t size = file.size();
  std::string first = file.read(0, kFrameHeaderBytes);
  if (size < offset_ || (offset_ > 0 && first != first_)) {
    news.cut = true;
    offset_ = 0;
  }
  first_ = std::move(first);
  if (size == offset_) return news;
  const std::string bytes = file.read(offset_, size - offset_);
  FrameReader frames(bytes, offset_ == 0 ? path_.string() : fmt::format("{} (from byte {})", path_.string(), offset_));
  while (const std::optional<Frame> found = frames.next()) news.payloads.emplace_back(found->payload);
  offset_ += frames.offset();
  return news;
}

RunLogFollower::News RunLogFollower::poll() {
  News news;
  FrameFollower::News frames = frames_.poll();
  news.cut = frames.cut;
  for (std::string& payload : frames.payloads) {
    Result<RunRecord> decoded = decode(payload);
    if (!decoded) throw decoded.error();
    RunRecord record = std::move(decoded).value();
    if (record.header) {
      if (payload == header_) continue;
      news.another = !header_.empty();
      if (news.another) news.cut = false;  // not by a resume
      header_ = std::move(payload);
      last_step_ = record.header->first_step();
      evaluation_seen_ = checkpoint_seen_ = false;
    } else if (!is_new(record)) {
      continue;
    }
    news.records.push_back(std::move(record));
  }
  return news;
}

bool RunLogFollower::is_new(const RunRecord& record) {
  if (record.step) {
    if (record.step->step <= last_step_) return false;
    last_step_ = record.step->step;
    evaluation_seen_ = checkpoint_seen_ = false;
    return true;
  }
  if (record.evaluation) {
    if (record.evaluation->step != last_step_ || evaluation_seen_) return false;
    evaluation_seen_ = true;
    return true;
  }
  if (record.checkpoint->step != last_step_ || checkpoint_seen_) return false;
  checkpoint_seen_ = true;
  return true;
}

std::vector<SessionEvent> SessionLogFollower::poll() {
  std::vector<SessionEvent> events;
  for (const std::string& payload : frames_.poll().payloads) {
    std::optional<SessionEvent> event = decode_session_event(payload);
    if (!event) throw damaged("session.log", "it is no protobuf record");
    events.push_back(std::move(*event));
  }
  return events;
}

}  // namespace reprise::logs
