#include "folder_files.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <tuple>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::checkpoints {
namespace {

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

}  // namespace

std::vector<Candidate> candidates_in(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<Candidate> found;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (std::optional<Candidate> candidate = candidate_of(at->path())) found.push_back(*std::move(candidate));
  }
  if (error) {
    throw Error(ErrorKind::kIo, fmt::format("cannot list: {}: {}", folder.string(), system_reason(error.value())),
                system_hint(error.value(), FileUse::kRead));
  }
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.step, a.kind, a.path) < std::tie(b.step, b.kind, b.path);
  });
  return found;
}

}  // namespace reprise::checkpoints
