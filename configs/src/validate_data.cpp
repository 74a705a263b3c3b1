#include <algorithm>
#include <set>

#include "reprise/configs/filter_names.h"
#include "reprise/configs/input_names.h"
#include "reprise/configs/pre_tokenizer_names.h"
#include "reprise/core/nearest_name.h"
#include "validate_rules.h"

namespace reprise::configs {
namespace {

constexpr std::uint32_t kSmallestVocabulary = 257;   // 256 bytes and the end of text
constexpr std::uint32_t kLargestVocabulary = 65536;  // token ids are stored in 16 bits
constexpr std::uint64_t kLongestLine = std::uint64_t{1} << 30;

std::string file_path(int i, std::string_view name) { return fmt::format("recipe.data.file[{}].{}", i, name); }
std::string filter_path(int i, std::string_view name) { return fmt::format("recipe.data.filter[{}].{}", i, name); }

std::string one_of(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return "one of: " + text;
}

/// Names the nearest known name, or all of them.
std::string choice_hint(std::string_view name, std::span<const std::string> known) {
  const std::string near = nearest_name(name, known);
  return near.empty() ? one_of(known) : fmt::format("did you mean '{}'?", near);
}

void data_has_a_file(const RunConfig& config, Findings& findings) {
  findings.require(config.recipe().data().file_size() > 0, "recipe.data.file", "is required",
                   "for example file { path: \"prose.jsonl.zst\" sha256: \"...\" }");
}

void file_path_is_relative(const RunConfig& config, Findings& findings) {
  const DataRecipe& data = config.recipe().data();
  for (int i = 0; i < data.file_size(); ++i) {
    const std::filesystem::path path = data.file(i).path();
    const bool inside = !path.empty() && !path.is_absolute() &&
                        std::none_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; });
    findings.require(inside, file_path(i, "path"),
                     path.empty() ? "is required" : fmt::format("leaves the corpus folder: '{}'", path.string()),
                     "write the path relative to runtime.corpus_dir");
  }
}

void file_type_is_known(const RunConfig& config, Findings& findings) {
  const DataRecipe& data = config.recipe().data();
  for (int i = 0; i < data.file_size(); ++i) {
    const std::string& path = data.file(i).path();
    if (path.empty()) continue;  // said by the rule above
    findings.require(is_input_name(path), file_path(i, "path"), fmt::format("unknown file type: '{}'", path),
                     kInputNamesHint);
  }
}

void files_are_distinct(const RunConfig& config, Findings& findings) {
  const DataRecipe& data = config.recipe().data();
  std::set<std::string> seen;
  for (int i = 0; i < data.file_size(); ++i) {
    const std::string& path = data.file(i).path();
    if (path.empty()) continue;
    findings.require(seen.insert(std::filesystem::path(path).lexically_normal().string()).second, file_path(i, "path"),
                     fmt::format("is given twice: '{}'", path), "list each file once");
  }
}

void file_hash_is_sha256(const RunConfig& config, Findings& findings) {
  const DataRecipe& data = config.recipe().data();
  for (int i = 0; i < data.file_size(); ++i) {
    const std::string& hash = data.file(i).sha256();
    findings.require(is_sha256(hash), file_path(i, "sha256"),
                     hash.empty() ? "is required" : fmt::format("is not 64 lower-case hexadecimal digits: '{}'", hash),
                     "take the SHA-256 of the decompressed lines: zstd -dc FILE | sha256sum");
  }
}

void normalisation_is_known(const RunConfig& config, Findings& findings) {
  const std::string& name = config.recipe().data().normalisation();
  findings.require(name == "v1", "recipe.data.normalisation", fmt::format("unknown normalisation '{}'", name),
                   "the one normalisation is \"v1\"");
}

void filter_name_is_known(const RunConfig& config, Findings& findings) {
  const DataRecipe& data = config.recipe().data();
  const std::vector<std::string> known = filter_names();
  for (int i = 0; i < data.filter_size(); ++i) {
    const std::string& name = data.filter(i).name();
    findings.require(find_filter(name) != nullptr, filter_path(i, "name"),
                     name.empty() ? "is required" : fmt::format("unknown filter '{}'", name), choice_hint(name, known));
  }
}

