// The machine that executes the PTX of compiled kernels where there is no GPU (doubles/ptx). Expected values follow the
// PTX ISA, version 9.0.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <numeric>
#include <string>
#include <vector>

#include "ptx_kernel.h"

namespace {

using namespace reprise::ptx;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::ThrowsMessage;

constexpr std::uint32_t kNaN = 0x7fffffff;

std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }

Words after(const std::string& statements, Words words, const std::string& declarations = {},
            Order order = Order::kForward) {
  run(kernel(statements, declarations), words, {1, static_cast<std::uint32_t>(words.size()), 0, order});
  return words;
}

/// The result of statements that make %r1 of %r1, of one thread.
std::uint32_t of_one(const std::string& statements, std::uint32_t operand) {
  return after("ld.global.u32 %r1, [%rd1];\n" + statements + "\nst.global.u32 [%rd1], %r1;", {operand}).front();
}

auto faults_with(const std::string& message) { return ThrowsMessage<Fault>(HasSubstr(message)); }

TEST(PtxMachine, RoundsAProductAndASumTwiceAndAFusedMultiplyAddOnce) {
  const float x = 1 + 0x1p-12f;  // its square needs 25 bits
  const std::string load = "mov.b32 %f1, %r1;\n";
  EXPECT_EQ(of_one(load + "mul.rn.f32 %f2, %f1, %f1;\nsub.rn.f32 %f3, %f2, 0f3F800000;\nmov.b32 %r1, %f3;", bits(x)),
            bits(0x1p-11f));
  EXPECT_EQ(of_one(load + "fma.rn.f32 %f3, %f1, %f1, 0fBF800000;\nmov.b32 %r1, %f3;", bits(x)),
            bits(0x1p-11f + 0x1p-24f));
}

TEST(PtxMachine, KeepsSubnormalNumbers) {
  EXPECT_EQ(of_one("mov.b32 %f1, %r1;\nmul.rn.f32 %f1, %f1, 0f3F000000;\nmov.b32 %r1, %f1;", 2), 1u);
}

TEST(PtxMachine, ComputesTheCanonicalNaN) {
  EXPECT_EQ(of_one("mov.b32 %f1, %r1;\nsub.rn.f32 %f1, %f1, %f1;\nmov.b32 %r1, %f1;", bits(INFINITY)), kNaN);
}

TEST(PtxMachine, TakesTheNumberOfANumberAndANaNAndOrdersZerosBySign) {
  const std::string load = "mov.b32 %f1, %r1;\n", store = "mov.b32 %r1, %f2;";
  EXPECT_EQ(of_one(load + "max.f32 %f2, %f1, 0fBF800000;\n" + store, kNaN), bits(-1.0f));
  EXPECT_EQ(of_one(load + "min.f32 %f2, %f1, 0f00000000;\n" + store, bits(-0.0f)), bits(-0.0f));
  EXPECT_EQ(of_one(load + "max.f32 %f2, %f1, 0f00000000;\n" + store, bits(-0.0f)), bits(0.0f));
}

TEST(PtxMachine, AnswersUnorderedComparisonsOfNaNsWithYesAndOthersWithNo) {
  const auto answer = [](const std::string& comparison) {
    return of_one("mov.b32 %f1, %r1;\nsetp." + comparison + ".f32 %p1, %f1, 0f00000000;\nselp.u32 %r1, 1, 0, %p1;",
                  kNaN);
  };
  for (const char* ordered : {"eq", "ne", "lt", "le", "gt", "ge", "num"}) EXPECT_EQ(answer(ordered), 0u) << ordered;
  for (const char* open : {"equ", "neu", "ltu", "leu", "gtu", "geu", "nan"}) EXPECT_EQ(answer(open), 1u) << open;
}

