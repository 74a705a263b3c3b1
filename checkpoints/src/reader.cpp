// Reading one checkpoint, and finding those of a folder.

#include <algorithm>

#include "folder_files.h"
#include "read_file.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/folder.h"

namespace reprise::checkpoints {
namespace {

/// Opens a checkpoint of a run and checks everything but its values.
FileReader open_checkpoint(const std::filesystem::path& path) {
  FileReader reader(path);
  reader.read_description();
  REPRISE_REQUIRE(!reader.average(), ErrorKind::kCheckpoint,
                  fmt::format("an average is no checkpoint of a run: {}", path.string()),
                  "`reprise checkpoint show FILE` says what it is made of");
  return reader;
}

LoadedCheckpoint load(const std::filesystem::path& path, const std::optional<ChunkRange>& moments) {
  const Hdf5Lock lock;
  FileReader reader = open_checkpoint(path);
  LoadedCheckpoint loaded;
  loaded.weights = reader.read_part(kParts[0]);
  if (reader.info().has_moments) {
    const ChunkRange kept = moments.value_or(ChunkRange{0, reader.layout().num_chunks()});
    loaded.first_moments = reader.read_chunks(kParts[1], kept);
    loaded.second_moments = reader.read_chunks(kParts[2], kept);
  }
  loaded.info = reader.info();
  loaded.layout = reader.layout();
  loaded.digests = reader.digests();
  return loaded;
}

}  // namespace

void require_name(const CheckpointInfo& info) {
  const std::string expected = file_name(info.kind, info.header.step);
  REPRISE_REQUIRE(
      info.path.filename() == expected, ErrorKind::kCorrupt,
      fmt::format("checkpoint is named wrongly: it holds step {}: {}", info.header.step, info.path.string()),
      fmt::format("rename it to {}, or move it out of the folder", expected));
}

CheckpointInfo read_info(const std::filesystem::path& path) {
  const Hdf5Lock lock;
  const FileReader reader = open_checkpoint(path);
  return reader.info();
}

LoadedCheckpoint read_checkpoint(const std::filesystem::path& path) { return load(path, std::nullopt); }

LoadedCheckpoint read_checkpoint(const std::filesystem::path& path, const ChunkRange& moments) {
  return load(path, moments);
}

CheckpointDescription read_description(const std::filesystem::path& path) {
  const Hdf5Lock lock;
  const FileReader reader = open_checkpoint(path);
  return {reader.info(), reader.layout(), reader.digests()};
}

FolderScan scan_checkpoints(const std::filesystem::path& folder) {
  FolderScan scan;
  for (const Candidate& candidate : candidates_in(folder)) {
    try {
      CheckpointInfo info = read_info(candidate.path);
      require_name(info);
      scan.complete.push_back(std::move(info));
    } catch (const Error& error) {
      scan.skipped.push_back({candidate.path, error});
    }
  }
  return scan;
}

std::optional<std::filesystem::path> find_step(const std::filesystem::path& folder, std::uint64_t step) {
  for (const FileKind kind : {FileKind::kScheduled, FileKind::kRecovery}) {
    const std::filesystem::path file = folder / file_name(kind, step);
    if (std::filesystem::exists(file)) return file;
  }
  return std::nullopt;
}

std::vector<CheckpointInfo> list_checkpoints(const std::filesystem::path& folder) {
  return scan_checkpoints(folder).complete;
}

Resumable find_resumable(const std::filesystem::path& folder) {
  Resumable result;
  std::vector<Candidate> candidates = candidates_in(folder);
  // The highest step first; of one step the scheduled file.
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.step > b.step; });
  for (const Candidate& candidate : candidates) {
    try {
      CheckpointInfo info = read_info(candidate.path);
      require_name(info);
      if (!info.has_moments) continue;
      read_checkpoint(candidate.path, {});  // beside a model: the moments are verified and not kept
      result.checkpoint = std::move(info);
      return result;
    } catch (const Error& error) {
      // A file that cannot be read now may be a good one: going on from an older one would redo its steps.
      if (error.kind() == ErrorKind::kIo) throw;
      result.skipped.push_back({candidate.path, error});
    }
  }
  return result;
}

}  // namespace reprise::checkpoints
