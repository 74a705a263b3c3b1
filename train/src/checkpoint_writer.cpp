#include "checkpoint_writer.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>

#include "gather.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/wait_clock.h"

namespace reprise::train {

using checkpoints::FileKind;

constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::seconds kAnswer{3};
constexpr std::chrono::seconds kGrace{1};  // for a write that a lost rank has broken to notice it by itself

/// Everything that the thread touches; it lives until the thread is done with it, also behind its owner.
struct CheckpointWriter::Work {
  std::filesystem::path folder;
  TensorLayout layout;
  std::unique_ptr<dist::Communicator> communicator;
  checkpoints::StorageRule rule;

  FileKind kind = FileKind::kScheduled;
  bool store_moments = false;
  Digest root;
  checkpoints::Header header;
  checkpoints::StateDigests digests;
  ChunkRange slice;
  std::vector<float> weights, first_moments, second_moments;  // of the slice
  double seconds = 0;
  std::mutex mutex;
  std::optional<Error> first_failure;  // known before the thread ends, which it may never do

  void perform();
  std::optional<Error> known_failure() {
    const std::lock_guard lock(mutex);
    return first_failure;
  }
  void require_same_root() const;
  void delete_older_recovery_files() const;
};

CheckpointWriter::CheckpointWriter(std::filesystem::path folder, const TensorLayout& layout,
                                   dist::Communicator& communicator, const checkpoints::StorageRule& rule)
    : communicator_(communicator), work_(std::make_shared<Work>()) {
  work_->folder = std::move(folder);
  work_->layout = layout;
  work_->communicator = communicator.duplicate();
  work_->rule = rule;
}

CheckpointWriter::~CheckpointWriter() {
  if (!in_flight_) return;
  WaitClock clock;
  while (!thread_.wait_for(kLook)) {
    clock.tick();
    const bool is_lost = given_up_ || !communicator_.lost_rank().empty();
    if (clock.exceeds(is_lost ? kGrace : communicator_.patience())) {
      thread_.abandon();
      return;
    }
  }
}

void CheckpointWriter::write(FileKind kind, const TrainingState& state, bool store_moments, const Digest& root) {
  wait();
  work_->kind = kind;
  work_->store_moments = store_moments;
  work_->root = root;
  work_->first_failure.reset();
  work_->header = state.header;
  work_->digests = state.digests;
  work_->slice = state.slice;
  work_->weights.assign(state.weights.begin() + state.slice.begin * kChunkElements,
                        state.weights.begin() + state.slice.end * kChunkElements);
  if (store_moments) {
    work_->first_moments = state.first_moments;
    work_->second_moments = state.second_moments;
  }
  fault_point("snapshot");
  thread_.start([work = work_] { work->perform(); });
  in_flight_ = true;
}

void CheckpointWriter::poll() {
  if (in_flight_ && has_ended_everywhere()) wait();
}

/// The threads of the ranks end at about the same time; the ranks must agree on the call that meets it. A failure is
/// met at once, for the threads of all ranks fail together.
bool CheckpointWriter::has_ended_everywhere() {
  const IoThread::Job mine = thread_.job();
  const auto count = static_cast<std::size_t>(communicator_.size());
  std::vector<IoThread::Job> all(count);
  std::vector<std::span<std::byte>> receive;
  for (IoThread::Job& job : all) receive.push_back(std::as_writable_bytes(std::span(&job, 1)));
  communicator_.all_gather(std::as_bytes(std::span(&mine, 1)), receive);
  const auto is = [&](IoThread::Job wanted) { return [wanted](IoThread::Job job) { return job == wanted; }; };
  return std::any_of(all.begin(), all.end(), is(IoThread::Job::kFailed)) ||
         std::all_of(all.begin(), all.end(), is(IoThread::Job::kEnded));
}

void CheckpointWriter::wait() {
  if (!in_flight_) return;
  WaitClock clock;
  given_up_ = true;  // until it has ended
  // A little longer than the thread waits for other ranks, which can name the one that is missing.
  const std::chrono::seconds limit =
      communicator_.patience().count() == 0 ? communicator_.patience() : communicator_.patience() + kGrace;
  while (!thread_.wait_for(kLook)) {
    communicator_.require_others_alive();
    clock.tick();
    // HDF5 can hang in a close that a rank cannot write for; then this rank's reason speaks for all.
    const std::optional<Error> failure = work_->known_failure();
    if (failure && clock.exceeds(kAnswer)) throw *failure;
    if (clock.exceeds(limit)) throw_stuck();
  }
  given_up_ = false;
  in_flight_ = false;
  thread_.collect();
  write_seconds_ += work_->seconds;
}

/// The thread is inside the file system or inside MPI's file access, neither of which tells whom it waits for. All
/// ranks have come here if they can: so the one that does not answer now is the one.
void CheckpointWriter::throw_stuck() {
  const auto patience = communicator_.patience();
  communicator_.set_patience(kAnswer);
  communicator_.barrier();
  throw Error(ErrorKind::kDistributed,
              fmt::format("rank {} has waited {} s for the write of {}", communicator_.rank(), patience.count(),
                          (work_->folder / checkpoints::file_name(work_->kind, work_->header.step)).string()),
              "look at the disk; slower ones need a larger runtime.watchdog_seconds");
}

void CheckpointWriter::Work::perform() {
  const auto start = std::chrono::steady_clock::now();
  if (kind == FileKind::kScheduled) {
    on_first_rank(*communicator, [&] {
      require_same_root();
      return std::string();
    });
  }
  checkpoints::StateView view;
  view.slice = slice;
  view.weights = weights;
  view.first_moments = first_moments;
  view.second_moments = second_moments;
  view.store_moments = store_moments;
  const Digest written = checkpoints::write_checkpoint(folder, kind, header, layout, digests, view, *communicator,
                                                       [this](const Error& error) {
                                                         const std::lock_guard lock(mutex);
                                                         first_failure = error;
                                                       });
  REPRISE_CHECK(written == root);
  on_first_rank(*communicator, [&] {
    // A run cannot go on from a checkpoint without moments: behind one, what a stop saved is still needed.
    if (store_moments) delete_older_recovery_files();
    if (kind == FileKind::kScheduled) checkpoints::apply_rule(folder, header.step, rule);
    return std::string();
  });
  seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void CheckpointWriter::Work::require_same_root() const {
  const std::filesystem::path path = folder / checkpoints::file_name(kind, header.step);
  if (!std::filesystem::exists(path)) return;
  Digest before;
  try {
    before = checkpoints::read_info(path).root;
  } catch (const Error&) {
    return;  // a damaged file is replaced
  }
  REPRISE_REQUIRE(
      before == root, ErrorKind::kCheckpoint,
      fmt::format("step {} came out differently than before: root {} now, {} in {}", header.step, root.hex(),
                  before.hex(), path.string()),
      "the file is of another run, or this machine computes wrongly; compare with `reprise checkpoint show`");
}

void CheckpointWriter::Work::delete_older_recovery_files() const {
  const std::string written = checkpoints::file_name(kind, header.step);
  std::error_code error;
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("recovery-") && name != written) found.push_back(entry.path());
  }
  // A recovery file that stays behind is harmless: resume takes the checkpoint with moments of the highest step.
  for (const std::filesystem::path& path : found) std::filesystem::remove(path, error);
}

}  // namespace reprise::train
