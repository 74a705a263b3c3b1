#include "fork_reasons.h"

#include <fmt/core.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include "reprise/configs/stages.h"

namespace reprise::train {
namespace {

using google::protobuf::Message;

/// The fields in which two messages differ, each as "PREFIX.field: 1 -> 2".
std::vector<std::string> differences(const std::string& prefix, const Message& a, const Message& b) {
  std::string report;
  google::protobuf::util::MessageDifferencer differ;
  differ.ReportDifferencesToString(&report);
  differ.Compare(a, b);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < report.size();) {
    const std::size_t end = std::min(report.find('\n', begin), report.size());
    const std::string line = report.substr(begin, end - begin);
    const std::size_t after_verb = line.find(": ");  // "modified: hidden_size: 32 -> 64"
    lines.push_back(prefix + (after_verb == std::string::npos ? line : line.substr(after_verb + 2)));
    begin = end + 1;
  }
  return lines;
}

/// A field's value as the config writes it; empty where it is left out.
std::string value_of(const Message& message, const std::string& name) {
  const google::protobuf::FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  std::string text;
  if (message.GetReflection()->HasField(message, field)) {
    google::protobuf::TextFormat::PrintFieldValueToString(message, field, -1, &text);
  }
  return text;
}

bool same(const Message& a, const Message& b) { return google::protobuf::util::MessageDifferencer::Equals(a, b); }

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

/// The part of the recipe that says where the samples of the stages lie.
bool same_batches(const configs::TrainRecipe& a, const configs::TrainRecipe& b) {
  configs::TrainRecipe ours, theirs;
  ours.set_batch_sequences(a.batch_sequences());
  theirs.set_batch_sequences(b.batch_sequences());
  *ours.mutable_batch_warmup() = a.batch_warmup();
  *theirs.mutable_batch_warmup() = b.batch_warmup();
  return same(ours, theirs);
}

bool same_groups(const configs::TrainRecipe& a, const configs::TrainRecipe& b) {
  configs::TrainRecipe ours, theirs;
  *ours.mutable_group() = a.group();
  *theirs.mutable_group() = b.group();
  for (configs::TrainRecipe* recipe : {&ours, &theirs}) {
    for (configs::DocumentGroup& group : *recipe->mutable_group()) group.clear_max_epochs();  // a limit, no order
  }
  return same(ours, theirs);
}

/// Whether every stage that begins before `step` is the same in both: shares and length decide its order.
bool same_stages_up_to(const configs::TrainRecipe& a, const configs::TrainRecipe& b, std::uint64_t step) {
  if (a.stage_size() == 0 && b.stage_size() == 0) return true;
  const std::vector<std::uint64_t> ours = configs::stage_steps(a);
  const std::vector<std::uint64_t> theirs = configs::stage_steps(b);
  std::uint64_t begin = 0;
  for (int i = 0; begin < step; ++i) {
    if (i >= a.stage_size() || i >= b.stage_size()) return false;
    configs::Stage left = a.stage(i), right = b.stage(i);
    for (configs::Stage* stage : {&left, &right}) {
      stage->clear_name();
      stage->clear_steps();
      stage->clear_tokens();
    }
    const auto index = static_cast<std::size_t>(i);
    if (ours[index] != theirs[index] || !same(left, right)) return false;
    begin += ours[index];
  }
  return true;
}

}  // namespace

std::vector<std::string> forbidden_changes(const configs::Recipe& parent, const configs::Recipe& child) {
  std::vector<std::string> reasons = differences("model.", parent.model(), child.model());
  if (parent.tokenizer().vocab_size() != child.tokenizer().vocab_size()) {
    reasons.push_back(
        fmt::format("tokenizer.vocab_size: {} -> {}", parent.tokenizer().vocab_size(), child.tokenizer().vocab_size()));
  }
  if (parent.numerics() != child.numerics()) {
    reasons.push_back(fmt::format("numerics: {} -> {}", parent.numerics(), child.numerics()));
  }
  append(reasons, differences("native.", parent.native(), child.native()));
  if (parent.contract_version() != child.contract_version()) {
    reasons.push_back(fmt::format("contract_version: {} -> {}", parent.contract_version(), child.contract_version()));
  }
  return reasons;
}

std::vector<std::string> other_lineage(const configs::Parent& given, const configs::Parent& inherited,
                                       const configs::Parent& made) {
  std::vector<std::string> reasons;
  for (const char* name : {"run", "step", "root", "recipe_hash"}) {
    const std::string value = value_of(given, name);
    const std::string filled_in = value_of(made, name);
    if (value.empty() || filled_in.empty() || value == filled_in || value == value_of(inherited, name)) continue;
    reasons.push_back(fmt::format("parent.{}: {}, where --from fills in {} (leave it out)", name, value, filled_in));
  }
  return reasons;
}

std::string changed_order(const configs::Recipe& parent, const configs::Recipe& child, std::uint64_t step) {
  const configs::TrainRecipe& a = parent.train();
  const configs::TrainRecipe& b = child.train();
  if (parent.seed() != child.seed()) return "seed";
  if (a.sequence_length() != b.sequence_length()) return "train.sequence_length";
  if (!same_groups(a, b)) return "train.group";
  if (a.stage_size() + b.stage_size() > 0 && !same_batches(a, b)) return "train.batch_sequences";
  // A parent that began its own data anew counts its stages from there.
  const bool parent_restarted = parent.parent().restart_data();
  const std::uint64_t own_steps = parent_restarted ? step - parent.parent().step() : step;
  if (parent_restarted && a.stage_size() > 0) return "train.stage (the parent's begin behind its own parent)";
  return same_stages_up_to(a, b, own_steps) ? "" : "train.stage";
}

std::string changed_data(const configs::Recipe& parent, const configs::Recipe& child) {
  std::vector<std::string> changes = differences("data.", parent.data(), child.data());
  append(changes, differences("tokenizer.", parent.tokenizer(), child.tokenizer()));
  return changes.empty() ? "" : changes.front();
}

}  // namespace reprise::train
