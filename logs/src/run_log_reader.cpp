#include "framing.h"
#include "reprise/core/files.h"
#include "reprise/logs/run_log.h"
#include "run_log_records.h"

namespace reprise::logs {

RunLog read_run_log(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  FrameReader frames(bytes, path.string());
  RecordOrder order;
  RunLog log;
  while (const std::optional<Frame> frame = frames.next()) {
    Result<RunRecord> decoded = decode(frame->payload);
    std::string wrong = decoded ? order.accept(decoded.value()) : decoded.error().what();
    if (!wrong.empty()) {
      throw Error(ErrorKind::kCorrupt,
                  fmt::format("damaged log record: {}: offset {}: {}", path.string(), frame->offset, wrong),
                  "the file was changed after it was written; restore it from a copy, or train again");
    }
    RunRecord record = std::move(decoded).value();
    log.chain = chain_after(log.chain, frame->bytes);
    record.offset = frame->offset;
    record.chain = log.chain;
    log.records.push_back(std::move(record));
  }
  log.torn_tail = frames.torn();
  if (log.records.empty()) {
    throw Error(ErrorKind::kCorrupt, fmt::format("the log has no whole record: {}", path.string()),
                "a run.log starts with its header; this file is not one, or was cut");
  }
  return log;
}

}  // namespace reprise::logs
