#pragma once
// session.log: how it happened. Starts, resumes, ranks, hosts, times, throughput, signals; never part of a root.
// Same framing as run.log, without the chain (schema logs/proto/session_log.proto).

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace reprise::logs {

struct SessionEvent {
  enum class Kind { kStart, kResume, kRank, kStep, kCheckpoint, kSignal, kEnd, kNote };
  Kind kind = Kind::kNote;
  double unix_seconds = 0;       // filled by the writer when 0
  std::uint64_t step = 0;
  std::string message;
  std::map<std::string, std::string> facts;   // host, commit, compiler, library versions, command line, ...
  std::map<std::string, double> figures;      // seconds, tokens_per_second, bytes_sent, first_grain, num_grains, ...
};

class SessionLogWriter {
 public:
  /// Opens for append, creating the file; a torn tail of a killed session is cut first. So is damage and what follows
  /// it, of which a copy is kept as PATH.damaged and a note is printed: no run has to end for its session.log.
  explicit SessionLogWriter(const std::filesystem::path& path);
  ~SessionLogWriter();
  SessionLogWriter(SessionLogWriter&&) noexcept;
  void append(const SessionEvent& event);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Throws kCorrupt with path and offset of the first damaged event.
std::vector<SessionEvent> read_session_log(const std::filesystem::path& path);
/// The same up to that event.
std::vector<SessionEvent> read_intact_events(const std::filesystem::path& path);
std::string_view to_string(SessionEvent::Kind kind);

}  // namespace reprise::logs
