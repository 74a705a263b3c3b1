#include "pruned_record.h"

#include <map>
#include <nlohmann/json.hpp>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/parse_json.h"

namespace reprise::checkpoints {
namespace {

using nlohmann::ordered_json;

constexpr const char* kFormat = "reprise.pruned.v1";

std::filesystem::path record_of(const std::filesystem::path& folder) { return folder / "pruned.json"; }

[[noreturn]] void corrupt(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorKind::kCorrupt,
              fmt::format("the record of pruned checkpoints is damaged: {}: {}", path.string(), what),
              "copy it again, or move it away: what was pruned then counts as missing");
}

Digest digest_of(const ordered_json& entry, const char* name, const std::filesystem::path& path) {
  const Result<Digest> digest = Digest::from_hex(entry.at(name).get<std::string>());
  if (!digest) corrupt(path, fmt::format("{} is not a digest", name));
  return *digest;
}

PrunedCheckpoint parse_entry(const ordered_json& entry, const std::filesystem::path& path) {
  const std::string what = entry.at("what").get<std::string>();
  if (what != "file" && what != "moments") corrupt(path, fmt::format("what is '{}', not file or moments", what));
  return {entry.at("step").get<std::uint64_t>(), digest_of(entry, "root", path),
          digest_of(entry, "previous_root", path), what == "file"};
}

}  // namespace

std::vector<PrunedCheckpoint> read_pruned(const std::filesystem::path& folder) {
  const std::filesystem::path path = record_of(folder);
  std::error_code unknown;  // what cannot be looked at is named by reading it
  if (!std::filesystem::exists(path, unknown) && !unknown) return {};
  std::map<std::uint64_t, PrunedCheckpoint> by_step;
  try {
    const ordered_json json = parse_json<ordered_json>(read_file(path));
    if (json.at("format").get<std::string>() != kFormat) corrupt(path, "the format is another one");
    for (const ordered_json& entry : json.at("pruned")) {
      const PrunedCheckpoint pruned = parse_entry(entry, path);
      by_step[pruned.step] = pruned;
    }
  } catch (const ordered_json::exception& error) {
    corrupt(path, error.what());
  }
  std::vector<PrunedCheckpoint> all;
  for (const auto& [step, pruned] : by_step) all.push_back(pruned);
  return all;
}

void record_pruned(const std::filesystem::path& folder, std::span<const PrunedCheckpoint> added) {
  if (added.empty()) return;
  std::map<std::uint64_t, PrunedCheckpoint> by_step;
  for (const PrunedCheckpoint& pruned : read_pruned(folder)) by_step[pruned.step] = pruned;
  for (const PrunedCheckpoint& pruned : added) by_step[pruned.step] = pruned;
  ordered_json entries = ordered_json::array();
  for (const auto& [step, pruned] : by_step) {
    entries.push_back({{"step", step},
                       {"root", pruned.root.hex()},
                       {"previous_root", pruned.previous_root.hex()},
                       {"what", pruned.whole_file ? "file" : "moments"}});
  }
  const ordered_json json = {{"format", kFormat}, {"pruned", entries}};
  write_file_atomically(record_of(folder), json.dump(1) + "\n");
}

}  // namespace reprise::checkpoints