TEST(PtxMachine, RoundsToBfloat16WithTheFirstOperandInTheUpperHalf) {
  const std::string convert = "mov.b32 %f1, %r1;\ncvt.rn.bf16x2.f32 %r1, %f1, 0f3F800000;";
  EXPECT_EQ(of_one(convert, 0x40008000), 0x40003f80u);  // a tie, to even
  EXPECT_EQ(of_one(convert, 0x40018000), 0x40023f80u);
  EXPECT_EQ(of_one(convert, 0xffc00001), 0x7fff3f80u);
}

TEST(PtxMachine, ShiftsRotatesInsertsAndPermutesBits) {
  EXPECT_EQ(of_one("shr.s32 %r1, %r1, 40;", 0x80000000), 0xffffffffu);
  EXPECT_EQ(of_one("shl.b32 %r1, %r1, 32;", 1), 0u);
  EXPECT_EQ(of_one("shf.l.wrap.b32 %r1, %r1, %r1, 8;", 0x12345678), 0x34567812u);
  EXPECT_EQ(of_one("bfi.b32 %r1, 5, %r1, 4, 8;", 0xffffffff), 0xfffff05fu);
  EXPECT_EQ(of_one("prmt.b32 %r1, %r1, 0, 0x0123;", 0x12345678), 0x78563412u);
  EXPECT_EQ(of_one("prmt.b32 %r1, %r1, 0, 0x4448;", 0x00000080), 0x000000ffu);  // the sign of a byte
}

TEST(PtxMachine, ReadsBytesAndHalvesWithAndWithoutTheirSign) {
  EXPECT_EQ(of_one("ld.global.u16 %rs1, [%rd1+2];\ncvt.u32.u16 %r1, %rs1;", 0x8001ffff), 0x8001u);
  EXPECT_EQ(of_one("ld.global.s32 %rd5, [%rd1];\nshr.s64 %rd5, %rd5, 32;\ncvt.u32.u64 %r1, %rd5;", 0x80000000),
            0xffffffffu);
}

TEST(PtxMachine, LetsLanesThatPartMeetAgainBehindTheBranch) {
  // Odd threads add 100; behind it the value of each thread's neighbour is exchanged.
  const Words words = after(R"(
	and.b32 	%r1, %r0, 1;
	setp.eq.s32 	%p1, %r1, 0;
	mov.u32 	%r2, %r0;
	@%p1 bra 	$L__even;
	add.s32 	%r2, %r2, 100;
$L__even:
	shfl.sync.bfly.b32 	%r3|%p2, %r2, 1, 31, -1;
	st.global.u32 	[%rd1], %r3;)",
                            Words(32));
  for (std::uint32_t i = 0; i < 32; ++i) EXPECT_EQ(words[i], (i ^ 1) % 2 == 1 ? (i ^ 1) + 100 : i ^ 1) << i;
}

TEST(PtxMachine, EndsALoopLaneByLane) {
  // Each thread adds 3 as often as its number says.
  const Words words = after(R"(
	mov.u32 	%r1, 0;
	mov.u32 	%r2, 0;
$L__again:
	setp.ge.u32 	%p1, %r1, %r0;
	@%p1 bra 	$L__done;
	add.s32 	%r2, %r2, 3;
	add.s32 	%r1, %r1, 1;
	bra.uni 	$L__again;
$L__done:
	st.global.u32 	[%rd1], %r2;)",
                            Words(32));
  for (std::uint32_t i = 0; i < 32; ++i) EXPECT_EQ(words[i], 3 * i);
}

TEST(PtxMachine, ExecutesAPredicatedInstructionWhereItsPredicateHolds) {
  const std::string text = "setp.lt.u32 %p1, %r0, 2;\n@%p1 st.global.u32 [%rd1], 7;\n@!%p1 st.global.u32 [%rd1], 8;";
  EXPECT_THAT(after(text, Words(4)), ElementsAre(7, 7, 8, 8));
}

