// What the machine for PTX (doubles/ptx) takes for a race: the rules are those of races.h.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ptx_kernel.h"
#include "races.h"

namespace {

using namespace reprise::ptx;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

// Each thread has a word of shared memory: its own is at %r2, another lane's at %r3, another warp's at %r4, the first
// at %r1. %p1: it is thread 0.
const std::string kWords = R"(
	mov.u32 	%r1, dynamic;
	shl.b32 	%r9, %r0, 2;
	add.s32 	%r2, %r1, %r9;
	xor.b32 	%r3, %r9, 4;
	add.s32 	%r3, %r1, %r3;
	xor.b32 	%r4, %r9, 128;
	add.s32 	%r4, %r1, %r4;
	setp.eq.u32 	%p1, %r0, 0;
)";
const std::string kWriteOwn = "st.shared.u32 [%r2], %r0;\n", kReadLanes = "ld.shared.u32 %r5, [%r3];\n",
                  kReadWarps = "ld.shared.u32 %r5, [%r4];\n", kReadFirst = "ld.shared.u32 %r5, [%r1];\n",
                  kWriteFirst = "@%p1 st.shared.u32 [%r1], %r0;\n", kBlockBarrier = "bar.sync 0;\n",
                  kWarpBarrier = "bar.warp.sync -1;\n";
const std::string kCopy = "cp.async.ca.shared.global [%r2], [%rd1], 4;\ncp.async.commit_group;\n",
                  kWait = "cp.async.wait_group 0;\n", kReadOwn = "ld.shared.u32 %r5, [%r2];\n";

void run(const std::string& statements, std::uint32_t blocks = 1, Order order = Order::kForward) {
  Races races;
  Words words(64);
  run(kernel(kWords + statements), words, {blocks, 64, 256, order}, &races);
}

auto faults_with(const std::string& message) { return ThrowsMessage<Fault>(HasSubstr(message)); }
#define EXPECT_RACE(statements, message) EXPECT_THAT([&] { run(statements); }, faults_with(message))
#define EXPECT_NO_RACE(statements) EXPECT_NO_THROW(run(statements))

TEST(PtxRaces, WantABarrierOfTheBlockBetweenWarps) {
  EXPECT_RACE(kWriteOwn + kReadWarps, "without a barrier between");
  EXPECT_RACE(kWriteOwn + kWarpBarrier + kReadWarps, "without a barrier between");
  EXPECT_NO_RACE(kWriteOwn + kBlockBarrier + kReadWarps);
}

TEST(PtxRaces, WantABarrierOfTheWarpBetweenLanes) {
  EXPECT_RACE(kWriteOwn + kReadLanes, "without a barrier between");
  EXPECT_NO_RACE(kWriteOwn + kWarpBarrier + kReadLanes);
  EXPECT_NO_RACE(kWriteOwn + kBlockBarrier + kReadLanes);
}

TEST(PtxRaces, TakeNoShuffleForABarrier) {
  EXPECT_RACE(kWriteOwn + "shfl.sync.bfly.b32 %r6, %r0, 1, 31, -1;\n" + kReadLanes, "without a barrier between");
}

TEST(PtxRaces, OrderTheLanesThatABarrierNames) {
  // Two lanes each; the barrier is of lanes 0 and 1, and only where the thread is one of them.
  const auto exchange_of = [](const std::string& lanes_below) {
    return "setp.ge.u32 %p2, %r0, " + lanes_below + ";\n@%p2 bra $L__end;\n" + kWriteOwn +
           "setp.ge.u32 %p3, %r0, 2;\n@%p3 bra $L__behind;\nbar.warp.sync 3;\n$L__behind:\n" + kReadLanes +
           "$L__end:\n";
  };
  EXPECT_NO_RACE(exchange_of("2"));
  EXPECT_RACE(exchange_of("4"), "thread 3 of block (0, 0, 0) wrote");
}

TEST(PtxRaces, AreWritesOfWhatOthersMayStillRead) {
  EXPECT_RACE(kReadLanes + kWriteOwn, "read in line");
  EXPECT_NO_RACE(kReadLanes + kWarpBarrier + kWriteOwn);
  EXPECT_RACE(kReadWarps + kWarpBarrier + kWriteOwn, "without a barrier between");
  EXPECT_NO_RACE(kReadWarps + kBlockBarrier + kWriteOwn);
}

