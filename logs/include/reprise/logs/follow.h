#pragma once
// A log that grows while it is read: new records as they come, across the kill and the resume of its writer.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "reprise/logs/run_log.h"
#include "reprise/logs/session_log.h"

namespace reprise::logs {

/// Whole frames of a growing file that were not returned before. A torn tail waits until it is whole.
class FrameFollower {
 public:
  explicit FrameFollower(std::filesystem::path path) : path_(std::move(path)) {}

  struct News {
    std::vector<std::string> payloads;
    // The file is shorter than what was read, or begins with another frame: payloads begin at its beginning again.
    bool cut = false;
  };
  /// Reads what came since the last call; nothing while there is no file. Throws kCorrupt, kIo.
  News poll();

 private:
  std::filesystem::path path_;
  std::uint64_t offset_ = 0;
  std::string first_;  // length and checksum of the first frame, which tell the file of another run
};

/// Records of a growing run.log, each once. A resume cuts the log back and the same records come again; those are left
/// out. Not thread-safe.
class RunLogFollower {
 public:
  explicit RunLogFollower(const std::filesystem::path& path) : frames_(path) {}

  struct News {
    std::vector<RunRecord> records;
    bool cut = false;      // a resume has cut the log back since the last call
    bool another = false;  // the file is that of another run: records begin with its header
  };
  News poll();

 private:
  bool is_new(const RunRecord& record);

  FrameFollower frames_;
  std::string header_;            // payload
  std::uint64_t last_step_ = 0;   // returned
  bool evaluation_seen_ = false;  // of last_step_
  bool checkpoint_seen_ = false;  // of last_step_
};

/// Events of a growing session.log, which only grows.
class SessionLogFollower {
 public:
  explicit SessionLogFollower(const std::filesystem::path& path) : frames_(path) {}
  std::vector<SessionEvent> poll();

 private:
  FrameFollower frames_;
};

}  // namespace reprise::logs
