#include "reprise/configs/config.h"

#include "override.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "text_parser.h"

namespace reprise::configs {
namespace {

/// Says whether `path`, or a field that holds it, could not be read: what validation says of it would be noise.
bool is_broken(const ParseNotes& notes, const std::string& path) {
  for (const std::string& broken : notes.broken) {
    const bool same = path.starts_with(broken) &&
                      (path.size() == broken.size() || path[broken.size()] == '.' || path[broken.size()] == '[');
    if (same) return true;
  }
  return false;
}

/// Adds what validate() finds, with the place in the file or the override where there is one.
void add_validation(const RunConfig& config, ParseNotes& notes) {
  for (Mistake& mistake : validate(config)) {
    if (is_broken(notes, mistake.place)) continue;
    const auto known = notes.places.find(mistake.place);
    if (known != notes.places.end()) {
      mistake.message = fmt::format("{}: {}", mistake.place, mistake.message);
      mistake.place = known->second;
    }
    notes.mistakes.push_back(std::move(mistake));
  }
}

[[noreturn]] void throw_mistakes(const std::string& name, const std::vector<Mistake>& mistakes) {
  std::string text = fmt::format("{} {} in {}", mistakes.size(), mistakes.size() == 1 ? "mistake" : "mistakes", name);
  for (const Mistake& mistake : mistakes) {
    text += fmt::format("\n  {}: {}", mistake.place, mistake.message);
    if (!mistake.hint.empty()) text += fmt::format("\n      {}", mistake.hint);
  }
  throw Error(ErrorKind::kConfig, text, "`reprise config docs` describes every field");
}

}  // namespace

CheckedConfig check_config(std::string_view text, const std::string& name, std::span<const std::string> overrides) {
  CheckedConfig checked;
  ParseNotes notes;
  parse_text(text, name, "", checked.config, notes);
  for (const std::string& override_text : overrides) apply_override(override_text, checked.config, notes);
  // A text that was not read to its end lacks fields for that reason alone.
  if (notes.complete) add_validation(checked.config, notes);
  checked.mistakes = std::move(notes.mistakes);
  return checked;
}

RunConfig parse_config(std::string_view text, const std::string& name, std::span<const std::string> overrides) {
  CheckedConfig checked = check_config(text, name, overrides);
  if (!checked.mistakes.empty()) throw_mistakes(name, checked.mistakes);
  return std::move(checked.config);
}

Recipe parse_hashed_recipe(std::string_view text, const std::string& name, const Digest& hash) {
  Recipe recipe = std::move(*parse_config(text, name).mutable_recipe());
  const Digest found = recipe_hash(recipe);
  REPRISE_REQUIRE(found == hash, ErrorKind::kCorrupt,
                  fmt::format("{} is the text of another recipe: {} instead of {}", name, found.hex(), hash.hex()),
                  "the text was changed behind its hash; copy the file again from where it was made");
  return recipe;
}

RunConfig load_config(const std::filesystem::path& path, std::span<const std::string> overrides) {
  return parse_config(read_file(path), path.string(), overrides);
}

}  // namespace reprise::configs