TEST(PtxRaces, AreWritesOfWhatManyRead) {
  EXPECT_RACE(kReadFirst + kWriteFirst, "read in line");
  EXPECT_RACE(kReadFirst + kWarpBarrier + kWriteFirst, "without a barrier between");
  EXPECT_NO_RACE(kReadFirst + kBlockBarrier + kWriteFirst);
  EXPECT_NO_RACE(kReadFirst + kBlockBarrier + kReadFirst + kBlockBarrier + kWriteFirst);
}

TEST(PtxRaces, AreSeenInAnyOrderOfWarps) {
  for (const Order order : {Order::kForward, Order::kBackward, Order::kRandom}) {
    EXPECT_THAT([&] { run(kReadFirst + kWarpBarrier + kWriteFirst, 1, order); }, faults_with("without a barrier"));
    EXPECT_NO_THROW(run(kWriteFirst + kBlockBarrier + kReadFirst, 1, order));
  }
}

TEST(PtxRaces, AreTwoStoresOfOneInstructionToAByteEvenOfTheSameValue) {
  EXPECT_RACE("st.shared.u32 [%r1], 5;\n", "writes what thread 0 of block (0, 0, 0) wrote");
}

TEST(PtxRaces, AreNotWritesOfDifferentBytesOfAWord) {
  const std::string bytes = "sub.s32 %r6, %r1, 0;\nadd.s32 %r6, %r6, %r0;\nst.shared.u8 [%r6], %r0;\n";
  EXPECT_NO_RACE(bytes + kBlockBarrier + kReadFirst);
  EXPECT_RACE("shr.u32 %r6, %r0, 1;\nadd.s32 %r6, %r1, %r6;\nst.shared.u8 [%r6], %r0;\n", "thread 0 of block");
  EXPECT_RACE("shl.b32 %r6, %r0, 1;\nadd.s32 %r6, %r1, %r6;\nst.shared.u16 [%r6], %r0;\n" + kReadFirst,
              "wrote in line");
}

TEST(PtxRaces, LookAtAllWordsOfAVector) {
  EXPECT_RACE(kWriteOwn + "@%p1 ld.shared.v4.u32 {%r5, %r6, %r7, %r8}, [%r1];\n", "without a barrier between");
  EXPECT_NO_RACE(kWriteOwn + kBlockBarrier + "ld.shared.v4.u32 {%r5, %r6, %r7, %r8}, [%r1];\n");
}

TEST(PtxRaces, LetEachBlockHaveItsOwnSharedMemory) { EXPECT_NO_THROW(run(kWriteOwn + kBlockBarrier + kReadWarps, 3)); }

TEST(PtxRaces, FindNothingThatOrdersBlocks) {
  EXPECT_THAT([] { run("st.global.u32 [%rd1], %r0;", 2); },
              faults_with("thread 0 of block (1, 0, 0) writes what thread 0 of block (0, 0, 0) wrote"));
  // All read the first word, in which the second block writes.
  const std::string text = R"(
	ld.global.u32 	%r5, [%rd0];
	bar.sync 	0;
	mov.u32 	%r6, %ctaid.x;
	setp.ne.u32 	%p2, %r6, 1;
	@%p2 bra 	$L__end;
	setp.eq.u32 	%p3, %r0, 40;
	@%p3 st.global.u32 	[%rd0], %r0;
$L__end:)";
  EXPECT_THAT([&] { run(text, 2); },
              faults_with("thread 40 of block (1, 0, 0) writes what thread 33 of block (0, 0, 0) read"));
  EXPECT_THAT([&] { run(text, 2, Order::kBackward); },
              faults_with("of block (0, 0, 0) reads what thread 40 of block (1, 0, 0) wrote"));
  EXPECT_NO_THROW(run(text, 1));
}

TEST(PtxRaces, LetBlocksReadTheSameAndWriteTheirOwn) {
  EXPECT_NO_THROW(run(R"(
	ld.global.u32 	%r5, [%rd0];
	mov.u32 	%r6, %ctaid.x;
	setp.eq.u32 	%p2, %r6, %r0;
	setp.eq.u32 	%p3, %r0, 0;
	@!%p2 bra 	$L__end;
	@%p3 bra 	$L__end;
	st.global.u32 	[%rd1], %r5;
$L__end:)",
                      3));
}

TEST(PtxRaces, AreNotBetweenLaunches) {
  Races races;
  Words words(64);
  const std::string text = kernel(
      "ld.global.u32 %r5, [%rd0];\nxor.b32 %r6, %r0, 1;\nmul.wide.u32 %rd5, %r6, 4;\n"
      "add.s64 %rd6, %rd0, %rd5;\nbar.sync 0;\nst.global.u32 [%rd6], %r5;");
  run(text, words, {1, 64}, &races);
  run(text, words, {1, 64, 0, Order::kBackward}, &races);
}

