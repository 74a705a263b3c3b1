// A step is known by its state digest, which covers weights and moments and which run.log holds for every step: so the
// content of a file says which step it is, whatever its name and header say.

#include "reprise/checkpoints/examine.h"

#include <algorithm>
#include <set>

#include "folder_files.h"
#include "reprise/checkpoints/prune.h"
#include "reprise/core/error.h"

namespace reprise::checkpoints {
namespace {

using Kind = Finding::Kind;

/// What was read of one file.
struct Examined {
  Candidate file;
  std::optional<Error> damage;
  CheckpointInfo info;
  Digest weights;                            // over the digests of all chunks
  std::optional<std::uint64_t> actual_step;  // whose state it holds
};

std::string name_of(const Examined& examined) { return examined.file.path.filename().string(); }

std::string right_name(const Examined& examined) { return file_name(examined.file.kind, examined.file.step); }

/// Readers of a run pass over the other files.
bool is_named_rightly(const Examined& examined) { return name_of(examined) == right_name(examined); }

Digest digest_of_weights(const LoadedCheckpoint& loaded) {
  CanonicalHasher hasher("reprise.weights.v1");  // for comparison alone; nothing stores it
  for (const Digest& tensor : tensor_digests(loaded.layout, loaded.digests.weights)) hasher.digest("tensor", tensor);
  return hasher.finish();
}

class Examination {
 public:
  Examination(const std::filesystem::path& folder, const Ledger& ledger)
      : ledger_(ledger), pruned_(read_pruned(folder)) {}

  void read(const Candidate& candidate);
  std::vector<Finding> judge();

 private:
  std::optional<std::uint64_t> step_of_state(const LoadedCheckpoint& loaded) const;
  std::optional<Finding> judge_file(const Examined& examined) const;
  std::optional<Finding> judge_identity(const Examined& examined) const;
  std::optional<Finding> judge_place(const Examined& examined) const;
  std::optional<Finding> judge_moments(const Examined& examined) const;
  const PrunedCheckpoint* pruned(std::uint64_t step) const;
  std::string wrong_in_record(const PrunedCheckpoint& gone) const;
  void find_missing(std::vector<Finding>& findings) const;
  Finding finding(Kind kind, const Examined& examined, std::string what) const;
  std::vector<std::string> files_with_weights_of(const Examined& examined) const;
  const Examined* file_named(std::uint64_t step) const;
  std::uint64_t newest_step() const;

