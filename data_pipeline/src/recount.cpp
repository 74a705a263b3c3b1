#include "reprise/data_pipeline/recount.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "min_hash.h"
#include "report_builder.h"
#include "reprise/core/hash.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {
namespace {

/// Rules whose value needs more than the text: evaluation sets, other documents, addresses, stored labels.
bool looks_elsewhere(const std::string& rule) {
  return rule == "eval_contamination" || rule == "duplicate_paragraphs" || rule == "language" ||
         rule.starts_with("url_");
}

constexpr std::string_view kNearDuplicate = "minhash_duplicate";

using Rows = std::map<std::string, ReportRow>;

Rows by_name(const std::vector<ReportRow>& rows) {
  Rows named;
  for (const ReportRow& row : rows) {
    const std::string rule = row.rule.empty() ? "" : "/" + row.rule;
    named[fmt::format("{}/{}/{}/{}{}", row.source, row.language, row.kind, row.split, rule)] = row;
  }
  return named;
}

class Comparison {
 public:
  template <typename Number>
  void compare(const std::string& number, const Number& published, const Number& counted) {
    ++result_.num_numbers;
    if (published == counted) return;
    result_.differences.push_back({number, fmt::format("{}", published), fmt::format("{}", counted)});
  }
  void differ(const std::string& number, const std::string& published, const std::string& counted) {
    ++result_.num_numbers;
    result_.differences.push_back({number, published, counted});
  }
  void not_counted(const std::string& what) { result_.not_counted.push_back(what); }
  Recount take() { return std::move(result_); }

 private:
  Recount result_;
};

/// Documents that have one text: that of the survivor `id`.
struct Copies {
  Digest text;
  std::uint64_t num_documents = 1;
  std::vector<std::uint32_t> signature;
};

class Counter {
 public:
  Counter(const configs::DataRecipe& recipe, const Tokenizer* tokenizer)
      : tokenizer_(tokenizer),
        has_near_duplicates_(recipe.has_minhash_dedup()),
        setting_(minhash_setting(recipe.minhash_dedup())),
        hasher_(setting_) {
    for (const configs::FilterRule& rule : recipe.filter()) filters_.emplace_back(rule, make_filter(rule));
  }

  void add_file(const std::filesystem::path& path, const std::string& split) {
    for_each_document(path, [&](const Document& document) {
      add(document, split, "");
      remember(document);
    });
  }

  void add_dropped(const std::filesystem::path& path, Comparison& comparison) {
    std::vector<DroppedDocument> duplicates;
    for_each_dropped(path, [&](const DroppedDocument& dropped) {
      const std::string& rule = dropped.drop.rule;
      add(dropped.document, "dropped", rule);
      if (looks_elsewhere(rule)) {
        unmeasured_.insert(rule);
        remember(dropped.document);  // it may be the survivor of an earlier deduplication
        return;
      }
      if (dropped.survivor.empty()) return compare_drop(dropped, comparison);
      if (rule == kNearDuplicate) remember(dropped.document);
      duplicates.push_back(dropped);
    });
    for (const DroppedDocument& duplicate : duplicates) {
      const auto survivor = copies_.find(duplicate.survivor);
      if (survivor != copies_.end() && duplicate.drop.rule != kNearDuplicate) ++survivor->second.num_documents;
    }
    for (const DroppedDocument& duplicate : duplicates) compare_duplicate(duplicate, comparison);
    for (const std::string& rule : unmeasured_) {
      comparison.not_counted(rule + ": it looks at more than the texts here; `reprise data build` measures it");
    }
  }

  Rows rows() {
    Report report;
    builder_.finish(report);
    return by_name(report.rows);
  }

 private:
  void add(const Document& document, const std::string& split, const std::string& rule) {
    builder_.add(document, split, rule);
    if (tokenizer_ != nullptr) {
      builder_.add_tokens(document, split, rule, tokenizer_->encode(document.text).size());
    }
  }

  /// What the rule that dropped the document finds in its text; nothing when no filter of the recipe has that rule drop
  /// it.
  std::optional<Drop> measure(const DroppedDocument& dropped) const {
    if (dropped.document.text.empty()) return Drop{"empty_text", 0, 1};
    for (const auto& [rule, filter] : filters_) {
      if (!is_meant(rule, dropped.document)) continue;
      std::string text = dropped.document.text;
      Edits edits;
      const std::optional<Drop> drop = filter->apply(text, edits);
      if (drop && drop->rule == dropped.drop.rule) return drop;
      // A rule that takes out lines can leave nothing.
      if (!drop && text.empty() && dropped.drop.rule == "empty_text") return Drop{"empty_text", 0, 1};
    }
    return std::nullopt;
  }

