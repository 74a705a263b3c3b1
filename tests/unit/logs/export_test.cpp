#include "reprise/logs/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <sstream>

#include "crc32.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/logs/tensorboard_event.pb.h"
#include "sample_log.h"
#include "tensorboard.h"

namespace reprise::logs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Export : public ::testing::Test {
 protected:
  Export() { write_sample_log(folder_ / "run.log", 4); }

  std::vector<std::string> lines(ExportFormat format) {
    std::stringstream out;
    export_steps(folder_.path(), format, out);
    std::vector<std::string> result;
    for (std::string line; std::getline(out, line);) result.push_back(line);
    return result;
  }

  const TemporaryFolder folder_;
};

TEST_F(Export, JsonLinesHaveOneLinePerStep) {
  const std::vector<std::string> out = lines(ExportFormat::kJsonLines);
  ASSERT_EQ(out.size(), 4u);
  EXPECT_THAT(out[2], HasSubstr("{\"step\":3,\"first_sample\":8,\"num_samples\":4,\"num_targets\":1020,"));
  // 2.75 = 1.375 * 2, so the exponent is 0x400 and the fraction 0x6.
  EXPECT_THAT(out[2], HasSubstr("\"loss\":2.75,\"loss_bits\":\"4006000000000000\""));
  EXPECT_THAT(out[2], HasSubstr("\"gradient_norm\":0.3333333333333333,\"gradient_norm_bits\":\"3fd5555555555555\""));
  EXPECT_THAT(out[2], HasSubstr("\"clip_factor\":0.1,\"clip_factor_bits\":\"3dcccccd\""));
  EXPECT_THAT(out[2], HasSubstr("\"grain_losses\":[4003.1,4001.2],\"grain_losses_bits\":[\""));
  EXPECT_THAT(out[2], HasSubstr("\"state\":\"" + sample_step(3).state.hex() + "\"}"));
}

TEST_F(Export, AStepThatWasSkippedByNoLimitIsAnEmptyObject) {
  std::filesystem::remove(folder_ / "run.log");
  RunLogWriter writer = RunLogWriter::create(folder_ / "run.log", sample_header());
  StepRecord step = sample_step(1);
  step.skipped.emplace();
  writer.append(step);
  EXPECT_THAT(lines(ExportFormat::kJsonLines)[0], HasSubstr("\"skipped\":{},"));
}

TEST_F(Export, PerplexityHasNineDigits) {
  EXPECT_THAT(lines(ExportFormat::kJsonLines)[2], HasSubstr("\"perplexity\":15.6426319,"));  // e^2.75
  EXPECT_THAT(lines(ExportFormat::kCsv)[3], HasSubstr(",2.75,15.6426319,"));
}

TEST_F(Export, PerplexityThatIsNotFiniteIsNullInJsonAndANumberInCsv) {
  std::filesystem::remove(folder_ / "run.log");
  RunLogWriter writer = RunLogWriter::create(folder_ / "run.log", sample_header());
  StepRecord step = sample_step(1);
  step.loss = 1751946;
  writer.append(step);
  EXPECT_THAT(lines(ExportFormat::kJsonLines)[0], HasSubstr("\"perplexity\":null,"));
  EXPECT_THAT(lines(ExportFormat::kCsv)[1], HasSubstr(",1751946,inf,"));
}

TEST_F(Export, SessionEventsAreLinesAndStepFiguresAreColumns) {
  SessionEvent start, first, second;
  start.kind = SessionEvent::Kind::kStart;
  start.unix_seconds = 10;
  start.message = "a \"word\"\n";
  start.facts["host"] = "h";
  first.kind = second.kind = SessionEvent::Kind::kStep;
  first.step = 20;
  first.unix_seconds = 11.5;
  first.figures = {{"a", 0.5}};
  second.step = 40;
  second.unix_seconds = 12;
  second.figures = {{"a", 1}, {"b", 2}};
  std::stringstream json, csv;
  export_session({start, first, second}, ExportFormat::kJsonLines, json);
  export_session({start, first, second}, ExportFormat::kCsv, csv);
  std::string line;
  std::getline(json, line);
  EXPECT_EQ(
      line,
      R"({"kind":"start","unix_seconds":10,"step":0,"message":"a \"word\"\u000a","facts":{"host":"h"},"figures":{}})");
  EXPECT_EQ(csv.str(), "step,unix_seconds,a,b\n20,11.5,0.5,\n40,12,1,2\n");
}

TEST_F(Export, CsvHasAHeaderAndOneLinePerStep) {
  const std::vector<std::string> out = lines(ExportFormat::kCsv);
  ASSERT_EQ(out.size(), 5u);
  EXPECT_THAT(out[0], HasSubstr("step,first_sample,"));
  EXPECT_EQ(out[1].substr(0, 17), "1,0,4,1020,1024,8");
  const auto commas = [](const std::string& line) { return std::count(line.begin(), line.end(), ','); };
  for (const std::string& line : out) EXPECT_EQ(commas(line), commas(out[0]));
}

class ExportOfRecipeFeatures : public Export {
 protected:
  ExportOfRecipeFeatures() {
    std::filesystem::remove(folder_ / "run.log");
    RunLogWriter writer = RunLogWriter::create(folder_ / "run.log", sample_header());
    writer.append(skipped_step(1));
    writer.append(sample_step(2));
    writer.append(sample_evaluation(2));
    writer.append(sample_checkpoint(2));
  }
};

