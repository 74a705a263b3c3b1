#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cmath>

#include "reprise/core/device_name.h"
#include "validate_rules.h"

namespace reprise::configs {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::uint32_t kContractVersion = 1;
constexpr std::size_t kLongestName = 64;
constexpr std::uint32_t kMostThreads = 1024;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/// Length of the UTF-8 sequence that starts `text` (Unicode 15, table 3-7), or 0 when there is none.
std::size_t utf8_sequence(std::string_view text) {
  const auto at = [&text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&at](std::size_t i, unsigned low, unsigned high) { return at(i) >= low && at(i) <= high; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : 0xbf;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

bool is_plain_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (length == 0 || first < 0x20 || first == 0x7f) return false;
    text.remove_prefix(length);
  }
  return true;
}

/// Calls `visit(message, field, index, path)` for every scalar that is set below `message`.
template <typename Visit>
void for_each_scalar(const Message& message, const std::string& prefix, const Visit& visit) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const bool many = field.is_repeated();
    const int count =
        many ? reflection.FieldSize(message, &field) : static_cast<int>(reflection.HasField(message, &field));
    for (int j = 0; j < count; ++j) {
      const std::string path = prefix + field.name() + (many ? fmt::format("[{}]", j) : "");
      if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        visit(message, field, many ? j : -1, path);
      } else {
        for_each_scalar(
            many ? reflection.GetRepeatedMessage(message, &field, j) : reflection.GetMessage(message, &field),
            path + ".", visit);
      }
    }
  }
}

void numbers_are_finite(const RunConfig& config, Findings& findings) {
  for_each_scalar(
      config, "", [&](const Message& message, const FieldDescriptor& field, int index, const std::string& path) {
        if (field.cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE) return;
        const google::protobuf::Reflection& r = *message.GetReflection();
        const double value = index < 0 ? r.GetDouble(message, &field) : r.GetRepeatedDouble(message, &field, index);
        findings.require(std::isfinite(value), path, fmt::format("is not a finite number: {}", value),
                         "write a number");
      });
}

void texts_are_plain(const RunConfig& config, Findings& findings) {
  for_each_scalar(config, "",
                  [&](const Message& message, const FieldDescriptor& field, int index, const std::string& path) {
                    if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) return;
                    const google::protobuf::Reflection& r = *message.GetReflection();
                    const std::string value =
                        index < 0 ? r.GetString(message, &field) : r.GetRepeatedString(message, &field, index);
                    findings.require(is_plain_text(value), path, "holds a control character or is not UTF-8",
                                     "write plain text on one line");
                  });
}

void name_is_given(const RunConfig& config, Findings& findings) {
  findings.require(!config.recipe().name().empty(), "recipe.name", "is required", "for example name: \"tiny\"");
}

void name_fits_a_folder(const RunConfig& config, Findings& findings) {
  const std::string& name = config.recipe().name();
  const bool good = name.size() <= kLongestName && std::all_of(name.begin(), name.end(), is_name_character);
  findings.require(good, "recipe.name", fmt::format("cannot name a folder: '{}'", name),
                   "use at most 64 letters, digits, '-' and '_'");
}

void numerics_is_known(const RunConfig& config, Findings& findings) {
  const std::string& numerics = config.recipe().numerics();
  findings.require(numerics == "exact" || numerics == "native", "recipe.numerics",
                   fmt::format("unknown numerics profile '{}'", numerics), "the profiles are \"exact\" and \"native\"");
}

void contract_version_is_known(const RunConfig& config, Findings& findings) {
  const std::uint32_t version = config.recipe().contract_version();
  findings.require(version == kContractVersion, "recipe.contract_version",
                   fmt::format("this build implements version {}, not {}", kContractVersion, version),
                   "see docs/numeric_contract.md");
}

void num_ranks_is_in_range(const RunConfig& config, Findings& findings) {
  const std::uint32_t ranks = config.runtime().num_ranks();
  findings.require(ranks >= 1 && ranks <= kMostRanks, "runtime.num_ranks",
                   fmt::format("must be from 1 to {}, is {}", kMostRanks, ranks), "for example num_ranks: 1");
}

void num_threads_is_in_range(const RunConfig& config, Findings& findings) {
  const std::uint32_t threads = config.runtime().num_threads();
  findings.require(threads <= kMostThreads, "runtime.num_threads",
                   fmt::format("must be from 0 to {}, is {}", kMostThreads, threads), "0 takes what the machine has");
}

void grains_per_forward_is_positive(const RunConfig& config, Findings& findings) {
  findings.require(config.runtime().grains_per_forward() >= 1, "runtime.grains_per_forward", "must be at least 1, is 0",
                   "for example grains_per_forward: 1");
}

void device_is_known(const RunConfig& config, Findings& findings) {
  const std::string& device = config.runtime().device();
  findings.require(parse_device_name(device).has_value(), "runtime.device",
                   fmt::format("must be cpu, cuda or cuda:N, is \"{}\"", device), "for example device: \"cuda\"");
}

void assembly_is_complete(const RunConfig& config, Findings& findings) {
  const Runtime& runtime = config.runtime();
  if (!runtime.has_assembly()) return;
  findings.require(!runtime.assembly().recipe().empty(), "runtime.assembly.recipe", "is required",
                   "for example recipe: \"corpora/standard/recipe.tsv\"");
  findings.require(!runtime.assembly().package_dir().empty(), "runtime.assembly.package_dir", "is required",
                   "the folder that scripts/fetch_standard_corpus.sh fills");
  findings.require(!runtime.corpus_dir().empty(), "runtime.corpus_dir", "is required with runtime.assembly",
                   "the folder to assemble into");
}

constexpr Rule kHeadRules[] = {numbers_are_finite, texts_are_plain,   name_is_given,
                               name_fits_a_folder, numerics_is_known, contract_version_is_known};
constexpr Rule kRuntimeRules[] = {num_ranks_is_in_range, num_threads_is_in_range, grains_per_forward_is_positive,
                                  device_is_known, assembly_is_complete};

}  // namespace

bool is_sha256(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::vector<Mistake> validate(const RunConfig& config) {
  Findings findings;
  for (const std::span<const Rule> rules :
       {std::span<const Rule>(kHeadRules), data_rules(), input_rules(), model_rules(), train_rules(), optimizer_rules(),
        batch_rules(), mixture_rules(), native_rules(), parent_rules(), binary32_rules(),
        std::span<const Rule>(kRuntimeRules)}) {
    for (const Rule rule : rules) rule(config, findings);
  }
  return findings.take();
}

std::filesystem::path output_folder(const RunConfig& config) {
  if (!config.runtime().output_dir().empty()) return config.runtime().output_dir();
  return std::filesystem::path("runs") / config.recipe().name();
}

}  // namespace reprise::configs