TEST(PtxMachine, GivesALaneItsOwnValueBeyondTheClampOfAShuffle) {
  const Words words = after(R"(
	shfl.sync.idx.b32 	%r1|%p1, %r0, 9, 7, -1;
	selp.u32 	%r2, 1000, 0, %p1;
	add.s32 	%r1, %r1, %r2;
	st.global.u32 	[%rd1], %r1;)",
                            Words(32));
  Words own(32);
  std::iota(own.begin(), own.end(), 0);
  EXPECT_EQ(words, own);
}

TEST(PtxMachine, LetsAllWarpsReachABarrierBeforeAnyGoesOn) {
  const std::string text = R"(
	mov.u32 	%r1, values;
	shl.b32 	%r2, %r0, 2;
	add.s32 	%r3, %r1, %r2;
	st.shared.u32 	[%r3], %r0;
	bar.sync 	0;
	sub.s32 	%r4, %r1, %r2;
	ld.shared.u32 	%r5, [%r4+252];
	st.global.u32 	[%rd1], %r5;)";
  const Words words = after(text, Words(64), "\t.shared .align 16 .b8 values[256];");
  for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(words[i], 63 - i);
}

TEST(PtxMachine, ShowsAMissingBarrierByTheOrderOfWarps) {
  // Each of two warps writes its word of shared memory and reads the other's.
  const auto read_by = [](Order order, const std::string& barrier) {
    const Words words = after(R"(
	shr.u32 	%r1, %r0, 5;
	shl.b32 	%r2, %r1, 2;
	mov.u32 	%r3, values;
	add.s32 	%r4, %r3, %r2;
	st.shared.u32 	[%r4], %r1;
)" + barrier + R"(
	xor.b32 	%r5, %r2, 4;
	add.s32 	%r6, %r3, %r5;
	ld.shared.u32 	%r7, [%r6];
	st.global.u32 	[%rd1], %r7;)",
                              Words(64), "\t.shared .align 16 .b8 values[8];", order);
    return std::pair(words[0], words[32]);
  };
  EXPECT_EQ(read_by(Order::kForward, ""), std::pair(0xffffffffu, 0u));
  EXPECT_EQ(read_by(Order::kBackward, ""), std::pair(1u, 0xffffffffu));
  for (const Order order : {Order::kForward, Order::kBackward, Order::kRandom}) {
    EXPECT_EQ(read_by(order, "bar.sync 0;"), std::pair(1u, 0u));
  }
}

const char* const kCopy = R"(
	mov.u32 	%r1, dynamic;
	st.shared.u32 	[%r1], 5;
	cp.async.ca.shared.global 	[%r1], [%rd1], 4;
	cp.async.commit_group;
)";
const char* const kStoreCopied = R"(
	ld.shared.u32 	%r2, [%r1];
	st.global.u32 	[%rd1], %r2;
)";

TEST(PtxMachine, CopiesAsLateAsAWaitAllows) {
  const auto copied = [](const std::string& before, const std::string& behind) {
    Words words{42};
    run(kernel(kCopy + before + kStoreCopied + behind), words, {1, 1, 16});
    return words.front();
  };
  EXPECT_EQ(copied("cp.async.wait_group 0;", ""), 42u);
  EXPECT_EQ(copied("cp.async.wait_group 1;", "cp.async.wait_group 0;"), 5u);
  EXPECT_THAT([&] { copied("", ""); }, faults_with("an asynchronous copy was not waited for"));
}

TEST(PtxMachine, RefusesAccessesBesideMemory) {
  EXPECT_THAT([] { after("st.global.u32 [%rd1+4], %r0;", Words(8)); }, faults_with("which are in no allocation"));
  EXPECT_THAT([] { after("ld.global.u32 %r1, [%rd0+-4];", Words(8)); }, faults_with("which are in no allocation"));
  EXPECT_THAT([] { after("ld.global.u16 %rs1, [%rd0+1];", Words(8)); }, faults_with("not aligned"));
  EXPECT_THAT([] { after("mov.u32 %r1, dynamic;\nld.shared.u32 %r2, [%r1];", Words(1)); },
              faults_with("of 0 bytes of shared memory"));
}

