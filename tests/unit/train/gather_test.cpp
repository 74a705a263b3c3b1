#include "gather.h"

#include <gtest/gtest.h>

#include <atomic>

#include "reprise/dist/local_group.h"

namespace reprise::train {
namespace {

TEST(Gather, GivesEveryRankTheMessagesOfAllByRank) {
  dist::run_local_group(3, [](dist::Communicator& communicator) {
    Message mine;
    const std::vector<int> values(static_cast<std::size_t>(communicator.rank()), communicator.rank());
    mine.put(std::span<const int>(values));  // rank 0 sends nothing
    std::vector<Message> all = gather_messages(communicator, mine);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].bytes().size(), 0u);
    EXPECT_EQ(all[1].take<int>(), 1);
    EXPECT_EQ(all[2].take<int>(), 2);
    EXPECT_EQ(all[2].take<int>(), 2);
  });
}

TEST(Gather, RefusesToReadBeyondAMessage) {
  Message message;
  message.put(7);
  EXPECT_EQ(message.take<int>(), 7);
  EXPECT_THROW(message.take<int>(), Error);
}

TEST(FirstRank, ItsAnswerReachesAll) {
  std::atomic<int> runs{0};
  dist::run_local_group(4, [&](dist::Communicator& communicator) {
    const std::string text = on_first_rank(communicator, [&] {
      ++runs;
      return std::string("answer");
    });
    EXPECT_EQ(text, "answer");
  });
  EXPECT_EQ(runs.load(), 1);
}

TEST(FirstRank, ItsErrorIsThrownOnAllWithKindMessageAndHint) {
  std::atomic<int> thrown{0};
  dist::run_local_group(3, [&](dist::Communicator& communicator) {
    try {
      on_first_rank(communicator, []() -> std::string { throw Error(ErrorKind::kIo, "disk full", "free space"); });
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kIo);
      EXPECT_STREQ(error.what(), "disk full");
      EXPECT_EQ(error.hint(), "free space");
      ++thrown;
    }
  });
  EXPECT_EQ(thrown.load(), 3);
}

}  // namespace
}  // namespace reprise::train
