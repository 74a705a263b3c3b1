#include "validate_rules.h"

namespace reprise::configs {
namespace {

constexpr std::uint32_t kLongestNgram = 100;
constexpr std::uint32_t kMostHashes = 4096;

void policies_are_known(const RunConfig& config, Findings& findings) {
  const BadInput& bad = config.recipe().data().bad_input();
  const std::pair<const char*, const std::string&> policies[] = {
      {"damaged_file", bad.damaged_file()}, {"long_line", bad.long_line()},      {"invalid_utf8", bad.invalid_utf8()},
      {"invalid_json", bad.invalid_json()}, {"wrong_type", bad.wrong_type()},    {"missing_id", bad.missing_id()},
      {"missing_text", bad.missing_text()}, {"duplicate_id", bad.duplicate_id()}};
  for (const auto& [name, policy] : policies) {
    findings.require(policy == "stop" || policy == "skip", fmt::format("recipe.data.bad_input.{}", name),
                     fmt::format("unknown policy '{}'", policy), "write \"stop\" or \"skip\"");
  }
}

void minhash_is_in_range(const RunConfig& config, Findings& findings) {
  const MinHashDedup& minhash = config.recipe().data().minhash_dedup();
  findings.require(minhash.ngram() >= 1 && minhash.ngram() <= kLongestNgram, "recipe.data.minhash_dedup.ngram",
                   fmt::format("must be from 1 to {}, is {}", kLongestNgram, minhash.ngram()), "the default is 5");
  const std::uint64_t hashes = std::uint64_t{minhash.buckets()} * minhash.hashes_per_bucket();
  findings.require(hashes >= 1 && hashes <= kMostHashes, "recipe.data.minhash_dedup.buckets",
                   fmt::format("buckets * hashes_per_bucket must be from 1 to {}, is {}", kMostHashes, hashes),
                   "the default is 14 * 8");
}

void decontamination_is_complete(const RunConfig& config, Findings& findings) {
  const DataRecipe& data = config.recipe().data();
  const Decontamination& eval = data.decontamination();
  const std::string place = "recipe.data.decontamination.";
  if (!data.has_decontamination()) return;
  findings.require(eval.against_size() > 0, place + "against", "is required",
                   "for example against { path: \"eval/arc_easy.jsonl.zst\" sha256: \"...\" }");
  for (int i = 0; i < eval.against_size(); ++i) {
    findings.require(!eval.against(i).path().empty(), place + fmt::format("against[{}].path", i), "is required",
                     "write the path relative to runtime.corpus_dir");
    findings.require(is_sha256(eval.against(i).sha256()), place + fmt::format("against[{}].sha256", i),
                     fmt::format("is not 64 lower-case hexadecimal digits: '{}'", eval.against(i).sha256()),
                     "take the SHA-256 of the decompressed content: zstd -dc FILE | sha256sum");
  }
  findings.require(eval.ngram() >= 1 && eval.ngram() <= kLongestNgram, place + "ngram",
                   fmt::format("must be from 1 to {}, is {}", kLongestNgram, eval.ngram()), "the default is 13");
  findings.require(eval.min_matches() >= 1, place + "min_matches", "must be at least 1, is 0", "the default is 1");
  findings.require(eval.action() == "drop" || eval.action() == "tag", place + "action",
                   fmt::format("unknown action '{}'", eval.action()), "write \"drop\" or \"tag\"");
}

void named_file(const std::string& path, const std::string& hash, const std::string& place, Findings& findings) {
  findings.require(!path.empty(), place + ".path", "is required", "write the path relative to runtime.corpus_dir");
  findings.require(is_sha256(hash), place + ".sha256",
                   fmt::format("is not 64 lower-case hexadecimal digits: '{}'", hash), "take it from sha256sum FILE");
}

void url_lists_are_complete(const RunConfig& config, Findings& findings) {
  const DataRecipe& data = config.recipe().data();
  for (int i = 0; i < data.url_list_size(); ++i) {
    const std::string place = fmt::format("recipe.data.url_list[{}]", i);
    named_file(data.url_list(i).path(), data.url_list(i).sha256(), place, findings);
    const std::string& kind = data.url_list(i).kind();
    findings.require(kind == "domains" || kind == "strict" || kind == "hard" || kind == "soft", place + ".kind",
                     fmt::format("unknown kind '{}'", kind), R"(write "domains", "strict", "hard" or "soft")");
  }
}

void languages_are_complete(const RunConfig& config, Findings& findings) {
  if (!config.recipe().data().has_languages()) return;
  const LanguageLabelling& languages = config.recipe().data().languages();
  named_file(languages.path(), languages.sha256(), "recipe.data.languages", findings);
  findings.require(languages.min_share() >= 0 && languages.min_share() <= 1, "recipe.data.languages.min_share",
                   fmt::format("must be from 0 to 1, is {}", languages.min_share()), "the default is 0.65");
}

constexpr Rule kRules[] = {policies_are_known, minhash_is_in_range, decontamination_is_complete, url_lists_are_complete,
                           languages_are_complete};

}  // namespace

std::span<const Rule> input_rules() { return kRules; }

}  // namespace reprise::configs
