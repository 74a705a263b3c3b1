#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "reprise/core/fault_point.h"
#include "reprise/core/stop.h"

namespace reprise {
namespace {

/// Runs `body` in a child process and returns how it ended, as wait() tells.
template <typename Body>
int status_of_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(StopFlag, RemembersTheFirstSignal) {
  const int status = status_of_child([] {
    const StopHandlers handlers;
    ::raise(SIGTERM);
    ::_exit(stop_signal());
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), SIGTERM);
}

TEST(StopFlag, LetsASecondSignalEndTheProcess) {
  const int status = status_of_child([] {
    const StopHandlers handlers;
    ::raise(SIGINT);
    ::raise(SIGINT);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGINT);
}

TEST(StopFlag, IsNotSetBehindTheHandlers) {
  const int status = status_of_child([] {
    { const StopHandlers handlers; }
    ::raise(SIGINT);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGINT);
}

TEST(FaultPoint, KillsAtTheCountedPassOfTheNamedPoint) {
  const int status = status_of_child([] {
    ::setenv("REPRISE_FAULT", "exchange:3", 1);
    fault_point("exchange");
    fault_point("compute");
    fault_point("exchange");
    fault_point("exchange");
    ::_exit(1);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(FaultPoint, SparesOtherRanks) {
  const int status = status_of_child([] {
    ::setenv("REPRISE_FAULT", "exchange:1:2", 1);
    set_fault_rank(1);
    fault_point("exchange");
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace reprise
