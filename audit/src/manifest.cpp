#include "reprise/audit/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/merkle.h"
#include "reprise/core/parse_json.h"

namespace reprise::audit {
namespace {

constexpr char kFormat[] = "reprise.manifest.v1";

[[noreturn]] void throw_corrupt(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorKind::kCorrupt, fmt::format("not a valid manifest: {}: {}", path.string(), what),
              "restore the file from where it was published, or run `reprise reproduce` again");
}

Digest digest_field(const nlohmann::json& object, const char* name, const std::filesystem::path& path) {
  const Result<Digest> digest = Digest::from_hex(object.at(name).get<std::string>());
  if (!digest) throw_corrupt(path, fmt::format("field '{}': {}", name, digest.error().what()));
  return *digest;
}

}  // namespace

Digest Manifest::root() const {
  std::vector<Digest> leaves;
  leaves.reserve(artefacts.size());
  for (const Artefact& artefact : artefacts) {
    leaves.push_back(CanonicalHasher("reprise.artefact.v1")
                         .string("name", artefact.name)
                         .digest("content", artefact.digest)
                         .finish());
  }
  return merkle_root(leaves);
}

std::optional<std::string> first_difference(const Manifest& expected, const Manifest& found) {
  const std::size_t common = std::min(expected.artefacts.size(), found.artefacts.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (!(expected.artefacts[i] == found.artefacts[i])) return found.artefacts[i].name;
  }
  if (expected.artefacts.size() > common) return expected.artefacts[common].name;
  if (found.artefacts.size() > common) return found.artefacts[common].name;
  return std::nullopt;
}

std::string to_json(const Manifest& manifest, bool with_code) {
  nlohmann::ordered_json json;
  json["format"] = kFormat;
  json["run"] = manifest.run_name;
  json["root"] = manifest.root().hex();
  json["artefacts"] = nlohmann::ordered_json::array();
  for (const Artefact& artefact : manifest.artefacts) {
    json["artefacts"].push_back({{"name", artefact.name}, {"digest", artefact.digest.hex()}});
  }
  if (with_code) json["code"] = manifest.code;
  return json.dump(1) + "\n";
}

Manifest read_manifest(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  Manifest manifest;
  Digest stored_root;
  try {
    const nlohmann::json json = parse_json<nlohmann::json>(text);
    if (json.at("format") != kFormat) throw_corrupt(path, "unknown format " + json.at("format").dump());
    manifest.run_name = json.at("run").get<std::string>();
    stored_root = digest_field(json, "root", path);
    for (const nlohmann::json& entry : json.at("artefacts")) {
      manifest.artefacts.push_back({entry.at("name").get<std::string>(), digest_field(entry, "digest", path)});
    }
    if (json.contains("code")) manifest.code = json.at("code").get<std::map<std::string, std::string>>();
  } catch (const nlohmann::json::exception& error) {
    throw_corrupt(path, error.what());
  }
  if (manifest.root() != stored_root) {
    throw_corrupt(path,
                  fmt::format("its root is {} but its artefacts give {}", stored_root.hex(), manifest.root().hex()));
  }
  return manifest;
}

std::filesystem::path published_path(const std::filesystem::path& config_path) {
  std::filesystem::path path = config_path;
  return path.replace_extension(".published.json");
}

}  // namespace reprise::audit
