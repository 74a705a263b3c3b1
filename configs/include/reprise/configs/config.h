#pragma once
// Loading, merging, validating, printing and hashing of run configs (schema: configs/proto/config.proto).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/core/hash.h"

namespace reprise::configs {

/// The most that runtime.num_ranks and --ranks may say.
inline constexpr std::uint32_t kMostRanks = 4096;

/// One mistake of a config.
struct Mistake {
  std::string place;    // "file:line:column" or the path of the field ("recipe.train.num_steps")
  std::string message;  // what is wrong, with the offending value
  std::string hint;     // what to do; may name the nearest known field
};

/// Reads a config file, applies the overrides ("a.b=v", "a.b[0].c=v"; the prefix "recipe." or "runtime." may be left
/// out where the rest is unambiguous), then validates it. Throws one Error(kConfig) that lists every mistake.
RunConfig load_config(const std::filesystem::path& path, std::span<const std::string> overrides = {});

/// Parses config text; `name` stands for the file in messages. Same errors as load_config.
RunConfig parse_config(std::string_view text, const std::string& name, std::span<const std::string> overrides = {});

/// A config as far as it could be read, and everything that is wrong with it.
struct CheckedConfig {
  RunConfig config;
  std::vector<Mistake> mistakes;  // empty: the config can be used
};

/// Like parse_config, but returns the mistakes instead of throwing them, for programs that show them one by one.
CheckedConfig check_config(std::string_view text, const std::string& name, std::span<const std::string> overrides = {});

/// Returns every mistake of a parsed config, in the order of the schema; one function per rule (validate.cpp).
std::vector<Mistake> validate(const RunConfig& config);

/// Returns `config` with every default written out.
RunConfig resolve(const RunConfig& config);

/// Prints a config as protobuf text, stable across protobuf versions.
std::string to_text(const google::protobuf::Message& message);

/// Hash of the recipe over our own canonical encoding: field numbers ascending, defaults filled in, so that leaving a
/// field out and writing its default give the same hash. Names the run.
Digest recipe_hash(const Recipe& recipe);

/// Parses a recipe's text that is stored beside its hash, as in a checkpoint, whose root covers the hash alone. Throws
/// kCorrupt when it is the text of another recipe; otherwise the errors of parse_config.
Recipe parse_hashed_recipe(std::string_view text, const std::string& name, const Digest& hash);

/// Hash of any part of a recipe by the same encoding (for artefacts that depend on that part alone).
Digest message_hash(const google::protobuf::Message& message);

/// Returns the schema as a Markdown reference page.
std::string schema_reference();

/// Returns runtime.output_dir or its default, runs/<recipe.name>.
std::filesystem::path output_folder(const RunConfig& config);

}  // namespace reprise::configs
