// reprise log diff

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "json_text.h"
#include "log_verbs.h"
#include "reprise/core/printable.h"
#include "reprise/logs/run_log.h"

namespace reprise::app {
namespace {

using nlohmann::ordered_json;

struct DiffFlags {
  std::filesystem::path a;
  std::filesystem::path b;
  bool json = false;
};

/// One field in which two runs differ, as text.
struct FieldDifference {
  std::string name, a, b;
};

/// Gathers the fields of two records that differ.
class Comparison {
 public:
  void text(const char* name, const std::string& a, const std::string& b) {
    if (a != b) differences_.push_back({name, a, b});
  }
  void number(const char* name, std::uint64_t a, std::uint64_t b) { text(name, std::to_string(a), std::to_string(b)); }
  void digest(const char* name, const Digest& a, const Digest& b) { text(name, a.hex(), b.hex()); }
  /// By bits: -0 is not 0, and NaN is NaN.
  void real(const char* name, double a, double b) {
    if (std::bit_cast<std::uint64_t>(a) != std::bit_cast<std::uint64_t>(b)) {
      differences_.push_back({name, fmt::format("{}", a), fmt::format("{}", b)});
    }
  }
  void reals(const char* name, const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() != b.size()) return number(name, a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) real(fmt::format("{}[{}]", name, i).c_str(), a[i], b[i]);
  }
  std::vector<FieldDifference> take() { return std::move(differences_); }

 private:
  std::vector<FieldDifference> differences_;
};

std::string parent_text(const logs::RunHeader& header) {
  if (!header.parent) return "none";
  return fmt::format("{} at step {}, root {}", header.parent->run, header.parent->step, header.parent->root.hex());
}

std::vector<FieldDifference> compare(const logs::RunHeader& a, const logs::RunHeader& b) {
  Comparison fields;
  fields.text("run_name", a.run_name, b.run_name);
  fields.digest("recipe_hash", a.recipe_hash, b.recipe_hash);
  fields.number("contract_version", a.contract_version, b.contract_version);
  fields.digest("data_root", a.data_root, b.data_root);
  fields.digest("tokenizer", a.tokenizer, b.tokenizer);
  fields.number("num_parameters", a.num_parameters, b.num_parameters);
  fields.number("num_grains", a.num_grains, b.num_grains);
  fields.text("parent", parent_text(a), parent_text(b));
  return fields.take();
}

/// Limits with all their digits, so that texts differ where bits do.
std::string text_of(const std::optional<logs::SkippedUpdate>& skipped) {
  if (!skipped) return "no";
  std::string text = "yes";
  if (skipped->loss_limit) text += fmt::format(", loss above {}", *skipped->loss_limit);
  if (skipped->gradient_norm_limit) text += fmt::format(", gradient norm above {}", *skipped->gradient_norm_limit);
  return text;
}

/// A step and what was measured behind it.
struct LoggedStep : logs::StepRecord {
  std::optional<logs::EvaluationRecord> evaluation;
};

void compare(const std::optional<logs::EvaluationRecord>& a, const std::optional<logs::EvaluationRecord>& b,
             Comparison& fields) {
  if (a.has_value() != b.has_value()) return fields.text("evaluation", a ? "yes" : "no", b ? "yes" : "no");
  if (!a) return;
  fields.number("evaluation.num_sequences", a->num_sequences, b->num_sequences);
  fields.digest("evaluation.batch_hash", a->batch_hash, b->batch_hash);
  fields.number("evaluation.num_targets", a->num_targets, b->num_targets);
  fields.number("evaluation.num_bytes", a->num_bytes, b->num_bytes);
  fields.real("evaluation.loss", a->loss, b->loss);
  fields.real("evaluation.bits_per_byte", a->bits_per_byte, b->bits_per_byte);
}

/// In the order in which a difference comes about: what was read, what was computed, what it left.
std::vector<FieldDifference> compare(const LoggedStep& a, const LoggedStep& b) {
  Comparison fields;
  fields.number("first_sample", a.first_sample, b.first_sample);
  fields.number("num_samples", a.num_samples, b.num_samples);
  fields.number("num_targets", a.num_targets, b.num_targets);
  fields.number("tokens_seen", a.tokens_seen, b.tokens_seen);
  fields.digest("batch_hash", a.batch_hash, b.batch_hash);
  fields.reals("grain_losses", a.grain_losses, b.grain_losses);
  fields.reals("grain_z_losses", a.grain_z_losses, b.grain_z_losses);
  fields.real("loss", a.loss, b.loss);
  fields.real("z_loss", a.z_loss, b.z_loss);
  fields.real("gradient_norm", a.gradient_norm, b.gradient_norm);
  fields.real("clip_factor", a.clip_factor, b.clip_factor);
  fields.real("learning_rate", a.learning_rate, b.learning_rate);
  fields.text("skipped", text_of(a.skipped), text_of(b.skipped));
  fields.digest("state", a.state, b.state);
  compare(a.evaluation, b.evaluation, fields);
  return fields.take();
}

/// The first record whose bytes differ where all that is compared above is the same.
struct RecordDifference {
  std::size_t number = 0;  // from 1
  std::string a, b;
};

struct LogDifference {
  std::vector<FieldDifference> header;
  std::optional<std::uint64_t> step;  // the first that differs
  std::vector<FieldDifference> fields;
  std::uint64_t steps_a = 0, steps_b = 0;
  std::uint64_t last_a = 0, last_b = 0;
  std::uint64_t num_same = 0;  // steps that both logs have, up to the first that differs
  std::optional<RecordDifference> record;
  bool torn_a = false, torn_b = false;

