#pragma once
// run.log: what happened, as a function of the recipe alone. Length-prefixed protobuf records with a CRC, chained by
// SHA-256 over the bytes as written (docs/formats/run_log.md; schema logs/proto/run_log.proto).

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reprise/core/hash.h"
#include "reprise/core/result.h"

namespace reprise::logs {

/// The checkpoint of another run that a run goes on from.
struct ParentLink {
  std::string run;
  std::uint64_t step = 0;
  Digest root;
  bool operator==(const ParentLink&) const = default;
};

/// First record of a run.log.
struct RunHeader {
  std::string run_name;
  Digest recipe_hash;
  std::uint32_t contract_version = 1;
  Digest data_root;  // token shards
  Digest tokenizer;
  std::string recipe_text;  // resolved
  std::uint64_t num_parameters = 0;
  std::uint64_t num_grains = 0;  // per step
  std::optional<ParentLink> parent;

  /// The step behind which the log begins: the parent's, or 0.
  std::uint64_t first_step() const { return parent ? parent->step : 0; }
};

/// Why the update of a step was left out: the limits that its values were above, one at least.
struct SkippedUpdate {
  std::optional<double> loss_limit;
  std::optional<double> gradient_norm_limit;
  bool operator==(const SkippedUpdate&) const = default;
};

/// One optimizer step. Step s turns the weights of step s-1 into those of step s; s starts at 1.
struct StepRecord {
  std::uint64_t step = 0;
  std::uint64_t first_sample = 0;  // global ordinals [first_sample, first_sample + num_samples)
  std::uint64_t num_samples = 0;
  std::uint64_t num_targets = 0;       // N of the contract
  std::uint64_t tokens_seen = 0;       // after the step
  Digest batch_hash;                   // over the batch's token ids
  double loss = 0;                     // mean cross-entropy, binary64
  double z_loss = 0;                   // mean of logsumexp^2 times its weight
  std::vector<double> grain_losses;    // per grain sum of cross-entropy
  std::vector<double> grain_z_losses;  // per grain sum of logsumexp^2
  double gradient_norm = 0;            // before clipping
  float clip_factor = 1;               // the gradient was multiplied by this
  float learning_rate = 0;
  Digest state;  // digest of weights and moments after the step
  std::optional<SkippedUpdate> skipped;
};

/// Held-out sequences under the weights of a step.
struct EvaluationRecord {
  std::uint64_t step = 0;
  std::uint64_t num_sequences = 0;
  std::uint64_t num_targets = 0;
  std::uint64_t num_bytes = 0;  // of the text that the targets stand for
  Digest batch_hash;            // over the token ids
  double loss = 0;              // mean cross-entropy of a target
  double bits_per_byte = 0;
};

/// A scheduled checkpoint was written (it is a function of the recipe too).
struct CheckpointRecord {
  std::uint64_t step = 0;
  Digest root;
};

/// One record of a run.log as read back: exactly one of the four is set.
struct RunRecord {
  std::optional<RunHeader> header;
  std::optional<StepRecord> step;
  std::optional<CheckpointRecord> checkpoint;
  std::optional<EvaluationRecord> evaluation;
  std::uint64_t offset = 0;  // of the record in the file
  Digest chain;              // hash chain up to and including this record
};

/// Appends records; flushes each to the operating system. One writer per file (rank 0). Passes the fault point
/// "log_append" half-way through a record's bytes, so that a torn tail is a tested case.
class RunLogWriter {
 public:
  /// Creates a new log. Throws kIo when the file exists.
  static RunLogWriter create(const std::filesystem::path& path, const RunHeader& header);
  /// Opens an existing log for a resume: cuts everything after the records of `step` (its step record and, if any, its
  /// evaluation and checkpoint records), torn tail included. Keeps what was cut, so that append() can check that
  /// replayed records are the same bytes (throws kCheckpoint otherwise). Throws kCorrupt when the kept part is damaged.
  static RunLogWriter resume(const std::filesystem::path& path, std::uint64_t step);
  ~RunLogWriter();
  RunLogWriter(RunLogWriter&&) noexcept;

  void append(const StepRecord& record);
  void append(const CheckpointRecord& record);
  void append(const EvaluationRecord& record);
  /// Hash chain so far.
  const Digest& chain() const;
  void sync();

 private:
  struct State;
  explicit RunLogWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct RunLog {
  std::vector<RunRecord> records;
  Digest chain;            // of the whole log
  bool torn_tail = false;  // an incomplete last record was left out
};

/// Reads and verifies a run.log. Throws kCorrupt with path and offset of the first damaged record.
RunLog read_run_log(const std::filesystem::path& path);

/// The same up to the first damaged record, for a resume, which may cut the damage off. Throws kCorrupt when the
/// header is damaged.
RunLog read_intact_records(const std::filesystem::path& path);

}  // namespace reprise::logs
