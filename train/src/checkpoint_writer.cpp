#include "checkpoint_writer.h"

#include <chrono>

#include "gather.h"
#include "reprise/core/error.h"

namespace reprise::train {

CheckpointWriter::CheckpointWriter(std::filesystem::path folder, const TensorLayout& layout,
                                   dist::Communicator& communicator)
    : folder_(std::move(folder)), layout_(layout), communicator_(communicator) {}

CheckpointWriter::~CheckpointWriter() {
  if (in_flight_.valid()) in_flight_.wait();
}

void CheckpointWriter::write(checkpoints::FileKind kind, const TrainingState& state, bool store_moments,
                             const Digest& root) {
  wait();
  const Job job{kind, store_moments, root};
  if (communicator_.size() > 1) {
    write_seconds_ += perform(job, state);
    return;
  }
  snapshot_.header = state.header;
  snapshot_.weights = state.weights;
  snapshot_.slice = state.slice;
  snapshot_.digests = state.digests;
  if (store_moments) {
    snapshot_.first_moments = state.first_moments;
    snapshot_.second_moments = state.second_moments;
  }
  in_flight_ = std::async(std::launch::async, [this, job] { return perform(job, snapshot_); });
}

void CheckpointWriter::poll() {
  if (in_flight_.valid() && in_flight_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) wait();
}

void CheckpointWriter::wait() {
  if (in_flight_.valid()) write_seconds_ += in_flight_.get();
}

double CheckpointWriter::perform(const Job& job, const TrainingState& state) {
  const auto start = std::chrono::steady_clock::now();
  if (job.kind == checkpoints::FileKind::kScheduled) {
    on_first_rank(communicator_, [&] {
      require_same_root(job, state.header.step);
      return std::string();
    });
  }
  checkpoints::StateView view;
  view.weights = state.weights;
  view.first_moments = state.first_moments;
  view.second_moments = state.second_moments;
  view.moments = state.slice;
  view.store_moments = job.store_moments;
  const Digest written =
      checkpoints::write_checkpoint(folder_, job.kind, state.header, layout_, state.digests, view, communicator_);
  REPRISE_CHECK(written == job.root);
  if (job.kind == checkpoints::FileKind::kScheduled && communicator_.rank() == 0) delete_recovery_files();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void CheckpointWriter::require_same_root(const Job& job, std::uint64_t step) const {
  const std::filesystem::path path = folder_ / checkpoints::file_name(job.kind, step);
  if (!std::filesystem::exists(path)) return;
  Digest before;
  try {
    before = checkpoints::read_info(path).root;
  } catch (const Error&) {
    return;  // a damaged file is replaced
  }
  REPRISE_REQUIRE(
      before == job.root, ErrorKind::kCheckpoint,
      fmt::format("step {} came out differently than before: root {} now, {} in {}", step, job.root.hex(), before.hex(),
                  path.string()),
      "the file is of another run, or this machine computes wrongly; compare with `reprise checkpoint show`");
}

void CheckpointWriter::delete_recovery_files() const {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().filename().string().starts_with("recovery-")) found.push_back(entry.path());
  }
  // A recovery file that stays behind is harmless: resume takes the checkpoint of the highest step.
  for (const std::filesystem::path& path : found) std::filesystem::remove(path, error);
}

}  // namespace reprise::train
