#include "run_log_records.h"

#include "reprise/logs/run_log.pb.h"
#include "wire_writer.h"

namespace reprise::logs {
namespace {

constexpr std::uint32_t kFormat = 1;
// Numbers of RunLogRecord's fields.
constexpr std::uint32_t kHeaderField = 1;
constexpr std::uint32_t kStepField = 2;
constexpr std::uint32_t kCheckpointField = 3;
constexpr std::uint32_t kEvaluationField = 4;
// Of StepRecord.
constexpr std::uint32_t kSkippedField = 15;

std::string_view view(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

bool read_digest(const std::string& bytes, Digest& digest) {
  if (bytes.size() != digest.bytes.size()) return false;
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(digest.bytes.data()));
  return true;
}

Error bad(std::string message) { return Error(ErrorKind::kCorrupt, std::move(message)); }

Result<RunRecord> from_wire(const wire::RunHeader& from) {
  RunHeader header;
  header.run_name = from.run_name();
  header.contract_version = from.contract_version();
  header.recipe_text = from.recipe_text();
  header.num_parameters = from.num_parameters();
  header.num_grains = from.num_grains();
  if (from.format() != kFormat) return bad(fmt::format("format {} is not known, only {}", from.format(), kFormat));
  if (!read_digest(from.recipe_hash(), header.recipe_hash) || !read_digest(from.data_root(), header.data_root) ||
      !read_digest(from.tokenizer(), header.tokenizer)) {
    return bad("a hash of the header does not have 32 bytes");
  }
  if (from.has_parent_step()) {
    header.parent.emplace(ParentLink{from.parent_run(), from.parent_step(), {}});
    if (!read_digest(from.parent_root(), header.parent->root)) {
      return bad("the parent's root in the header does not have 32 bytes");
    }
  }
  RunRecord record;
  record.header = std::move(header);
  return record;
}

Result<RunRecord> from_wire(const wire::StepRecord& from) {
  StepRecord step;
  step.step = from.step();
  step.first_sample = from.first_sample();
  step.num_samples = from.num_samples();
  step.num_targets = from.num_targets();
  step.tokens_seen = from.tokens_seen();
  step.loss = from.loss();
  step.z_loss = from.z_loss();
  step.grain_losses.assign(from.grain_losses().begin(), from.grain_losses().end());
  step.grain_z_losses.assign(from.grain_z_losses().begin(), from.grain_z_losses().end());
  step.gradient_norm = from.gradient_norm();
  step.clip_factor = from.clip_factor();
  step.learning_rate = from.learning_rate();
  if (from.has_skipped()) {
    step.skipped.emplace();
    const wire::SkippedUpdate& skipped = from.skipped();
    if (skipped.has_loss_limit()) step.skipped->loss_limit = skipped.loss_limit();
    if (skipped.has_gradient_norm_limit()) step.skipped->gradient_norm_limit = skipped.gradient_norm_limit();
  }
  if (!read_digest(from.batch_hash(), step.batch_hash) || !read_digest(from.state(), step.state)) {
    return bad(fmt::format("a hash of step {} does not have 32 bytes", step.step));
  }
  RunRecord record;
  record.step = std::move(step);
  return record;
}

Result<RunRecord> from_wire(const wire::CheckpointRecord& from) {
  CheckpointRecord checkpoint;
  checkpoint.step = from.step();
  if (!read_digest(from.root(), checkpoint.root)) {
    return bad(fmt::format("the root of checkpoint {} does not have 32 bytes", checkpoint.step));
  }
  RunRecord record;
  record.checkpoint = checkpoint;
  return record;
}

Result<RunRecord> from_wire(const wire::EvaluationRecord& from) {
  EvaluationRecord evaluation;
  evaluation.step = from.step();
  evaluation.num_sequences = from.num_sequences();
  evaluation.num_targets = from.num_targets();
  evaluation.num_bytes = from.num_bytes();
  evaluation.loss = from.loss();
  evaluation.bits_per_byte = from.bits_per_byte();
  if (!read_digest(from.batch_hash(), evaluation.batch_hash)) {
    return bad(fmt::format("the hash of evaluation {} does not have 32 bytes", evaluation.step));
  }
  RunRecord record;
  record.evaluation = evaluation;
  return record;
}

std::string encode(const SkippedUpdate& skipped) {
  WireWriter inner;
  if (skipped.loss_limit) inner.fixed64(1, *skipped.loss_limit);
  if (skipped.gradient_norm_limit) inner.fixed64(2, *skipped.gradient_norm_limit);
  return inner.data();
}

}  // namespace

std::string encode(const RunHeader& header) {
  WireWriter inner;
  inner.varint(1, kFormat)
      .bytes(2, header.run_name)
      .bytes(3, view(header.recipe_hash))
      .varint(4, header.contract_version)
      .bytes(5, view(header.data_root))
      .bytes(6, view(header.tokenizer))
      .bytes(7, header.recipe_text)
      .varint(8, header.num_parameters)
      .varint(9, header.num_grains);
  if (header.parent) {
    inner.bytes(10, header.parent->run).varint(11, header.parent->step).bytes(12, view(header.parent->root));
  }
  return WireWriter().bytes(kHeaderField, inner.data()).data();
}

std::string encode(const StepRecord& record) {
  WireWriter inner;
  inner.varint(1, record.step)
      .varint(2, record.first_sample)
      .varint(3, record.num_samples)
      .varint(4, record.num_targets)
      .varint(5, record.tokens_seen)
      .bytes(6, view(record.batch_hash))
      .fixed64(7, record.loss)
      .fixed64(8, record.z_loss)
      .packed(9, record.grain_losses)
      .packed(10, record.grain_z_losses)
      .fixed64(11, record.gradient_norm)
      .fixed32(12, record.clip_factor)
      .fixed32(13, record.learning_rate)
      .bytes(14, view(record.state));
  if (record.skipped) inner.bytes(kSkippedField, encode(*record.skipped));
  return WireWriter().bytes(kStepField, inner.data()).data();
}

std::string encode(const CheckpointRecord& record) {
  WireWriter inner;
  inner.varint(1, record.step).bytes(2, view(record.root));
  return WireWriter().bytes(kCheckpointField, inner.data()).data();
}

std::string encode(const EvaluationRecord& record) {
  WireWriter inner;
  inner.varint(1, record.step)
      .varint(2, record.num_sequences)
      .varint(3, record.num_targets)
      .varint(4, record.num_bytes)
      .bytes(5, view(record.batch_hash))
      .fixed64(6, record.loss)
      .fixed64(7, record.bits_per_byte);
  return WireWriter().bytes(kEvaluationField, inner.data()).data();
}

namespace {

Result<RunRecord> from_wire(const wire::RunLogRecord& record) {
  switch (record.record_case()) {
    case wire::RunLogRecord::kHeader:
      return from_wire(record.header());
    case wire::RunLogRecord::kStep:
      return from_wire(record.step());
    case wire::RunLogRecord::kCheckpoint:
      return from_wire(record.checkpoint());
    case wire::RunLogRecord::kEvaluation:
      return from_wire(record.evaluation());
    case wire::RunLogRecord::RECORD_NOT_SET:
      break;
  }
  return bad("it is neither header, step, evaluation nor checkpoint");
}

std::string encode(const RunRecord& record) {
  if (record.header) return encode(*record.header);
  if (record.step) return encode(*record.step);
  return record.evaluation ? encode(*record.evaluation) : encode(*record.checkpoint);
}

}  // namespace

/// Other bytes of the same content would be another log of the same run, and could hold what no reader sees.
Result<RunRecord> decode(std::string_view payload) {
  wire::RunLogRecord record;
  if (!record.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return bad("it is no protobuf record");
  Result<RunRecord> decoded = from_wire(record);
  if (decoded && encode(decoded.value()) != payload) {
    return bad("it is not in the fixed encoding of a record, or a newer Reprise wrote it");
  }
  return decoded;
}

std::string RecordOrder::accept(const RunRecord& record) {
  if (record.header) {
    if (has_header_) return "a second header";
    has_header_ = true;
    last_step_ = record.header->first_step();
    return {};
  }
  if (!has_header_) return "the first record is not the header";
  if (record.step) {
    if (record.step->step != last_step_ + 1) {
      return fmt::format("step {} follows step {}", record.step->step, last_step_);
    }
    last_step_ = record.step->step;
    has_step_ = true;
    has_evaluation_ = has_checkpoint_ = false;
    return {};
  }
  if (record.evaluation) {
    if (!has_step_ || record.evaluation->step != last_step_ || has_evaluation_ || has_checkpoint_) {
      return fmt::format("evaluation {} follows {} {}", record.evaluation->step,
                         has_checkpoint_   ? "checkpoint"
                         : has_evaluation_ ? "evaluation"
                                           : "step",
                         last_step_);
    }
    has_evaluation_ = true;
    return {};
  }
  if (record.checkpoint->step != last_step_ || has_checkpoint_) {
    return fmt::format("checkpoint {} follows {} {}", record.checkpoint->step, has_checkpoint_ ? "checkpoint" : "step",
                       last_step_);
  }
  has_checkpoint_ = true;
  return {};
}

std::uint64_t step_of(const RunRecord& record) {
  if (record.step) return record.step->step;
  if (record.evaluation) return record.evaluation->step;
  return record.checkpoint ? record.checkpoint->step : 0;
}

Digest chain_after(const Digest& chain, std::string_view framed_bytes) {
  return Sha256().update(view(chain)).update(framed_bytes).finish();
}

}  // namespace reprise::logs
