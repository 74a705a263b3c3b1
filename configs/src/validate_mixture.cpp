#include <algorithm>
#include <set>

#include "reprise/configs/stages.h"
#include "reprise/core/nearest_name.h"
#include "validate_rules.h"

namespace reprise::configs {
namespace {

constexpr std::size_t kLongestName = 64;
// A group's place in the list is part of a 32-bit counter word (docs/formats/shard.md, "Groups and stages").
constexpr int kMostGroups = 4096;
constexpr int kMostStages = 4096;

std::string group_path(int i, std::string_view name) { return fmt::format("recipe.train.group[{}].{}", i, name); }
std::string stage_path(int i, std::string_view name) { return fmt::format("recipe.train.stage[{}].{}", i, name); }
std::string share_path(int i, int j, std::string_view name) {
  return stage_path(i, fmt::format("share[{}].{}", j, name));
}

bool is_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), good);
}

/// Adds a mistake when `name` is no name, or was seen before.
void check_name(const std::string& name, const std::string& place, std::set<std::string>& seen, Findings& findings) {
  findings.require(is_name(name), place, name.empty() ? "is required" : fmt::format("is not a name: '{}'", name),
                   "use at most 64 letters, digits, '-' and '_'");
  findings.require(name.empty() || seen.insert(name).second, place, fmt::format("is given twice: '{}'", name),
                   "each needs a name of its own");
}

void groups_and_stages_come_together(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  findings.require(train.group_size() == 0 || train.stage_size() > 0, "recipe.train.stage",
                   "is required where groups are given",
                   "for example stage { name: \"main\" share { group: \"all\" weight: 1 } }");
  findings.require(train.stage_size() == 0 || train.group_size() > 0, "recipe.train.group",
                   "is required where stages are given", "for example group { name: \"all\" }");
  findings.require(train.group_size() <= kMostGroups, "recipe.train.group",
                   fmt::format("at most {} groups, not {}", kMostGroups, train.group_size()), "join some");
  findings.require(train.stage_size() <= kMostStages, "recipe.train.stage",
                   fmt::format("at most {} stages, not {}", kMostStages, train.stage_size()), "join some");
}

void group_names_are_distinct(const RunConfig& config, Findings& findings) {
  std::set<std::string> seen;
  for (int i = 0; i < config.recipe().train().group_size(); ++i) {
    check_name(config.recipe().train().group(i).name(), group_path(i, "name"), seen, findings);
  }
}

void max_epochs_is_positive(const RunConfig& config, Findings& findings) {
  for (int i = 0; i < config.recipe().train().group_size(); ++i) {
    const double most = config.recipe().train().group(i).max_epochs();
    findings.require(most > 0, group_path(i, "max_epochs"), fmt::format("must be above 0, is {}", most),
                     "the default is 4");
  }
}

void stage_names_are_distinct(const RunConfig& config, Findings& findings) {
  std::set<std::string> seen;
  for (int i = 0; i < config.recipe().train().stage_size(); ++i) {
    check_name(config.recipe().train().stage(i).name(), stage_path(i, "name"), seen, findings);
  }
}

void stages_have_a_length(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  for (int i = 0; i < train.stage_size(); ++i) {
    const Stage& stage = train.stage(i);
    findings.require(!stage.has_steps() || !stage.has_tokens(), stage_path(i, "tokens"), "is given beside steps",
                     "give one of the two");
    findings.require(!stage.has_steps() || stage.steps() > 0, stage_path(i, "steps"), "must be above 0, is 0",
                     "leave a stage without steps out");
    findings.require(!stage.has_tokens() || stage.tokens() > 0, stage_path(i, "tokens"), "must be above 0, is 0",
                     "leave a stage without tokens out");
    findings.require(stage.has_steps() || stage.has_tokens() || i + 1 == train.stage_size(), stage_path(i, "steps"),
                     "is required, or tokens", "only the last stage may take what remains of num_steps");
  }
}

