// Whether another process lives, by a handle of it.

#include "peer_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

namespace reprise::dist {
namespace {

pid_t start_sleeper() {
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) ::pause();
  }
  return child;
}

/// Waits for what a kill brings about in a moment.
bool ends_soon(const PeerProcess& peer) {
  for (int look = 0; look < 500 && !peer.has_ended(); ++look) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return peer.has_ended();
}

TEST(PeerProcess, HasEndedOnceItIsKilledThoughNobodyHasWaitedForIt) {
  const pid_t child = start_sleeper();
  const PeerProcess peer(3, child);
  const PeerProcess copy = peer;
  EXPECT_EQ(peer.rank(), 3);
  EXPECT_EQ(peer.process(), child);
  EXPECT_FALSE(peer.has_ended());
  ::kill(child, SIGKILL);
  EXPECT_TRUE(ends_soon(peer));
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(peer.has_ended());
  EXPECT_TRUE(copy.has_ended());
}

TEST(PeerProcess, LeavesNoOpenFileBehind) {
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto before = open_files();
  {
    std::optional<PeerProcess> peer(std::in_place, 1, ::getppid());
    const PeerProcess copy = *peer;
    peer.reset();
    EXPECT_FALSE(copy.has_ended());
  }
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace reprise::dist
