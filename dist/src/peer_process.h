#pragma once
// Another rank on this machine, asked whether it lives while this one waits for it.

#include <sys/types.h>

#include <memory>

namespace reprise::dist {

class PeerProcess {
 public:
  /// `process` must be alive; what has its number later is not taken for it where the system has handles of processes.
  PeerProcess(int rank, pid_t process);

  int rank() const { return rank_; }
  pid_t process() const { return process_; }
  /// Also of a killed process that nobody has waited for yet. For any thread; costs one call of the system.
  bool has_ended() const;

 private:
  int rank_;
  pid_t process_;
  std::shared_ptr<const int> handle_;  // null where the system has none
};

}  // namespace reprise::dist
