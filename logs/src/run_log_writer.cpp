#include <cstdlib>
#include <deque>

#include "append_file.h"
#include "framing.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/files.h"
#include "reprise/logs/run_log.h"
#include "run_log_records.h"

namespace reprise::logs {
namespace {

/// Whether a test asks for a torn record. Otherwise a record is one write.
bool wants_torn_record() {
  const char* fault = std::getenv("REPRISE_FAULT");
  return fault != nullptr && std::string_view(fault).starts_with("log_append:");
}

std::string name_of(const RunRecord& record) {
  if (record.header) return "the header";
  return fmt::format("{} {}", record.step ? "step" : record.evaluation ? "evaluation" : "checkpoint", step_of(record));
}

/// Sorts the frames of a log into those that a resume at `step` keeps and those that must come again.
class ResumeScan {
 public:
  ResumeScan(std::filesystem::path path, std::uint64_t step) : path_(std::move(path)), step_(step) {}

  RecordOrder order;
  Digest chain;
  std::uint64_t kept_bytes = 0;
  std::string last_frame;
  std::deque<std::string> replay;

  bool reached() const { return order.has_header() && order.last_step() == step_; }

  /// Returns false where the log makes no sense any more; throws kCorrupt when that is before `step`.
  bool take(const Frame& found) {
    const Result<RunRecord> record = decode(found.payload);
    if (record && step_of(record.value()) > step_ && reached()) {
      replay.emplace_back(found.bytes);
      return true;
    }
    const std::string wrong = record ? order.accept(record.value()) : record.error().what();
    if (!wrong.empty()) {
      if (reached()) return false;
      throw Error(ErrorKind::kCorrupt,
                  fmt::format("damaged log record: {}: offset {}: {}", path_.string(), found.offset, wrong),
                  "restore the log from a copy, or train again");
    }
    chain = chain_after(chain, found.bytes);
    kept_bytes = found.offset + found.bytes.size();
    last_frame = found.bytes;
    return true;
  }

 private:
  std::filesystem::path path_;
  std::uint64_t step_;
};

}  // namespace

struct RunLogWriter::State {
  std::filesystem::path path;
  AppendFile file;
  Digest chain;
  RecordOrder order;
  std::string last_frame;          // so that a checkpoint record may be written again after a resume
  std::deque<std::string> replay;  // frames that a resume cut off, still to come again

  void append(const RunRecord& record, const std::string& payload) {
    const std::string framed = frame(payload);
    // A killed run may have written the checkpoint and not its record, or both: a resume appends it in any case.
    if (record.checkpoint && order.has_checkpoint() && record.checkpoint->step == order.last_step()) {
      return check_same(record, last_frame, framed);
    }
    RecordOrder next = order;  // kept when the record is written: a full disk leaves the writer as it was
    const std::string wrong = next.accept(record);
    if (!wrong.empty()) {
      throw Error(ErrorKind::kInternal, fmt::format("log record out of order: {}: {}", path.string(), wrong),
                  "this is a bug of Reprise; please report it with the command that was run");
    }
    if (!replay.empty()) check_same(record, replay.front(), framed);
    file.append(framed, wants_torn_record() ? [] { fault_point("log_append"); } : std::function<void()>());
    order = next;
    if (!replay.empty()) replay.pop_front();
    chain = chain_after(chain, framed);
    last_frame = framed;
  }

  void check_same(const RunRecord& record, const std::string& before, const std::string& now) const {
    if (before == now) return;
    throw Error(ErrorKind::kCheckpoint,
                fmt::format("the replay differs from the log: {}: {} has other bits than before the resume",
                            path.string(), name_of(record)),
                "the code, the recipe or the data have changed since; resume with what wrote the run, or start a new "
                "run in another folder with --out");
  }
};

RunLogWriter::RunLogWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunLogWriter::~RunLogWriter() = default;
RunLogWriter::RunLogWriter(RunLogWriter&&) noexcept = default;

RunLogWriter RunLogWriter::create(const std::filesystem::path& path, const RunHeader& header) {
  const std::string framed = frame(encode(header));
  auto state = std::make_unique<State>(State{path, AppendFile::create(path, framed), {}, {}, framed, {}});
  state->chain = chain_after(Digest{}, framed);
  RunRecord record;
  record.header = header;
  REPRISE_CHECK(state->order.accept(record).empty());
  return RunLogWriter(std::move(state));
}

RunLogWriter RunLogWriter::resume(const std::filesystem::path& path, std::uint64_t step) {
  const std::string bytes = read_file(path);
  ResumeScan scan(path, step);
  FrameReader frames(bytes, path.string());
  try {
    for (std::optional<Frame> found = frames.next(); found && scan.take(*found);) found = frames.next();
  } catch (const Error&) {
    if (!scan.reached()) throw;  // damage behind the records of `step` is cut off with the rest
  }
  if (!scan.reached()) {
    throw Error(
        ErrorKind::kCheckpoint,
        fmt::format("the log ends before step {}: {}: its last step is {}", step, path.string(),
                    scan.order.last_step()),
        fmt::format("restore the log from a copy; or move the checkpoints behind step {} out of the folder, and "
                    "the run goes on from an earlier one",
                    scan.order.last_step()));
  }
  return RunLogWriter(std::make_unique<State>(State{path, AppendFile::open(path, scan.kept_bytes, false), scan.chain,
                                                    scan.order, scan.last_frame, std::move(scan.replay)}));
}

void RunLogWriter::append(const StepRecord& record) {
  RunRecord wrapped;
  wrapped.step = record;
  state_->append(wrapped, encode(record));
}

void RunLogWriter::append(const CheckpointRecord& record) {
  RunRecord wrapped;
  wrapped.checkpoint = record;
  state_->append(wrapped, encode(record));
}

void RunLogWriter::append(const EvaluationRecord& record) {
  RunRecord wrapped;
  wrapped.evaluation = record;
  state_->append(wrapped, encode(record));
}

const Digest& RunLogWriter::chain() const { return state_->chain; }
void RunLogWriter::sync() { state_->file.sync(); }

}  // namespace reprise::logs
