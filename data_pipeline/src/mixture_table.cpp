#include "reprise/data_pipeline/mixture_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace reprise::data {
namespace {

using nlohmann::ordered_json;

const char* shown(const std::string& name) { return name.empty() ? "(all)" : name.c_str(); }

/// One group in one stage.
struct Row {
  const MixtureStage& stage;
  std::string group;
  std::string asked;  // "weight 0.7"
  std::uint64_t num_sequences = 0;
  std::uint64_t num_tokens = 0;
  double share = 0;       // of the stage
  double epochs = 0;      // in the stage
  double epochs_end = 0;  // since the start
};

std::string asked_of(const configs::TrainRecipe& recipe, std::size_t stage, const std::string& group) {
  if (recipe.stage_size() == 0) return "";
  for (const configs::GroupShare& share : recipe.stage(static_cast<int>(stage)).share()) {
    if (share.group() != group) continue;
    if (share.has_epochs()) return fmt::format("epochs {}", share.epochs());
    if (share.has_token_budget()) return fmt::format("token_budget {}", share.token_budget());
    return fmt::format("weight {}", share.weight());
  }
  return "";
}

template <typename Visit>
void for_each_row(const ReadingOrder& order, const configs::TrainRecipe& recipe, const Visit& visit) {
  const std::vector<MixtureStage>& stages = order.mixture().stages();
  for (std::size_t i = 0; i < stages.size(); ++i) {
    for (std::size_t g = 0; g < order.groups().size(); ++g) {
      const StageGroup& group = stages[i].groups[g];
      const std::string& name = order.groups().name(g);
      const std::string asked = asked_of(recipe, i, name);
      if (group.num_samples == 0 && asked.empty()) continue;
      // A group without a sequence is read by no stage.
      const auto sequences = static_cast<double>(std::max<std::uint64_t>(1, order.groups().num_sequences(g)));
      const auto samples = static_cast<double>(group.num_samples);
      visit(i, Row{stages[i], name, asked, group.num_samples, group.num_samples * order.groups().sequence_length(),
                   samples / static_cast<double>(stages[i].num_samples), samples / sequences,
                   (static_cast<double>(group.first_draw) + samples) / sequences});
    }
  }
}

std::uint64_t first_step(const ReadingOrder& order, const MixtureStage& stage) {
  return stage.name.empty() ? order.start().step + 1 : order.step_of(stage.first_sample);
}

std::uint64_t last_step(const ReadingOrder& order, const MixtureStage& stage) {
  return order.step_of(stage.first_sample + stage.num_samples) - 1;
}

}  // namespace

std::string group_table(const DocumentGroups& groups) {
  std::string text = fmt::format("{:<16} {:>12} {:>16} {:>12}\n", "group", "documents", "tokens", "sequences");
  for (std::size_t g = 0; g < groups.size(); ++g) {
    text += fmt::format("{:<16} {:>12} {:>16} {:>12}\n", shown(groups.name(g)), groups.num_documents(g),
                        groups.num_tokens(g), groups.num_sequences(g));
  }
  return text;
}

std::string stage_table(const ReadingOrder& order, const configs::TrainRecipe& recipe) {
  std::string text = fmt::format("{:<16} {:>15} {:<16} {:<22} {:>12} {:>16} {:>7} {:>8} {:>8}\n", "stage", "steps",
                                 "group", "asked", "sequences", "tokens", "share", "epochs", "in all");
  std::size_t shown_stage = order.mixture().stages().size();
  for_each_row(order, recipe, [&](std::size_t stage, const Row& row) {
    const bool is_first = stage != shown_stage;
    shown_stage = stage;
    const std::string steps = fmt::format("{}..{}", first_step(order, row.stage), last_step(order, row.stage));
    text += fmt::format("{:<16} {:>15} {:<16} {:<22} {:>12} {:>16} {:>6.2f}% {:>8.3f} {:>8.3f}\n",
                        is_first ? shown(row.stage.name) : "", is_first ? steps : "", shown(row.group), row.asked,
                        row.num_sequences, row.num_tokens, 100 * row.share, row.epochs, row.epochs_end);
  });
  return text;
}

std::string mixture_json(const ReadingOrder& order, const configs::TrainRecipe& recipe) {
  ordered_json groups = ordered_json::array();
  for (std::size_t g = 0; g < order.groups().size(); ++g) {
    groups.push_back({{"group", order.groups().name(g)},
                      {"documents", order.groups().num_documents(g)},
                      {"tokens", order.groups().num_tokens(g)},
                      {"sequences", order.groups().num_sequences(g)}});
  }
  ordered_json stages = ordered_json::array();
  for (const MixtureStage& stage : order.mixture().stages()) {
    stages.push_back({{"stage", stage.name},
                      {"first_step", first_step(order, stage)},
                      {"last_step", last_step(order, stage)},
                      {"groups", ordered_json::array()}});
  }
  for_each_row(order, recipe, [&](std::size_t stage, const Row& row) {
    stages[stage]["groups"].push_back({{"group", row.group},
                                       {"asked", row.asked},
                                       {"sequences", row.num_sequences},
                                       {"tokens", row.num_tokens},
                                       {"share", row.share},
                                       {"epochs", row.epochs},
                                       {"epochs_in_all", row.epochs_end}});
  });
  return ordered_json{{"groups", std::move(groups)}, {"stages", std::move(stages)}}.dump(1) + "\n";
}

}  // namespace reprise::data