void stages_fill_the_run(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  const std::uint64_t num_steps = steps_of_stages(config.recipe());
  if (train.stage_size() == 0 || num_steps == 0) return;
  const std::string behind = num_steps < train.num_steps()
                                 ? fmt::format(" behind step {} of the parent", config.recipe().parent().step())
                                 : "";
  const std::vector<std::uint64_t> lengths = stage_steps(config.recipe());
  const Stage& last = *train.stage().rbegin();
  if (!last.has_steps() && !last.has_tokens() && lengths.back() == 0) {
    findings.add(stage_path(train.stage_size() - 1, "steps"),
                 fmt::format("nothing of num_steps {}{} remains for the last stage", train.num_steps(), behind),
                 "raise num_steps, or shorten the stages before");
    return;
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t steps : lengths) {
    if (steps == 0) return;  // a mistake of its own
    // Beyond 2^32 the sum is wrong anyway; it must not wrap round to the right one.
    sum += std::min<std::uint64_t>(steps, std::uint64_t{1} << 32);
  }
  findings.require(
      sum == num_steps, "recipe.train.num_steps",
      fmt::format("is {}, but the stages have {} steps together{}", train.num_steps(), sum, behind),
      fmt::format("set num_steps: {}, or leave the length of the last stage out", sum + train.num_steps() - num_steps));
}

void shares_name_groups(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  std::vector<std::string> known;
  for (const DocumentGroup& group : train.group()) known.push_back(group.name());
  for (int i = 0; i < train.stage_size(); ++i) {
    findings.require(train.stage(i).share_size() > 0, stage_path(i, "share"), "is required",
                     "for example share { group: \"all\" weight: 1 }");
    std::set<std::string> seen;
    for (int j = 0; j < train.stage(i).share_size(); ++j) {
      const std::string& name = train.stage(i).share(j).group();
      const std::string near = nearest_name(name, known);
      findings.require(std::find(known.begin(), known.end(), name) != known.end(), share_path(i, j, "group"),
                       name.empty() ? "is required" : fmt::format("there is no group '{}'", name),
                       near.empty() ? "name a group of the recipe" : fmt::format("did you mean '{}'?", near));
      findings.require(name.empty() || seen.insert(name).second, share_path(i, j, "group"),
                       fmt::format("is given twice: '{}'", name), "a stage has one share of a group");
    }
  }
}

void shares_have_one_size(const RunConfig& config, Findings& findings) {
  const TrainRecipe& train = config.recipe().train();
  for (int i = 0; i < train.stage_size(); ++i) {
    for (int j = 0; j < train.stage(i).share_size(); ++j) {
      const GroupShare& share = train.stage(i).share(j);
      const int given = share.has_weight() + share.has_epochs() + share.has_token_budget();
      findings.require(given == 1, share_path(i, j, "weight"),
                       given == 0 ? "is required, or epochs, or token_budget"
                                  : "is one of weight, epochs and token_budget; several are given",
                       "give one of the three");
      findings.require(!share.has_weight() || share.weight() > 0, share_path(i, j, "weight"),
                       fmt::format("must be above 0, is {}", share.weight()), "leave the share out");
      findings.require(!share.has_epochs() || share.epochs() > 0, share_path(i, j, "epochs"),
                       fmt::format("must be above 0, is {}", share.epochs()), "leave the share out");
      findings.require(
          !share.has_token_budget() || share.token_budget() >= train.sequence_length(),
          share_path(i, j, "token_budget"),
          fmt::format("is less than one sequence of {}: {}", train.sequence_length(), share.token_budget()),
          "leave the share out, or give it more");
    }
  }
}

constexpr Rule kRules[] = {groups_and_stages_come_together,
                           group_names_are_distinct,
                           max_epochs_is_positive,
                           stage_names_are_distinct,
                           stages_have_a_length,
                           stages_fill_the_run,
                           shares_name_groups,
                           shares_have_one_size};

}  // namespace

std::span<const Rule> mixture_rules() { return kRules; }

}  // namespace reprise::configs
