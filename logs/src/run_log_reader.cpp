#include "framing.h"
#include "reprise/core/files.h"
#include "reprise/logs/run_log.h"
#include "run_log_records.h"

namespace reprise::logs {
namespace {

/// Fills `log` record by record: where this throws, it holds what comes before the damage.
void read_records(const std::filesystem::path& path, RunLog& log) {
  const std::string bytes = read_file(path);
  FrameReader frames(bytes, path.string());
  RecordOrder order;
  while (const std::optional<Frame> frame = frames.next()) {
    Result<RunRecord> decoded = decode(frame->payload);
    std::string wrong = decoded ? order.accept(decoded.value()) : decoded.error().what();
    if (!wrong.empty()) {
      throw Error(ErrorKind::kCorrupt,
                  fmt::format("damaged log record: {}: offset {}: {}", path.string(), frame->offset, wrong),
                  kDamagedHint);
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
}

}  // namespace

RunLog read_run_log(const std::filesystem::path& path) {
  RunLog log;
  read_records(path, log);
  return log;
}

RunLog read_intact_records(const std::filesystem::path& path) {
  RunLog log;
  try {
    read_records(path, log);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kCorrupt || log.records.empty()) throw;
    log.torn_tail = true;
  }
  return log;
}

}  // namespace reprise::logs
