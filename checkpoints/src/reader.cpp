// Reading one checkpoint, and finding those of a folder.

#include <algorithm>
#include <charconv>
#include <system_error>

#include "read_file.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/core/files.h"

namespace reprise::checkpoints {
namespace {

struct Candidate {
  std::filesystem::path path;
  FileKind kind = FileKind::kScheduled;
  std::uint64_t step = 0;
};

std::optional<Candidate> candidate_of(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  constexpr std::string_view kEnd = ".h5";
  for (const auto& [start, kind] : {std::pair{std::string_view("step-"), FileKind::kScheduled},
                                    std::pair{std::string_view("recovery-"), FileKind::kRecovery}}) {
    if (!name.starts_with(start) || !name.ends_with(kEnd)) continue;
    const char* const first = name.data() + start.size();
    const char* const last = name.data() + name.size() - kEnd.size();
    Candidate candidate{path, kind, 0};
    const auto parsed = std::from_chars(first, last, candidate.step);
    if (first < last && parsed.ec == std::errc() && parsed.ptr == last) return candidate;
  }
  return std::nullopt;
}

/// Returns the files of a folder that are named like checkpoints: by step, the scheduled one of a step first.
std::vector<Candidate> candidates_in(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<Candidate> found;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (std::optional<Candidate> candidate = candidate_of(at->path())) found.push_back(*std::move(candidate));
  }
  if (error) {
    throw Error(ErrorKind::kIo, fmt::format("cannot list: {}: {}", folder.string(), system_reason(error.value())),
                system_hint(error.value()));
  }
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.step, a.kind, a.path) < std::tie(b.step, b.kind, b.path);
  });
  return found;
}

CheckpointInfo require_name(CheckpointInfo info) {
  const std::string expected = file_name(info.kind, info.header.step);
  if (info.path.filename() != expected) {
    throw Error(ErrorKind::kCorrupt,
                fmt::format("checkpoint is named wrongly: it holds step {}: {}", info.header.step, info.path.string()),
                fmt::format("rename it to {}, or move it out of the folder", expected));
  }
  return info;
}

}  // namespace

CheckpointInfo read_info(const std::filesystem::path& path) {
  const Hdf5Lock lock;
  FileReader reader(path);
  reader.read_description();
  return reader.info();
}

LoadedCheckpoint read_checkpoint(const std::filesystem::path& path) {
  const Hdf5Lock lock;
  FileReader reader(path);
  reader.read_description();
  LoadedCheckpoint loaded;
  loaded.weights = reader.read_part(kParts[0]);
  if (reader.info().has_moments) {
    loaded.first_moments = reader.read_part(kParts[1]);
    loaded.second_moments = reader.read_part(kParts[2]);
  }
  loaded.info = reader.info();
  loaded.layout = reader.layout();
  loaded.digests = reader.digests();
  return loaded;
}

CheckpointDescription read_description(const std::filesystem::path& path) {
  const Hdf5Lock lock;
  FileReader reader(path);
  reader.read_description();
  return {reader.info(), reader.layout(), reader.digests()};
}

FolderScan scan_checkpoints(const std::filesystem::path& folder) {
  FolderScan scan;
  for (const Candidate& candidate : candidates_in(folder)) {
    try {
      scan.complete.push_back(require_name(read_info(candidate.path)));
    } catch (const Error& error) {
      scan.skipped.push_back({candidate.path, error});
    }
  }
  return scan;
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
      CheckpointInfo info = require_name(read_info(candidate.path));
      if (!info.has_moments) continue;
      read_checkpoint(candidate.path);
      result.checkpoint = std::move(info);
      return result;
    } catch (const Error& error) {
      result.skipped.push_back({candidate.path, error});
    }
  }
  return result;
}

std::optional<CheckpointInfo> latest_resumable(const std::filesystem::path& folder) {
  return find_resumable(folder).checkpoint;
}

}  // namespace reprise::checkpoints