TEST_F(ExportOfRecipeFeatures, JsonLinesHoldLimitsAndEvaluationsInTheLineOfTheStep) {
  const std::vector<std::string> out = lines(ExportFormat::kJsonLines);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_THAT(out[0], HasSubstr("\"skipped\":{\"gradient_norm_limit\":0.25,\"gradient_norm_limit_bits\":"
                                "\"3fd0000000000000\"},\"state\""));
  EXPECT_THAT(out[0], Not(HasSubstr("evaluation")));
  EXPECT_THAT(out[1], HasSubstr("\"evaluation\":{\"num_sequences\":64,\"num_targets\":16384,\"num_bytes\":60000,"
                                "\"loss\":3.25,\"loss_bits\":\"400a000000000000\",\"bits_per_byte\":1.28125,"));
  EXPECT_THAT(out[1], Not(HasSubstr("skipped")));
}

TEST_F(ExportOfRecipeFeatures, CsvHasColumnsForThem) {
  const std::vector<std::string> out = lines(ExportFormat::kCsv);
  EXPECT_THAT(out[0], HasSubstr(",skipped,evaluation_loss,evaluation_bits_per_byte"));
  EXPECT_TRUE(out[1].ends_with(",1,,")) << out[1];
  EXPECT_TRUE(out[2].ends_with(",0,3.25,1.28125")) << out[2];
}

std::uint64_t little_endian(std::string_view bytes, std::size_t offset, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[offset + static_cast<std::size_t>(i)])} << (8 * i);
  }
  return value;
}

std::uint32_t unmask(std::uint64_t masked) { return std::rotl(static_cast<std::uint32_t>(masked) - 0xa282ead8u, 15); }

/// Reads a TFRecord file, checking both checksums of each record.
std::vector<tensorboard::Event> read_events(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::vector<tensorboard::Event> events;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = little_endian(bytes, at, 8);
    EXPECT_EQ(unmask(little_endian(bytes, at + 8, 4)), crc32c(std::string_view(bytes).substr(at, 8)));
    const std::string_view data = std::string_view(bytes).substr(at + 12, length);
    EXPECT_EQ(unmask(little_endian(bytes, at + 12 + length, 4)), crc32c(data));
    EXPECT_TRUE(events.emplace_back().ParseFromString(std::string(data)));
    at += 16 + length;
  }
  return events;
}

TEST_F(Export, TensorboardFileHoldsTheScalarsOfEveryStep) {
  const std::filesystem::path path = export_tensorboard(folder_.path(), folder_ / "tb/deeper");
  EXPECT_THAT(path.filename().string(), HasSubstr("tfevents"));
  const std::vector<tensorboard::Event> events = read_events(path);
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[3].step(), 3);
  EXPECT_EQ(events[3].wall_time(), 3.0);
  EXPECT_EQ(events[3].summary().value(0).tag(), "train/loss");
  EXPECT_EQ(events[3].summary().value(0).simple_value(), 2.75f);
  EXPECT_EQ(events[3].summary().value(1).tag(), "train/perplexity");
  EXPECT_NEAR(events[3].summary().value(1).simple_value(), 15.642632, 1e-5);  // e^2.75
  EXPECT_EQ(events[3].summary().value_size(), 7);
}

TEST_F(ExportOfRecipeFeatures, TensorboardHasScalarsForThem) {
  const std::vector<tensorboard::Event> events = read_events(export_tensorboard(folder_.path(), folder_ / "tb"));
  ASSERT_EQ(events.size(), 4u);
  for (const int step : {1, 2}) {
    EXPECT_EQ(events[static_cast<std::size_t>(step)].summary().value(7).tag(), "train/skipped");
    EXPECT_EQ(events[static_cast<std::size_t>(step)].summary().value(7).simple_value(), step == 1 ? 1.0f : 0.0f);
  }
  EXPECT_EQ(events[3].step(), 2);
  EXPECT_EQ(events[3].summary().value(0).tag(), "held_out/loss");
  EXPECT_EQ(events[3].summary().value(1).simple_value(), 1.28125f);
}

TEST_F(Export, TensorboardFileIsAFunctionOfTheLog) {
  const std::string first = read_file(export_tensorboard(folder_.path(), folder_ / "a"));
  EXPECT_EQ(read_file(export_tensorboard(folder_.path(), folder_ / "b")), first);
}

// Made by TensorFlow's record layout written out with Python 3.11's struct and a bitwise CRC-32C:
// length 3, masked CRC of the length, "abc", masked CRC of "abc".
TEST(TfRecord, KnownAnswer) {
  const std::string record = tf_record("abc");
  std::string hex;
  for (const char c : record) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  EXPECT_EQ(hex, "0300000000000000b099490e6162636e57f121");
}

TEST_F(Export, DamagedLogIsRefused) {
  std::string bytes = read_file(folder_ / "run.log");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  overwrite(folder_ / "run.log", bytes);
  std::stringstream out;
  EXPECT_THROW(export_steps(folder_.path(), ExportFormat::kCsv, out), Error);
  EXPECT_EQ(out.str(), "");
}

TEST_F(Export, WriterThatFailsIsAnError) {
  std::stringstream out;
  out.setstate(std::ios::badbit);
  EXPECT_THROW(export_steps(folder_.path(), ExportFormat::kJsonLines, out), Error);
}

}  // namespace
}  // namespace reprise::logs