  const Ledger& ledger_;
  std::vector<PrunedCheckpoint> pruned_;
  std::vector<Examined> files_;
};

/// The step whose state the run's record says this is. The first checkpoint of a run, at step 0 or where it was forked,
/// has no state in the record: its root says it.
std::optional<std::uint64_t> Examination::step_of_state(const LoadedCheckpoint& loaded) const {
  const auto has_this_root = [&](const auto& entry) { return entry.second == loaded.info.root; };
  const auto listed = std::find_if(ledger_.roots.begin(), ledger_.roots.end(), has_this_root);
  if (listed != ledger_.roots.end()) return listed->first;
  const auto has_this_state = [&](const auto& entry) {
    return state_digest(entry.first, loaded.layout, loaded.digests) == entry.second;
  };
  const auto found = std::find_if(ledger_.states.begin(), ledger_.states.end(), has_this_state);
  return found == ledger_.states.end() ? std::nullopt : std::optional(found->first);
}

void Examination::read(const Candidate& candidate) {
  Examined examined{candidate, {}, {}, {}, {}};
  try {
    const LoadedCheckpoint loaded = read_checkpoint(candidate.path);
    examined.info = loaded.info;
    examined.weights = digest_of_weights(loaded);
    examined.actual_step = step_of_state(loaded);
  } catch (const Error& error) {
    examined.damage = error;
  }
  files_.push_back(std::move(examined));
}

std::vector<std::string> Examination::files_with_weights_of(const Examined& examined) const {
  std::vector<std::string> names;
  for (const Examined& other : files_) {
    if (&other != &examined && !other.damage && other.weights == examined.weights) names.push_back(name_of(other));
  }
  return names;
}

const Examined* Examination::file_named(std::uint64_t step) const {
  for (const Examined& examined : files_) {
    if (name_of(examined) == file_name(FileKind::kScheduled, step)) return &examined;
  }
  return nullptr;
}

Finding Examination::finding(Kind kind, const Examined& examined, std::string what) const {
  Finding made{kind, examined.file.path, examined.file.step, examined.actual_step, {}, std::move(what)};
  if (!examined.damage) made.equals = files_with_weights_of(examined);
  for (const std::string& name : made.equals) made.what += fmt::format("; its weights are those of {}", name);
  return made;
}

/// Whether a file holds the step that its name says.
std::optional<Finding> Examination::judge_identity(const Examined& examined) const {
  const std::uint64_t claimed = examined.file.step;
  const std::uint64_t header = examined.info.header.step;
  const std::string header_says = header == claimed ? "" : fmt::format(" (its header says step {})", header);
  if (!examined.actual_step) {
    return finding(Kind::kUnknownState, examined,
                   fmt::format("claims step {}{}, holds a state that no step in run.log has", claimed, header_says));
  }
  const std::uint64_t actual = *examined.actual_step;
  if (actual == claimed && header == claimed) return std::nullopt;
  const std::string what = fmt::format("claims step {}{}, is step {}", claimed, header_says, actual);
  if (actual == claimed) return finding(Kind::kWrongStep, examined, what);
  const Examined* const other = file_named(actual);
  if (examined.file.kind == FileKind::kScheduled && other != nullptr && !other->damage) {
    if (other->actual_step == claimed) {
      return finding(Kind::kSwapped, examined,
                     fmt::format("{}; {} is step {}: they are swapped", what, name_of(*other), claimed));
    }
    if (other->weights == examined.weights) return finding(Kind::kDuplicate, examined, what);
  }
  return finding(Kind::kWrongStep, examined, what);
}

/// Whether a file that holds its step is the checkpoint that the run made of it.
std::optional<Finding> Examination::judge_place(const Examined& examined) const {
  const std::uint64_t step = examined.file.step;
  if (examined.file.kind == FileKind::kRecovery) {
    const Examined* newest = nullptr;
    for (const Examined& other : files_) {
      const bool is_later = other.file.kind == FileKind::kScheduled && other.file.step >= step;
      if (is_later && is_named_rightly(other) && !other.damage && other.info.has_moments)
        newest = &other;  // a run can resume from it
    }
    if (newest == nullptr) return std::nullopt;
    return finding(Kind::kStaleRecovery, examined, fmt::format("is stale: {} is there; delete it", name_of(*newest)));
  }
  const auto logged = ledger_.roots.find(step);
  if (logged == ledger_.roots.end()) {
    return finding(Kind::kNotListed, examined, fmt::format("run.log lists no checkpoint of step {}", step));
  }
  if (logged->second == examined.info.root) return judge_moments(examined);
  if (logged != ledger_.roots.begin() && examined.info.header.previous_root != std::prev(logged)->second) {
    return finding(
        Kind::kBrokenChain, examined,
        fmt::format("holds step {}, but does not follow the checkpoint of step {}: previous_root is {}, that has {}",
                    step, std::prev(logged)->first, examined.info.header.previous_root.hex(),
                    std::prev(logged)->second.hex()));
  }
  return finding(Kind::kUnknownState, examined,
                 fmt::format("holds step {} with another header: root {}, run.log holds {}", step,
                             examined.info.root.hex(), logged->second.hex()));
}

const PrunedCheckpoint* Examination::pruned(std::uint64_t step) const {
  const auto is_of_step = [&](const PrunedCheckpoint& gone) { return gone.step == step; };
  const auto found = std::find_if(pruned_.begin(), pruned_.end(), is_of_step);
  return found == pruned_.end() ? nullptr : &*found;
}

/// Moments are under the root whether they are stored or not: that they are there is for the schedule to say.
std::optional<Finding> Examination::judge_moments(const Examined& examined) const {
  const std::uint64_t step = examined.file.step;
  if (examined.info.has_moments || !ledger_.moments.contains(step) || pruned(step) != nullptr) return std::nullopt;
  return finding(Kind::kNoMoments, examined,
                 "holds no moments: the run stored them here, and pruned.json does not say that they were taken out");
}

std::optional<Finding> Examination::judge_file(const Examined& examined) const {
  if (examined.damage) return finding(Kind::kDamaged, examined, examined.damage->what());
  if (!is_named_rightly(examined)) {
    return finding(
        Kind::kMisnamed, examined,
        fmt::format("is named wrongly: {} is the name of step {}", right_name(examined), examined.file.step));
  }
  const Header& header = examined.info.header;
  if (header.recipe_hash != ledger_.recipe_hash) {
    return finding(Kind::kForeign, examined,
                   fmt::format("claims step {} and is of another run: recipe_hash {}, run.log has {}",
                               examined.file.step, header.recipe_hash.hex(), ledger_.recipe_hash.hex()));
  }
  if (header.data_root != ledger_.data_root) {
    return finding(Kind::kForeign, examined,
                   fmt::format("claims step {} and was trained on other data: data_root {}, run.log has {}",
                               examined.file.step, header.data_root.hex(), ledger_.data_root.hex()));
  }
  std::optional<Finding> found = judge_identity(examined);
  return found ? found : judge_place(examined);
}

std::uint64_t Examination::newest_step() const {
  std::uint64_t newest = 0;
  for (const Examined& examined : files_) {
    if (examined.file.kind == FileKind::kScheduled) newest = std::max(newest, examined.file.step);
  }
  return newest;
}

/// What the record of a pruned file has otherwise than run.log; empty when it is right.
std::string Examination::wrong_in_record(const PrunedCheckpoint& gone) const {
  const auto logged = ledger_.roots.find(gone.step);
  if (gone.root != logged->second) {
    return fmt::format("was pruned with root {}, run.log holds {}", gone.root.hex(), logged->second.hex());
  }
  if (logged == ledger_.roots.begin() || gone.previous_root == std::prev(logged)->second) return {};
  return fmt::format("was pruned with previous_root {}, the checkpoint of step {} has root {}",
                     gone.previous_root.hex(), std::prev(logged)->first, std::prev(logged)->second.hex());
}

void Examination::find_missing(std::vector<Finding>& findings) const {
  for (const auto& [step, root] : ledger_.roots) {
    if (file_named(step) != nullptr || (!ledger_.finished && step > newest_step())) continue;
    const PrunedCheckpoint* const gone = pruned(step);
    const std::string wrong =
        gone == nullptr || !gone->whole_file ? "is missing: run.log lists it" : wrong_in_record(*gone);
    if (wrong.empty()) continue;
    const std::string name = file_name(FileKind::kScheduled, step);
    findings.push_back({Kind::kMissing, {}, step, {}, {}, fmt::format("{} {}", name, wrong)});
  }
}

std::vector<Finding> Examination::judge() {
  std::vector<Finding> findings;
  for (const Examined& examined : files_) {
    if (std::optional<Finding> found = judge_file(examined)) findings.push_back(*std::move(found));
  }
  find_missing(findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.step < b.step; });
  return findings;
}

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::kDamaged:
      return "damaged";
    case Kind::kMisnamed:
      return "misnamed";
    case Kind::kForeign:
      return "foreign";
    case Kind::kSwapped:
      return "swapped";
    case Kind::kDuplicate:
      return "duplicate";
    case Kind::kWrongStep:
      return "wrong_step";
    case Kind::kUnknownState:
      return "unknown_state";
    case Kind::kBrokenChain:
      return "broken_chain";
    case Kind::kNotListed:
      return "not_listed";
    case Kind::kNoMoments:
      return "no_moments";
    case Kind::kMissing:
      return "missing";
    case Kind::kStaleRecovery:
      return "stale_recovery";
  }
  return "damaged";
}

std::vector<Finding> examine_checkpoints(const std::filesystem::path& folder, const Ledger& ledger,
                                         const std::function<void(std::size_t done, std::size_t total)>& progress) {
  Examination examination(folder, ledger);
  const std::vector<Candidate> candidates = candidates_in(folder);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    progress(i, candidates.size());
    examination.read(candidates[i]);
  }
  return examination.judge();
}

}  // namespace reprise::checkpoints
