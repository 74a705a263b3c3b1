#pragma once
// The manifest ties every artefact of a run together by the hash of its content (docs/formats/manifest.md). Its root is
// the name of the result: other code, on another machine, that computes the same bits gives the same root.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"

namespace reprise::audit {

/// One artefact: a name such as "data/train" or "checkpoints/step-000012", and the digest of its content.
struct Artefact {
  std::string name;
  Digest digest;
  bool operator==(const Artefact&) const = default;
};

struct Manifest {
  std::string run_name;
  std::vector<Artefact> artefacts;           // in the order in which they come into being
  std::map<std::string, std::string> code;   // commit, compiler, libraries, machine: beside the root, not in it

  /// merkle_root over CanonicalHasher "reprise.artefact.v1" (string name, digest content) of each artefact.
  Digest root() const;
};

/// Returns the name of the first artefact that differs (value, presence or place), or nothing when both are the same.
std::optional<std::string> first_difference(const Manifest& expected, const Manifest& found);

/// JSON text of a manifest; without `with_code` the code identity is left out (published manifests).
std::string to_json(const Manifest& manifest, bool with_code);
/// Reads a manifest; throws kCorrupt with path and what is wrong, also when its root is not that of its artefacts.
Manifest read_manifest(const std::filesystem::path& path);

/// Where the published manifest of a config lies: CONFIG without ".pbtxt" plus ".published.json".
std::filesystem::path published_path(const std::filesystem::path& config_path);

/// Commit, compiler, library versions and processor of this build and machine.
std::map<std::string, std::string> code_identity();

/// Builds the manifest of a finished run from its files, recomputing every digest from content. Throws kCorrupt.
Manifest build_manifest(const configs::Recipe& recipe, const std::filesystem::path& run_dir);

}  // namespace reprise::audit