void filter_preset_is_known(const RunConfig& config, Findings& findings) {
  const DataRecipe& data = config.recipe().data();
  for (int i = 0; i < data.filter_size(); ++i) {
    const KnownFilter* filter = find_filter(data.filter(i).name());
    const std::string& preset = data.filter(i).preset();
    if (filter == nullptr || preset.empty()) continue;
    const bool good = std::find(filter->presets.begin(), filter->presets.end(), preset) != filter->presets.end();
    findings.require(good, filter_path(i, "preset"),
                     fmt::format("unknown preset '{}' of {}", preset, data.filter(i).name()),
                     choice_hint(preset, filter->presets));
  }
}

void disabled_parts_are_known(const RunConfig& config, Findings& findings) {
  const DataRecipe& data = config.recipe().data();
  for (int i = 0; i < data.filter_size(); ++i) {
    const KnownFilter* filter = find_filter(data.filter(i).name());
    for (int j = 0; filter != nullptr && j < data.filter(i).disable_size(); ++j) {
      const std::string& part = data.filter(i).disable(j);
      const bool good = std::find(filter->parts.begin(), filter->parts.end(), part) != filter->parts.end();
      findings.require(good, filter_path(i, fmt::format("disable[{}]", j)),
                       fmt::format("{} has no part '{}'", data.filter(i).name(), part),
                       choice_hint(part, filter->parts));
    }
  }
}

void filters_are_distinct(const RunConfig& config, Findings& findings) {
  const DataRecipe& data = config.recipe().data();
  std::set<std::string> seen;
  for (int i = 0; i < data.filter_size(); ++i) {
    findings.require(seen.insert(to_text(data.filter(i))).second, fmt::format("recipe.data.filter[{}]", i),
                     fmt::format("the same filter is given twice: '{}'", data.filter(i).name()),
                     "list each filter once");
  }
}

void held_out_fraction_is_in_range(const RunConfig& config, Findings& findings) {
  const double fraction = config.recipe().data().held_out_fraction();
  findings.require(fraction >= 0 && fraction < 1, "recipe.data.held_out_fraction",
                   fmt::format("must be at least 0 and below 1, is {}", fraction), "for example 0.03");
}

void max_line_bytes_is_in_range(const RunConfig& config, Findings& findings) {
  const std::uint64_t limit = config.recipe().data().max_line_bytes();
  findings.require(limit >= 1 && limit <= kLongestLine, "recipe.data.max_line_bytes",
                   fmt::format("must be from 1 to {}, is {}", kLongestLine, limit), "the default is 33554432");
}

void vocab_size_is_in_range(const RunConfig& config, Findings& findings) {
  const std::uint32_t size = config.recipe().tokenizer().vocab_size();
  findings.require(size >= kSmallestVocabulary && size <= kLargestVocabulary, "recipe.tokenizer.vocab_size",
                   fmt::format("must be from {} to {}, is {}", kSmallestVocabulary, kLargestVocabulary, size),
                   "256 bytes and one special token are the least; ids have 16 bits");
}

void pre_tokenizer_is_known(const RunConfig& config, Findings& findings) {
  const std::string& name = config.recipe().tokenizer().pre_tokenizer();
  findings.require(is_pre_tokenizer_name(name), "recipe.tokenizer.pre_tokenizer",
                   fmt::format("unknown pre-tokeniser '{}'", name),
                   fmt::format("the pre-tokenisers are: {}", pre_tokenizer_list()));
}

void end_of_text_is_given(const RunConfig& config, Findings& findings) {
  findings.require(!config.recipe().tokenizer().end_of_text().empty(), "recipe.tokenizer.end_of_text",
                   "must not be empty", "the default is \"<|endoftext|>\"");
}

void min_frequency_is_positive(const RunConfig& config, Findings& findings) {
  findings.require(config.recipe().tokenizer().min_frequency() >= 1, "recipe.tokenizer.min_frequency",
                   "must be at least 1, is 0", "the default is 2");
}

constexpr Rule kRules[] = {data_has_a_file,          file_path_is_relative,         file_type_is_known,
                           files_are_distinct,       file_hash_is_sha256,           normalisation_is_known,
                           filter_name_is_known,     filter_preset_is_known,        disabled_parts_are_known,
                           filters_are_distinct,     held_out_fraction_is_in_range, max_line_bytes_is_in_range,
                           vocab_size_is_in_range,   pre_tokenizer_is_known,        end_of_text_is_given,
                           min_frequency_is_positive};

}  // namespace

std::span<const Rule> data_rules() { return kRules; }

}  // namespace reprise::configs
