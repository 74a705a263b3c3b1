#include "reprise/logs/session_log.h"

#include <gtest/gtest.h>

#include <chrono>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "sample_log.h"

namespace reprise::logs {
namespace {

SessionEvent sample_event() {
  SessionEvent event;
  event.kind = SessionEvent::Kind::kRank;
  event.unix_seconds = 1.5e9 + 0.25;
  event.step = 7;
  event.message = "rank 1 runs grains 4 to 7";
  event.facts = {{"host", "h"}, {"commit", "abc"}};
  event.figures = {{"bytes_sent", 12345}, {"seconds", 0.1}};
  return event;
}

TEST(SessionLog, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  SessionLogWriter writer(folder / "session.log");
  writer.append(sample_event());
  const std::vector<SessionEvent> events = read_session_log(folder / "session.log");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, SessionEvent::Kind::kRank);
  EXPECT_EQ(events[0].unix_seconds, sample_event().unix_seconds);
  EXPECT_EQ(events[0].step, 7u);
  EXPECT_EQ(events[0].message, sample_event().message);
  EXPECT_EQ(events[0].facts, sample_event().facts);
  EXPECT_EQ(events[0].figures, sample_event().figures);
}

TEST(SessionLog, EveryKindKeepsItsName) {
  const TemporaryFolder folder;
  SessionLogWriter writer(folder / "session.log");
  using Kind = SessionEvent::Kind;
  const std::vector<Kind> kinds{Kind::kStart,      Kind::kResume, Kind::kRank, Kind::kStep,
                                Kind::kCheckpoint, Kind::kSignal, Kind::kEnd,  Kind::kNote};
  for (const Kind kind : kinds) {
    SessionEvent event;
    event.kind = kind;
    writer.append(event);
  }
  const std::vector<SessionEvent> events = read_session_log(folder / "session.log");
  ASSERT_EQ(events.size(), kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ(events[i].kind, kinds[i]);
  EXPECT_EQ(to_string(Kind::kCheckpoint), "checkpoint");
}

TEST(SessionLog, WriterFillsTheTime) {
  const TemporaryFolder folder;
  SessionLogWriter(folder / "session.log").append(SessionEvent{});
  EXPECT_GT(read_session_log(folder / "session.log").at(0).unix_seconds, 1.7e9);
}

TEST(SessionLog, LaterSessionAppendsAndCutsATornTail) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "session.log";
  {
    SessionLogWriter writer(path);
    writer.append(sample_event());
    writer.append(sample_event());
  }
  const std::string bytes = read_file(path);
  for (std::size_t size = bytes.size() / 2 + 1; size < bytes.size(); ++size) {
    overwrite(path, bytes.substr(0, size));
    EXPECT_EQ(read_session_log(path).size(), 1u);
    SessionLogWriter writer(path);
    writer.append(sample_event());
    EXPECT_EQ(read_file(path), bytes) << size;
  }
}

TEST(SessionLog, DamageIsFound) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "session.log";
  {
    SessionLogWriter writer(path);
    writer.append(sample_event());
    writer.append(sample_event());
  }
  const std::string bytes = read_file(path);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    overwrite(path, flipped);
    EXPECT_THROW(read_session_log(path), Error) << i;
  }
}

TEST(SessionLog, LaterSessionGoesOnBehindTheIntactPartAndKeepsTheDamage) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "session.log";
  SessionLogWriter(path).append(sample_event());
  const std::string intact = read_file(path);
  // What a loss of power leaves of pages that were not written; then other bytes behind the same part.
  const std::string zeros = intact + std::string(4096, '\0');
  const std::string flipped = intact + "\x05" + intact.substr(1);
  for (const std::string& damaged : {zeros, flipped}) {
    overwrite(path, damaged);
    EXPECT_EQ(read_intact_events(path).size(), 1u);
    testing::internal::CaptureStderr();
    SessionLogWriter(path).append(sample_event());
    EXPECT_NE(testing::internal::GetCapturedStderr().find("session.log.damaged"), std::string::npos);
    EXPECT_EQ(read_file(path), intact + intact);
  }
  EXPECT_EQ(read_file(folder / "session.log.damaged"), zeros);
  EXPECT_EQ(read_file(folder / "session.log.damaged-2"), flipped);
}

TEST(SessionLog, IsNotWrittenThroughALink) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "notes.txt", "of somebody else");
  std::filesystem::create_symlink(folder / "notes.txt", folder / "session.log");
  try {
    SessionLogWriter writer(folder / "session.log");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_NE(std::string(error.what()).find("session.log"), std::string::npos) << error.what();
  }
  EXPECT_EQ(read_file(folder / "notes.txt"), "of somebody else");
  EXPECT_FALSE(std::filesystem::exists(folder / "session.log.damaged"));
}

}  // namespace
}  // namespace reprise::logs