TEST(PtxRaces, AreFoundBehindALaunchThatUsesMoreMemoryThanIsKeptInMind) {
  Races races;
  constexpr std::uint32_t kBlocks = 5000;
  Words words(kBlocks * 1024);
  const std::string far = kernel(
      "mov.u32 %r5, %ctaid.x;\nmul.wide.u32 %rd5, %r5, 4096;\nadd.s64 %rd6, %rd0, %rd5;\n"
      "st.global.u32 [%rd6], %r0;");
  run(far, words, {kBlocks, 1}, &races);
  run(far, words, {kBlocks, 1, 0, Order::kBackward}, &races);
  EXPECT_THAT([&] { run(kernel("st.global.u32 [%rd0], %r0;"), words, {2, 1}, &races); }, faults_with("wrote in line"));
}

TEST(PtxRaces, LetNobodyUseWhereACopyGoesBeforeItWasWaitedFor) {
  const std::string message = "copies to in line";
  EXPECT_RACE(kCopy + kReadOwn + kWait, message);
  EXPECT_RACE(kCopy + kWriteOwn + kWait, message);
  EXPECT_RACE(kCopy + kCopy + kWait, message);
  EXPECT_RACE(kCopy + kBlockBarrier + kReadWarps + kWait, message);
  EXPECT_NO_RACE(kCopy + kWait + kReadOwn + kWriteOwn);
  EXPECT_NO_RACE(kCopy + kWait + kCopy + kWait);
}

TEST(PtxRaces, LetAWaitEndTheGroupsThatItNames) {
  const std::string second = "cp.async.ca.shared.global [%r2+256], [%rd1], 4;\ncp.async.commit_group;\n";
  const auto run_with = [&](const std::string& read) {
    Races races;
    Words words(64);
    run(kernel(kWords + kCopy + second + "cp.async.wait_group 1;\n" + read + kWait), words, {1, 64, 512}, &races);
  };
  EXPECT_NO_THROW(run_with(kReadOwn));
  EXPECT_THAT([&] { run_with("ld.shared.u32 %r5, [%r2+256];\n"); }, faults_with("which was not waited for"));
}

TEST(PtxRaces, WantABarrierBehindTheWaitBeforeOthersReadWhatWasCopied) {
  EXPECT_RACE(kCopy + kWait + kReadWarps, "without a barrier between");
  EXPECT_RACE(kCopy + kBlockBarrier + kWait + kReadLanes, "wrote in line");
  EXPECT_NO_RACE(kCopy + kWait + kWarpBarrier + kReadLanes);
  EXPECT_NO_RACE(kCopy + kWait + kBlockBarrier + kReadWarps);
}

TEST(PtxRaces, WantABarrierBeforeACopyIntoWhatOthersMayStillRead) {
  EXPECT_RACE(kReadWarps + kCopy + kWait, "without a barrier between");
  EXPECT_RACE(kReadLanes + kCopy + kWait, "read in line");
  EXPECT_NO_RACE(kReadWarps + kBlockBarrier + kCopy + kWait);
}

TEST(PtxRaces, LetNobodyWriteTheSourceOfACopyUnderWay) {
  const std::string write =
      "xor.b32 %r6, %r0, 1;\nmul.wide.u32 %rd5, %r6, 4;\nadd.s64 %rd6, %rd0, %rd5;\n"
      "st.global.u32 [%rd6], 7;\n";
  EXPECT_RACE(kCopy + kBlockBarrier + write + kBlockBarrier + kWait,
              "while the copy was under way: cp.async.wait_group");
  EXPECT_RACE(kCopy + kBlockBarrier + "st.global.u32 [%rd1], 7;\n" + kWait, "while the copy was under way");
  EXPECT_RACE(kCopy + kWait + write, "read in line");
  EXPECT_NO_RACE(kCopy + kWait + kBlockBarrier + write);
  EXPECT_NO_RACE(write + kBlockBarrier + kCopy + kWait);
}

TEST(PtxRaces, AreToldWithBothThreadsAndLines) {
  EXPECT_THAT(
      [] { run(kWriteOwn + kReadWarps); },
      ThrowsMessage<Fault>(AllOf(
          StartsWith("tested, line 31: a race at 0x80 of shared memory: thread 32 of block (0, 0, 0) writes what "
                     "thread 0 of block (0, 0, 0) read in line 32 (ld.shared.u32 %r5, [%r4];), without a barrier"),
          HasSubstr("between: st.shared.u32 [%r2], %r0;"))));
}

}  // namespace