  bool same() const { return header.empty() && !step && steps_a == steps_b && !record && torn_a == torn_b; }
};

std::vector<LoggedStep> steps_of(const logs::RunLog& log) {
  std::vector<LoggedStep> steps;
  for (const logs::RunRecord& record : log.records) {
    if (record.step) steps.push_back({*record.step, std::nullopt});
    if (record.evaluation) steps.back().evaluation = record.evaluation;
  }
  return steps;
}

std::string text_of(const std::vector<logs::RunRecord>& records, std::size_t place) {
  if (place >= records.size()) return "the log ends";
  const logs::RunRecord& record = records[place];
  if (record.checkpoint) {
    return fmt::format("checkpoint of step {}, root {}", record.checkpoint->step, record.checkpoint->root.hex());
  }
  if (record.evaluation) return fmt::format("evaluation behind step {}", record.evaluation->step);
  return record.step ? fmt::format("step {}", record.step->step) : "header";
}

/// A log that only goes on is told by its steps.
bool one_ends_before(const logs::RunLog& a, const logs::RunLog& b, std::size_t place, const LogDifference& difference) {
  return (place == a.records.size() || place == b.records.size()) && difference.last_a != difference.last_b;
}

/// Checkpoints differ wherever recipes do, so records are compared by their bytes in logs of one run alone.
std::optional<RecordDifference> first_record(const logs::RunLog& a, const logs::RunLog& b,
                                             const LogDifference& difference) {
  if (!difference.header.empty() || difference.step || a.chain == b.chain) return std::nullopt;
  const auto has_same_bytes = [](const logs::RunRecord& x, const logs::RunRecord& y) { return x.chain == y.chain; };
  const auto first =
      std::mismatch(a.records.begin(), a.records.end(), b.records.begin(), b.records.end(), has_same_bytes);
  const auto place = static_cast<std::size_t>(first.first - a.records.begin());
  if (one_ends_before(a, b, place, difference)) return std::nullopt;
  return RecordDifference{place + 1, text_of(a.records, place), text_of(b.records, place)};
}

LogDifference find_difference(const logs::RunLog& a, const logs::RunLog& b) {
  LogDifference difference;
  difference.header = compare(*a.records.front().header, *b.records.front().header);
  const std::vector<LoggedStep> steps_a = steps_of(a);
  const std::vector<LoggedStep> steps_b = steps_of(b);
  difference.steps_a = steps_a.size();
  difference.steps_b = steps_b.size();
  difference.last_a = a.records.front().header->first_step() + steps_a.size();
  difference.last_b = b.records.front().header->first_step() + steps_b.size();
  // The steps of a run that goes on from another one count on from there: steps of one number are compared.
  auto left = steps_a.begin();
  auto right = steps_b.begin();
  while (left != steps_a.end() && right != steps_b.end()) {
    if (left->step != right->step) {
      left->step < right->step ? ++left : ++right;
      continue;
    }
    difference.fields = compare(*left++, *right++);
    if (!difference.fields.empty()) {
      difference.step = std::prev(left)->step;
      break;
    }
    ++difference.num_same;
  }
  difference.record = first_record(a, b, difference);
  difference.torn_a = a.torn_tail;
  difference.torn_b = b.torn_tail;
  return difference;
}

ordered_json to_json(const std::vector<FieldDifference>& fields) {
  ordered_json json = ordered_json::array();
  for (const FieldDifference& field : fields) json.push_back({{"field", field.name}, {"a", field.a}, {"b", field.b}});
  return json;
}

void print_fields(const std::vector<FieldDifference>& fields) {
  for (const FieldDifference& field : fields)
    fmt::print("  {:<18} {}\n  {:<18} {}\n", field.name, printable(field.a), "", printable(field.b));
}

void print_difference(const LogDifference& difference) {
  if (!difference.header.empty()) {
    fmt::print("the runs are not the same run:\n");
    print_fields(difference.header);
  }
  if (difference.step) {
    fmt::print("first step that differs: {}\n", *difference.step);
    print_fields(difference.fields);
  } else {
    fmt::print("{} step(s) are the same\n", difference.num_same);
    if (difference.last_a != difference.last_b) {
      fmt::print("the logs end at steps {} and {}\n", difference.last_a, difference.last_b);
    }
  }
  if (difference.record) {
    fmt::print("first record that differs: {}\n", difference.record->number);
    print_fields({{"bytes", difference.record->a, difference.record->b}});
  }
  if (difference.torn_a != difference.torn_b) {
    fmt::print("the {} log ends in a record that is not whole\n", difference.torn_a ? "first" : "second");
  }
}

void diff(const DiffFlags& flags, Context& context) {
  const logs::RunLog a = logs::read_run_log(flags.a / "run.log");
  const logs::RunLog b = logs::read_run_log(flags.b / "run.log");
  const LogDifference difference = find_difference(a, b);
  context.status = difference.same() ? 0 : 1;
  if (!flags.json) return print_difference(difference);
  ordered_json json = {{"same", difference.same()},
                       {"header", to_json(difference.header)},
                       {"steps_a", difference.steps_a},
                       {"steps_b", difference.steps_b},
                       {"same_steps", difference.num_same}};
  if (difference.step) {
    json["first_step"] = *difference.step;
    json["fields"] = to_json(difference.fields);
  }
  if (difference.record) {
    json["record"] = {{"number", difference.record->number}, {"a", difference.record->a}, {"b", difference.record->b}};
  }
  json["torn_tail_a"] = difference.torn_a;
  json["torn_tail_b"] = difference.torn_b;
  fmt::print("{}\n", json_text(json));
}

}  // namespace

void add_log_diff_verb(CLI::App& log, Context& context) {
  const auto flags = std::make_shared<DiffFlags>();
  CLI::App* verb = log.add_subcommand("diff", "Find the first step in which two runs differ, and how");
  verb->add_option("A", flags->a, "Run folder")->required();
  verb->add_option("B", flags->b, "Run folder")->required();
  verb->add_flag("--json", flags->json, "Print the answer as JSON");
  verb->footer(
      "Fields stand in the order in which a difference comes about: what was read, what was computed, what it left.\n"
      "Exit code 0: the same; 1: they differ.\n\n"
      "Example:\n  reprise log diff runs/tiny runs/tiny-other-seed");
  verb->callback([flags, &context] { diff(*flags, context); });
}

}  // namespace reprise::app