  void compare_drop(const DroppedDocument& dropped, Comparison& comparison) const {
    const std::string name = "dropped " + dropped.document.id;
    const std::optional<Drop> drop = measure(dropped);
    if (!drop) {
      return comparison.differ(name + ": rule", dropped.drop.rule, "the filters of the recipe keep it");
    }
    comparison.compare(name + ": " + drop->rule + ": value", dropped.drop.value, drop->value);
    comparison.compare(name + ": " + drop->rule + ": threshold", dropped.drop.threshold, drop->threshold);
  }

  void compare_duplicate(const DroppedDocument& duplicate, Comparison& comparison) const {
    const std::string name = fmt::format("dropped {}: {}", duplicate.document.id, duplicate.drop.rule);
    const auto survivor = copies_.find(duplicate.survivor);
    if (survivor == copies_.end()) {
      return comparison.differ(name + ": survivor", duplicate.survivor, "no document kept has that id");
    }
    if (duplicate.drop.rule == kNearDuplicate) return compare_near_duplicate(duplicate, survivor->second, comparison);
    if (duplicate.drop.rule != "exact_duplicate") return;
    comparison.compare(name + ": text", survivor->second.text.hex(), sha256(duplicate.document.text).hex());
    comparison.compare(name + ": copies", duplicate.drop.value, static_cast<double>(survivor->second.num_documents));
  }

  void compare_near_duplicate(const DroppedDocument& duplicate, const Copies& survivor, Comparison& comparison) const {
    const std::string name = fmt::format("dropped {}: {}", duplicate.document.id, duplicate.drop.rule);
    const std::vector<std::uint32_t> signature = hasher_.signature(duplicate.document.text);
    if (signature.empty() || survivor.signature.empty()) {
      return comparison.differ(name + ": value", fmt::format("{}", duplicate.drop.value), "a text without words");
    }
    const Drop drop = near_duplicate_drop(setting_, estimated_similarity(signature, survivor.signature));
    comparison.compare(name + ": value", duplicate.drop.value, drop.value);
    comparison.compare(name + ": threshold", duplicate.drop.threshold, drop.threshold);
  }

  /// Keeps what a duplicate is compared with.
  void remember(const Document& document) {
    copies_[document.id] = {sha256(document.text), 1, {}};
    if (has_near_duplicates_) copies_[document.id].signature = hasher_.signature(document.text);
  }

  const Tokenizer* tokenizer_;
  bool has_near_duplicates_;
  MinHashSetting setting_;
  MinHasher hasher_;
  std::set<std::string> unmeasured_;
  std::vector<std::pair<configs::FilterRule, std::unique_ptr<Filter>>> filters_;
  ReportBuilder builder_;
  std::map<std::string, Copies> copies_;
};

void compare_rows(const Rows& published, const Rows& counted, bool with_tokens, Comparison& comparison) {
  const auto compare = [&](const std::string& name, const ReportRow& there, const ReportRow& here) {
    comparison.compare("rows: " + name + ": documents", there.num_documents, here.num_documents);
    comparison.compare("rows: " + name + ": bytes", there.num_bytes, here.num_bytes);
    if (with_tokens) {
      comparison.compare("rows: " + name + ": tokens", there.num_tokens.value_or(0), here.num_tokens.value_or(0));
    }
  };
  for (const auto& [name, row] : published) {
    const auto found = counted.find(name);
    compare(name, row, found == counted.end() ? ReportRow{} : found->second);
  }
  for (const auto& [name, row] : counted) {
    if (!published.contains(name)) compare(name, ReportRow{}, row);
  }
}

}  // namespace

Recount recount(const std::filesystem::path& run, const configs::DataRecipe& recipe, const Tokenizer* tokenizer) {
  const Report report = read_report(run);
  const bool has_tokens = std::any_of(report.rows.begin(), report.rows.end(),
                                      [](const ReportRow& row) { return row.num_tokens.has_value(); });
  Comparison comparison;
  Counter counter(recipe, has_tokens ? tokenizer : nullptr);
  counter.add_file(train_path(run), "train");
  counter.add_file(held_out_path(run), "held_out");
  counter.add_dropped(dropped_path(run), comparison);
  compare_rows(by_name(report.rows), counter.rows(), has_tokens && tokenizer != nullptr, comparison);
  if (has_tokens && tokenizer == nullptr) comparison.not_counted("tokens: they need the run's tokenizer");
  comparison.not_counted("inputs, edits and the bytes read: they need the corpus; `reprise data build` counts them");
  return comparison.take();
}

}  // namespace reprise::data