TEST(PtxMachine, RefusesABarrierThatSomeThreadsNeverReach) {
  const char* const text = "setp.lt.u32 %p1, %r0, 32;\n@%p1 bra $L__end;\nbar.sync 0;\n$L__end:";
  EXPECT_THAT([&] { after(text, Words(64)); }, faults_with("a barrier that not all threads reach"));
}

TEST(PtxMachine, RefusesAShuffleThatSomeLanesNeverReach) {
  const char* const text =
      "setp.lt.u32 %p1, %r0, 4;\n@%p1 bra $L__end;\nshfl.sync.bfly.b32 %r1|%p2, %r0, 1, 31, -1;\n$L__end:";
  EXPECT_THAT([&] { after(text, Words(32)); }, faults_with("lanes that it names never come"));
}

TEST(PtxMachine, RefusesABlockLargerThanTheKernelWasCompiledFor) {
  EXPECT_THAT([] { after("", Words(257)); }, faults_with("a block of 257 threads, compiled for 256"));
}

TEST(PtxMachine, CountsWhatAWarpsAccessesCost) {
  const auto every = [](std::uint64_t distance, std::uint64_t first = 0) {
    std::vector<std::uint64_t> addresses;
    for (std::uint64_t lane = 0; lane < 32; ++lane) addresses.push_back(first + distance * lane);
    return addresses;
  };
  const auto moved = [](const Traffic& traffic) { return std::pair(traffic.moved, traffic.least); };
  EXPECT_EQ(moved(shared_traffic(every(4), 4)), std::pair(1ul, 1ul));
  EXPECT_EQ(moved(shared_traffic(every(0), 4)), std::pair(1ul, 1ul));     // all lanes the same word
  EXPECT_EQ(moved(shared_traffic(every(8), 4)), std::pair(2ul, 1ul));     // every second bank
  EXPECT_EQ(moved(shared_traffic(every(128), 4)), std::pair(32ul, 1ul));  // one bank
  EXPECT_EQ(moved(shared_traffic(every(132), 4)), std::pair(1ul, 1ul));   // rows of 32 words and one of padding
  EXPECT_EQ(moved(shared_traffic(every(16), 16)), std::pair(4ul, 4ul));
  EXPECT_EQ(moved(global_traffic(every(4), 4)), std::pair(4ul, 4ul));
  EXPECT_EQ(moved(global_traffic(every(4, 4), 4)), std::pair(5ul, 4ul));
  EXPECT_EQ(moved(global_traffic(every(64), 4)), std::pair(32ul, 4ul));
  EXPECT_EQ(moved(global_traffic(every(16), 16)), std::pair(16ul, 16ul));
}

TEST(PtxMachine, RefusesByLineWhatItDoesNotKnow) {
  EXPECT_THAT([] { after("ex2.approx.f32 %f1, %f1;", Words(1)); },
              faults_with("tested: line 22: unknown instruction: ex2.approx.f32 %f1, %f1;"));
  EXPECT_THAT([] { after("add.f32 %f1, %f1, %f1;", Words(1)); }, faults_with("unknown instruction"));
  EXPECT_THAT([] { after("add.rn.ftz.f32 %f1, %f1, %f1;", Words(1)); }, faults_with("unknown instruction"));
  EXPECT_THAT([] { after("bra $L__nowhere;", Words(1)); }, faults_with("no label $L__nowhere"));
  EXPECT_THAT([] { after("add.s32 %r1, %r99, 1;", Words(1)); }, faults_with("no register %r99"));
  EXPECT_THAT([] { after("add.s32 %r1, %rd1, 1;", Words(1)); }, faults_with("has another size"));
}

}  // namespace
