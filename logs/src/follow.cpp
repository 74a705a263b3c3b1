#include "reprise/logs/follow.h"

#include <fstream>
#include <iterator>

#include "framing.h"
#include "reprise/core/error.h"
#include "run_log_records.h"
#include "session_log_records.h"

namespace reprise::logs {
namespace {

Error damaged(const std::filesystem::path& path, const std::string& what) {
  return Error(ErrorKind::kCorrupt, fmt::format("damaged log record: {}: {}", path.string(), what),
               "`reprise log show` reads the whole log and names the place");
}

/// A file that grows is opened anew each time: a writer may have replaced it.
std::string read_from(const std::filesystem::path& path, std::uint64_t offset) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  REPRISE_REQUIRE(!file.bad(), ErrorKind::kIo, fmt::format("cannot read {}", path.string()), "check the disk");
  return bytes;
}

}  // namespace

FrameFollower::News FrameFollower::poll() {
  News news;
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path_, error);
  if (error) return news;
  if (size < offset_) {
    news.cut = true;
    offset_ = 0;
  }
  if (size == offset_) return news;
  const std::string bytes = read_from(path_, offset_);
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
