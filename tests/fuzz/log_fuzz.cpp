// Feeds bytes to the readers of run.log and session.log, as they are and with their checksums set right (so that the
// records behind them are reached). Whatever a file holds, its reader hands out records or throws an error of damage
// with a hint; what is handed out can be exported and resumed, and a session goes on behind any bytes.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>

#include "framing.h"
#include "reprise/core/error.h"
#include "reprise/logs/export.h"
#include "reprise/logs/run_log.h"
#include "reprise/logs/session_log.h"
#include "run_log_records.h"
#include "sample_log.h"

namespace reprise::logs {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

/// Returns the frames of `bytes` with the checksums that they should have; ends where a length does not fit.
std::string with_right_checksums(std::string_view bytes) {
  std::string framed;
  while (bytes.size() > kFrameHeaderBytes) {
    const std::size_t length = static_cast<unsigned char>(bytes[0]) | static_cast<unsigned char>(bytes[1]) << 8;
    const std::string_view payload = bytes.substr(kFrameHeaderBytes, length);
    if (payload.empty()) break;
    framed += frame(payload);
    bytes.remove_prefix(kFrameHeaderBytes + payload.size());
  }
  return framed;
}

const std::filesystem::path& folder() {
  static const TemporaryFolder folder;
  return folder.path();
}

/// Writes `bytes` as the only file of the folder and returns its path.
std::filesystem::path only_file(const char* name, std::string_view bytes) {
  for (const auto& entry : std::filesystem::directory_iterator(folder())) std::filesystem::remove(entry.path());
  overwrite(folder() / name, std::string(bytes));
  return folder() / name;
}

void check_damage(const Error& error) { require(error.kind() == ErrorKind::kCorrupt && !error.hint().empty()); }

void check_exports(const RunLog& log) {
  std::ostringstream lines;
  export_steps(folder(), ExportFormat::kJsonLines, lines);
  export_steps(folder(), ExportFormat::kCsv, lines);
  require(log.records.front().header.has_value() && !lines.str().empty());
}

/// A resume at the last step keeps the records, and the log can be read behind it.
void check_resume(const std::filesystem::path& path, const RunLog& log) {
  const std::uint64_t last = step_of(log.records.back());
  {
    const RunLogWriter writer = RunLogWriter::resume(path, last);
    require(writer.chain() == log.chain);
  }
  const RunLog resumed = read_run_log(path);
  require(resumed.records.size() == log.records.size() && resumed.chain == log.chain && !resumed.torn_tail);
}

void read_as_run_log(std::string_view bytes) {
  const std::filesystem::path path = only_file("run.log", bytes);
  RunLog intact;
  try {
    intact = read_intact_records(path);
  } catch (const Error& error) {
    return check_damage(error);
  }
  try {
    const RunLog log = read_run_log(path);
    require(log.records.size() == intact.records.size());
    check_exports(log);
  } catch (const Error& error) {
    check_damage(error);
  }
  if (step_of(intact.records.back()) > 0) check_resume(path, intact);
}

/// Whatever lies there, a session appends its event behind the intact ones.
void read_as_session_log(std::string_view bytes) {
  const std::filesystem::path path = only_file("session.log", bytes);
  const std::size_t num_intact = read_intact_events(path).size();
  {
    SessionLogWriter writer(path);
    SessionEvent event;
    event.message = "goes on";
    writer.append(event);
  }
  const std::vector<SessionEvent> events = read_session_log(path);
  require(events.size() == num_intact + 1 && events.back().message == "goes on");
  std::ostringstream lines;
  export_session(events, ExportFormat::kJsonLines, lines);
  export_session(events, ExportFormat::kCsv, lines);
}

void read_both_ways(std::string_view bytes) {
  read_as_run_log(bytes);
  read_as_session_log(bytes);
}

}  // namespace
}  // namespace reprise::logs

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  reprise::logs::read_both_ways(text);
  reprise::logs::read_both_ways(reprise::logs::with_right_checksums(text));
  return 0;
}
