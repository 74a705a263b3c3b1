// Checkpoints as differences from an anchor, and back.

#include <time.h>

#include <algorithm>
#include <set>

#include "folder_files.h"
#include "read_file.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/checkpoints/storage.h"
#include "reprise/core/error.h"
#include "weight_delta.h"
#include "write_file.h"

namespace reprise::checkpoints {
namespace {

/// Processor time of this thread: on a busy machine the clock on the wall measures the others.
double processor_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::span<const float> tensor_of(const std::vector<float>& flat, const TensorLayout::Entry& entry) {
  return std::span(flat).subspan(static_cast<std::size_t>(entry.offset),
                                 static_cast<std::size_t>(entry.spec.num_elements()));
}

DeltaContent differences(const LoadedCheckpoint& loaded, const LoadedCheckpoint& anchor) {
  DeltaContent delta{{anchor.info.root, anchor.info.header.step}, {}};
  for (const TensorLayout::Entry& entry : loaded.layout.entries()) {
    delta.tensors.push_back(encode_delta(tensor_of(loaded.weights, entry), tensor_of(anchor.weights, entry)));
  }
  return delta;
}

std::uint64_t bytes_of(const DeltaContent& delta) {
  std::uint64_t bytes = 0;
  for (const std::vector<std::byte>& tensor : delta.tensors) bytes += tensor.size();
  return bytes;
}

/// Decodes in memory, which finds an encoder that lost a bit, and times it.
double decode_and_compare(const DeltaContent& delta, const LoadedCheckpoint& loaded, const LoadedCheckpoint& anchor) {
  std::vector<float> decoded = anchor.weights;
  const double start = processor_seconds();
  for (std::size_t i = 0; i < delta.tensors.size(); ++i) {
    const TensorLayout::Entry& entry = loaded.layout.entries()[i];
    const auto values = std::span(decoded).subspan(static_cast<std::size_t>(entry.offset),
                                                   static_cast<std::size_t>(entry.spec.num_elements()));
    REPRISE_CHECK(apply_delta(delta.tensors[i], values));
  }
  const double seconds = processor_seconds() - start;
  REPRISE_CHECK(chunk_digests(loaded.layout, {0, loaded.layout.num_chunks()}, decoded) == loaded.digests.weights);
  return seconds;
}

void replace(const LoadedCheckpoint& loaded, const DeltaContent* delta) {
  StateView view;
  view.weights = loaded.weights;
  view.slice = {0, loaded.layout.num_chunks()};
  const FileContent content{loaded.info.header, loaded.layout, loaded.digests, view, loaded.info.root, delta};
  replace_file(loaded.info.path, content, [](const std::filesystem::path& temporary) { read_checkpoint(temporary); });
}

bool same_model(const LoadedCheckpoint& a, const LoadedCheckpoint& b) {
  return a.info.header.recipe_hash == b.info.header.recipe_hash &&
         std::equal(a.layout.entries().begin(), a.layout.entries().end(), b.layout.entries().begin(),
                    b.layout.entries().end(), [](const TensorLayout::Entry& left, const TensorLayout::Entry& right) {
                      return left.spec.name == right.spec.name && left.spec.shape == right.spec.shape;
                    });
}

/// Reads a checkpoint without its moments, which take as long again twice over.
LoadedCheckpoint read_weights(const std::filesystem::path& path) {
  const Hdf5Lock lock;
  FileReader reader(path);
  reader.read_description();
  LoadedCheckpoint loaded;
  loaded.weights = reader.read_part(kParts[0]);
  loaded.info = reader.info();
  loaded.layout = reader.layout();
  loaded.digests = reader.digests();
  return loaded;
}

/// Packs one file; adds to the report what was done.
void pack(const CheckpointInfo& info, const LoadedCheckpoint& anchor, bool dry_run, StorageReport& report) {
  const LoadedCheckpoint loaded = read_weights(info.path);
  if (!same_model(loaded, anchor)) {  // a foreign file: `checkpoint verify` says so
    ++report.num_left;
    return;
  }
  const double start = processor_seconds();
  const DeltaContent delta = differences(loaded, anchor);
  const double encode_seconds = processor_seconds() - start;
  const auto weight_bytes = static_cast<std::uint64_t>(loaded.layout.num_parameters()) * sizeof(float);
  if (bytes_of(delta) >= weight_bytes) {
    ++report.num_left;
    return;
  }
  report.encode_seconds += encode_seconds;
  if (dry_run) report.decode_seconds += decode_and_compare(delta, loaded, anchor);  // otherwise replace() reads it back
  report.weight_bytes += weight_bytes;
  report.delta_bytes += bytes_of(delta);
  StoredFile file{info.path, info.header.step, anchor.info.header.step, weight_bytes, bytes_of(delta)};
  if (!dry_run) {
    replace(loaded, &delta);
    file.bytes_before = info.file_bytes;
    file.bytes_after = std::filesystem::file_size(info.path);
  }
  report.changed.push_back(std::move(file));
}

/// Roots that files of the folder differ from: these files stay whole, with moments or without.
std::set<std::string> roots_of_anchors(const std::vector<CheckpointInfo>& files) {
  std::set<std::string> roots;
  for (const CheckpointInfo& info : files) {
    if (info.anchor) roots.insert(info.anchor->root.hex());
  }
  return roots;
}

bool holds_moments(const std::filesystem::path& path) {
  try {
    return read_info(path).has_moments;
  } catch (const Error&) {
    return false;  // a damaged file is no anchor
  }
}

}  // namespace

StorageReport pack_checkpoints(const std::filesystem::path& folder, bool dry_run, const StorageProgress& progress) {
  const std::vector<CheckpointInfo> files = list_checkpoints(folder);
  const std::set<std::string> anchors = roots_of_anchors(files);
  StorageReport report;
  std::optional<LoadedCheckpoint> anchor;
  for (std::size_t i = 0; i < files.size() && progress(i, files.size()); ++i) {
    const CheckpointInfo& info = files[i];
    const bool is_whole = info.kind == FileKind::kScheduled && !info.anchor;
    const bool is_anchor = is_whole && (info.has_moments || anchors.contains(info.root.hex()));
    if (is_anchor) anchor = read_weights(info.path);
    if (is_whole && !is_anchor && anchor) {
      pack(info, *anchor, dry_run, report);
    } else {
      ++report.num_left;
    }
  }
  return report;
}

StorageReport unpack_checkpoints(const std::filesystem::path& folder, const StorageProgress& progress) {
  const std::vector<CheckpointInfo> files = list_checkpoints(folder);
  StorageReport report;
  for (std::size_t i = 0; i < files.size() && progress(i, files.size()); ++i) {
    const CheckpointInfo& info = files[i];
    if (!info.anchor) {
      ++report.num_left;
      continue;
    }
    replace(read_checkpoint(info.path), nullptr);
    report.changed.push_back(
        {info.path, info.header.step, std::nullopt, info.file_bytes, std::filesystem::file_size(info.path)});
  }
  return report;
}

std::optional<StoredFile> pack_checkpoint(const std::filesystem::path& folder, std::uint64_t step) {
  const CheckpointInfo info = read_info(folder / file_name(FileKind::kScheduled, step));
  if (info.has_moments || info.anchor) return std::nullopt;
  const std::vector<Candidate> candidates = candidates_in(folder);
  for (auto at = candidates.rbegin(); at != candidates.rend(); ++at) {
    if (at->step >= step || at->kind != FileKind::kScheduled || !holds_moments(at->path)) continue;
    StorageReport report;
    pack(info, read_weights(at->path), false, report);
    return report.changed.empty() ? std::nullopt : std::optional(report.changed.front());
  }
  return std::nullopt;
}

}  // namespace reprise::checkpoints
