#include "tensorboard.h"

#include <algorithm>
#include <cmath>

#include "crc32.h"
#include "reprise/core/files.h"
#include "reprise/logs/export.h"
#include "reprise/logs/run_log.h"
#include "reprise/logs/tensorboard_event.pb.h"

namespace reprise::logs {
namespace {

// TensorBoard takes a file whose name holds "tfevents". No clock and no host: the same log gives the same file.
constexpr std::string_view kFileName = "events.out.tfevents.0000000000.reprise";
constexpr std::string_view kFileVersion = "brain.Event:2";

void put_little_endian(std::string& out, std::uint64_t value, int num_bytes) {
  for (int i = 0; i < num_bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

/// TFRecord's mask, which keeps a CRC over data that holds CRCs from being a trivial value.
std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

void add_scalar(tensorboard::Summary& summary, const char* tag, double value) {
  tensorboard::Summary::Value& entry = *summary.add_value();
  entry.set_tag(tag);
  entry.set_simple_value(static_cast<float>(value));
}

tensorboard::Event event_at(std::uint64_t step) {
  tensorboard::Event event;
  // Seconds since 1970 to TensorBoard; run.log holds no times, so its "wall" axis counts steps.
  event.set_wall_time(static_cast<double>(step));
  event.set_step(static_cast<std::int64_t>(step));
  return event;
}

/// `may_skip`: a step of the run was skipped; its curve of 0 and 1 has a point at every step then.
std::string event_of(const StepRecord& record, bool may_skip) {
  tensorboard::Event event = event_at(record.step);
  tensorboard::Summary& summary = *event.mutable_summary();
  add_scalar(summary, "train/loss", record.loss);
  add_scalar(summary, "train/perplexity", std::exp(record.loss));
  add_scalar(summary, "train/z_loss", record.z_loss);
  add_scalar(summary, "train/gradient_norm", record.gradient_norm);
  add_scalar(summary, "train/clip_factor", record.clip_factor);
  add_scalar(summary, "train/learning_rate", record.learning_rate);
  add_scalar(summary, "train/tokens_seen", static_cast<double>(record.tokens_seen));
  if (may_skip) add_scalar(summary, "train/skipped", record.skipped ? 1 : 0);
  return event.SerializeAsString();
}

std::string event_of(const EvaluationRecord& record) {
  tensorboard::Event event = event_at(record.step);
  tensorboard::Summary& summary = *event.mutable_summary();
  add_scalar(summary, "held_out/loss", record.loss);
  add_scalar(summary, "held_out/bits_per_byte", record.bits_per_byte);
  return event.SerializeAsString();
}

}  // namespace

std::string tf_record(std::string_view data) {
  std::string record;
  put_little_endian(record, data.size(), 8);
  put_little_endian(record, masked_crc32c(record), 4);
  record += data;
  put_little_endian(record, masked_crc32c(data), 4);
  return record;
}

std::string first_event_record() {
  tensorboard::Event first;
  first.set_wall_time(0);
  first.set_file_version(std::string(kFileVersion));
  return tf_record(first.SerializeAsString());
}

std::filesystem::path export_tensorboard(const std::filesystem::path& run_folder, const std::filesystem::path& folder) {
  const RunLog log = read_run_log(run_folder / "run.log");
  const bool may_skip = std::any_of(log.records.begin(), log.records.end(),
                                    [](const RunRecord& record) { return record.step && record.step->skipped; });
  std::string bytes = first_event_record();
  for (const RunRecord& record : log.records) {
    if (record.step) bytes += tf_record(event_of(*record.step, may_skip));
    if (record.evaluation) bytes += tf_record(event_of(*record.evaluation));
  }
  make_folders(folder);
  const std::filesystem::path path = folder / kFileName;
  write_file_atomically(path, bytes);
  return path;
}

}  // namespace reprise::logs
