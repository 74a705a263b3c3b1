#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "crc32.h"
#include "framing.h"
#include "reprise/core/error.h"
#include "reprise/logs/run_log.pb.h"
#include "run_log_records.h"
#include "sample_log.h"

namespace reprise::logs {
namespace {

// Check values of the catalogue of parametrised CRC algorithms (reveng), CRC-32/ISO-HDLC and CRC-32/ISCSI.
TEST(Crc32, KnownAnswers) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32(""), 0u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
}

TEST(RunLogRecords, BytesAreThoseOfProtobuf) {
  for (const std::string& payload :
       {encode(sample_header()), encode(sample_step(3)), encode(sample_checkpoint(300)), encode(StepRecord{}),
        encode(RunHeader{}), encode(CheckpointRecord{}), encode(skipped_step(3)), encode(sample_evaluation(3)),
        encode(EvaluationRecord{})}) {
    wire::RunLogRecord record;
    ASSERT_TRUE(record.ParseFromString(payload));
    EXPECT_EQ(record.SerializeAsString(), payload);
    EXPECT_EQ(record.step().unknown_fields().field_count(), 0);
  }
}

TEST(RunLogRecords, EveryValueComesBackBitForBit) {
  StepRecord step = sample_step(7);
  step.loss = std::numeric_limits<double>::denorm_min();
  step.z_loss = -0.0;
  step.first_sample = std::numeric_limits<std::uint64_t>::max();
  step.gradient_norm = std::numeric_limits<double>::infinity();
  const RunRecord back = decode(encode(step)).value_or_throw();
  ASSERT_TRUE(back.step.has_value());
  EXPECT_EQ(encode(*back.step), encode(step));
  EXPECT_EQ(back.step->first_sample, step.first_sample);
  EXPECT_TRUE(std::signbit(back.step->z_loss));
  EXPECT_EQ(back.step->grain_losses, step.grain_losses);
  EXPECT_EQ(back.step->state, step.state);
  const RunRecord header = decode(encode(sample_header())).value_or_throw();
  ASSERT_TRUE(header.header.has_value());
  EXPECT_EQ(encode(*header.header), encode(sample_header()));
  const RunRecord checkpoint = decode(encode(sample_checkpoint(9))).value_or_throw();
  ASSERT_TRUE(checkpoint.checkpoint.has_value());
  EXPECT_EQ(checkpoint.checkpoint->root, sample_checkpoint(9).root);
}

TEST(RunLogRecords, ASkippedUpdateComesBackWithTheLimitsThatWerePassed) {
  StepRecord step = sample_step(3);
  EXPECT_FALSE(decode(encode(step)).value_or_throw().step->skipped.has_value());
  step.skipped.emplace().loss_limit = 5.5;
  EXPECT_EQ(decode(encode(step)).value_or_throw().step->skipped, step.skipped);
  step.skipped->gradient_norm_limit = 0.0;
  EXPECT_EQ(decode(encode(step)).value_or_throw().step->skipped, step.skipped);
}

TEST(RunLogRecords, AStepThatWasNotSkippedHasTheBytesItAlwaysHad) {
  std::string skipped = encode(skipped_step(3));
  const std::string plain = encode(sample_step(3));
  EXPECT_EQ(skipped.size(), plain.size() + 11);  // tag, length, tag and 8 bytes of the limit
  // Known answer of Python's protobuf 4.21 with the schema of the format before the field came.
  EXPECT_EQ(sha256(plain).hex(), "d9910721bf8fb3cecd837799d3364c61ceec6bd0837190e17a7ac8fc851e66f4");
}

TEST(RunLogRecords, AnEvaluationComesBack) {
  const RunRecord back = decode(encode(sample_evaluation(8))).value_or_throw();
  ASSERT_TRUE(back.evaluation.has_value());
  EXPECT_EQ(encode(*back.evaluation), encode(sample_evaluation(8)));
  EXPECT_EQ(back.evaluation->bits_per_byte, 1.28125);
}

TEST(RunLogRecords, PayloadsThatAreNoRecordsAreRefused) {
  EXPECT_FALSE(decode("\xff\xff\xff"));
  EXPECT_FALSE(decode(""));
  wire::RunLogRecord short_root;
  short_root.mutable_checkpoint()->set_root("abc");
  EXPECT_FALSE(decode(short_root.SerializeAsString()));
  wire::RunLogRecord newer;
  ASSERT_TRUE(newer.ParseFromString(encode(sample_header())));
  newer.mutable_header()->set_format(2);
  const Result<RunRecord> refused = decode(newer.SerializeAsString());
  ASSERT_FALSE(refused);
  EXPECT_NE(std::string(refused.error().what()).find("format 2 is not known"), std::string::npos);
}

TEST(RunLogRecords, OtherBytesOfTheSameContentAreRefused) {
  const std::string payload = encode(sample_checkpoint(3));  // 12 24, 08 03, 12 20 and the root
  ASSERT_TRUE(decode(payload));
  const std::string step = payload.substr(2, 2), root = payload.substr(4);
  const auto framed = [](const std::string& inner) { return "\x1a" + std::string(1, char(inner.size())) + inner; };
  ASSERT_EQ(framed(step + root), payload);
  for (const std::string& other : {framed(root + step), framed(step + step + root), framed(step + root + step),
                                   framed("\x08\x83" + std::string(1, '\0') + root), framed(root),
                                   framed(step + root + "\x18\x01"), payload + "\x28\x01"}) {
    const Result<RunRecord> refused = decode(other);
    ASSERT_FALSE(refused);
    EXPECT_NE(std::string(refused.error().what()).find("not in the fixed encoding of a record, or a newer Reprise"),
              std::string::npos);
  }
}

std::string order_complaint(const std::vector<RunRecord>& records) {
  RecordOrder order;
  for (const RunRecord& record : records) {
    if (std::string wrong = order.accept(record); !wrong.empty()) return wrong;
  }
  return "";
}

TEST(RecordOrder, HeaderThenConsecutiveStepsEachWithAtMostOneCheckpoint) {
  RunRecord header, step1, step2, checkpoint0, checkpoint1;
  header.header = sample_header();
  step1.step = sample_step(1);
  step2.step = sample_step(2);
  checkpoint0.checkpoint = sample_checkpoint(0);
  checkpoint1.checkpoint = sample_checkpoint(1);
  EXPECT_EQ(order_complaint({header, checkpoint0, step1, checkpoint1, step2}), "");
  EXPECT_EQ(order_complaint({header, step1, step2}), "");
  EXPECT_EQ(order_complaint({step1}), "the first record is not the header");
  EXPECT_EQ(order_complaint({header, header}), "a second header");
  EXPECT_EQ(order_complaint({header, step2}), "step 2 follows step 0");
  EXPECT_EQ(order_complaint({header, step1, step1}), "step 1 follows step 1");
  EXPECT_EQ(order_complaint({header, checkpoint1}), "checkpoint 1 follows step 0");
  EXPECT_EQ(order_complaint({header, checkpoint0, checkpoint0}), "checkpoint 0 follows checkpoint 0");
}

TEST(RecordOrder, AnEvaluationStandsBetweenItsStepAndTheCheckpoint) {
  RunRecord header, step1, evaluation0, evaluation1, checkpoint1;
  header.header = sample_header();
  step1.step = sample_step(1);
  evaluation0.evaluation = sample_evaluation(0);
  evaluation1.evaluation = sample_evaluation(1);
  checkpoint1.checkpoint = sample_checkpoint(1);
  EXPECT_EQ(order_complaint({header, step1, evaluation1, checkpoint1}), "");
  EXPECT_EQ(order_complaint({header, step1, checkpoint1, evaluation1}), "evaluation 1 follows checkpoint 1");
  EXPECT_EQ(order_complaint({header, step1, evaluation1, evaluation1}), "evaluation 1 follows evaluation 1");
  EXPECT_EQ(order_complaint({header, evaluation0}), "evaluation 0 follows step 0");
  EXPECT_EQ(order_complaint({header, step1, evaluation0}), "evaluation 0 follows step 1");
}

TEST(RecordOrder, ARunThatGoesOnFromAnotherCountsOnFromItsParentsStep) {
  RunRecord header, step7, step8, checkpoint0, checkpoint7;
  header.header = sample_header();
  header.header->parent = ParentLink{"parent", 7, sha256("root")};
  step7.step = sample_step(7);
  step8.step = sample_step(8);
  checkpoint0.checkpoint = sample_checkpoint(0);
  checkpoint7.checkpoint = sample_checkpoint(7);
  EXPECT_EQ(order_complaint({header, checkpoint7, step8}), "");
  EXPECT_EQ(order_complaint({header, step7}), "step 7 follows step 7");
  EXPECT_EQ(order_complaint({header, checkpoint0}), "checkpoint 0 follows step 7");
}

TEST(Records, TheParentOfARunIsInItsHeaderAndNothingOfItInOthers) {
  RunHeader header = sample_header();
  const std::string without = encode(header);
  header.parent = ParentLink{"parent", 300, sha256("root of step 300")};
  const Result<RunRecord> back = decode(encode(header));
  ASSERT_TRUE(back);
  EXPECT_EQ(back.value().header->parent, header.parent);
  EXPECT_FALSE(decode(without).value().header->parent.has_value());
  // Field 10 "parent", 11 varint 300, 12 the root: 8 + 3 + 34 bytes more.
  EXPECT_EQ(encode(header).size(), without.size() + 45);
}

TEST(Framing, LayoutIsLengthChecksumPayload) {
  EXPECT_EQ(frame("123456789"), std::string("\x09\0\0\0\x26\x39\xf4\xcb", 8) + "123456789");
}

TEST(Framing, DamageIsToldFromATornTail) {
  const std::string bytes = frame("first payload") + frame("second payload");
  std::string longer = bytes;
  longer[0] = '\x7f';  // the first length now points behind the end
  FrameReader reader(longer, "x.log");
  EXPECT_THROW(reader.next(), Error);
  FrameReader torn(std::string_view(bytes).substr(0, bytes.size() - 3), "x.log");
  EXPECT_TRUE(torn.next().has_value());
  EXPECT_FALSE(torn.next().has_value());
  EXPECT_TRUE(torn.torn());
}

}  // namespace
}  // namespace reprise::logs
