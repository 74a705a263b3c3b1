#include "reprise/train/parameter_groups.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "reprise/core/error.h"
#include "reprise/core/nearest_name.h"
#include "reprise/data_pipeline/document_groups.h"

namespace reprise::train {
namespace {

/// The group that has `tensor`: the first with a glob that fits.
std::optional<int> group_of(const configs::AdamW& recipe, const std::string& tensor) {
  for (int i = 0; i < recipe.group_size(); ++i) {
    const auto& globs = recipe.group(i).tensor();
    const auto fits = [&](const std::string& glob) { return data::matches_pattern(glob, tensor); };
    if (std::any_of(globs.begin(), globs.end(), fits)) return i;
  }
  return std::nullopt;
}

/// "model.layers.11.mlp.up_proj.weight" as the glob "model.layers.*.mlp.up_proj.weight" of all layers.
std::string of_all_layers(const std::string& name) {
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  std::string glob;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool number = is_digit(name[i]) && i > 0 && (name[i - 1] == '.' || glob.back() == '*');
    if (!number) {
      glob.push_back(name[i]);
    } else if (glob.back() != '*') {
      glob.push_back('*');
    }
  }
  return glob;
}

void add_once(std::vector<std::string>& globs, const std::string& glob) {
  if (std::find(globs.begin(), globs.end(), glob) == globs.end()) globs.push_back(glob);
}

/// The tensors, those of all layers as one glob.
std::vector<std::string> tensor_names(const TensorLayout& layout) {
  std::vector<std::string> names;
  for (const TensorLayout::Entry& entry : layout.entries()) add_once(names, of_all_layers(entry.spec.name));
  return names;
}

/// Globs that somebody may have meant: each name, and each of its ends behind a dot.
std::vector<std::string> known_globs(const TensorLayout& layout) {
  std::vector<std::string> globs;
  for (const std::string& name : tensor_names(layout)) {
    add_once(globs, name);
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
      add_once(globs, fmt::format("*{}", name.substr(dot)));
      add_once(globs, fmt::format("*{}", name.substr(dot + 1)));
    }
  }
  return globs;
}

void require_tensors(const configs::AdamW& recipe, const TensorLayout& layout) {
  std::string wrong;
  std::string hint;
  for (int i = 0; i < recipe.group_size(); ++i) {
    for (int j = 0; j < recipe.group(i).tensor_size(); ++j) {
      const std::string& glob = recipe.group(i).tensor(j);
      const auto fits = [&](const TensorLayout::Entry& entry) { return data::matches_pattern(glob, entry.spec.name); };
      if (std::any_of(layout.entries().begin(), layout.entries().end(), fits)) continue;
      wrong += fmt::format("{}recipe.train.adamw.group[{}].tensor[{}] names no tensor of the model: '{}'",
                           wrong.empty() ? "" : "\n", i, j, glob);
      const std::string near = nearest_name(glob, known_globs(layout));
      if (!near.empty()) hint += fmt::format("{}did you mean '{}'?", hint.empty() ? "" : " ", near);
    }
  }
  if (wrong.empty()) return;
  if (hint.empty()) hint = fmt::format("the model's tensors are {}", fmt::join(tensor_names(layout), ", "));
  throw Error(ErrorKind::kConfig, wrong, hint);
}

}  // namespace

std::vector<TensorUpdate> tensor_updates(const configs::AdamW& recipe, const TensorLayout& layout) {
  require_tensors(recipe, layout);
  std::vector<TensorUpdate> updates;
  for (const TensorLayout::Entry& entry : layout.entries()) {
    TensorUpdate update;
    update.group = group_of(recipe, entry.spec.name);
    double decay = entry.spec.weight_decay ? recipe.weight_decay() : 0;
    if (update.group) {
      const configs::ParameterGroup& group = recipe.group(*update.group);
      // A decay that a group states holds for the embedding too.
      if (group.has_weight_decay()) decay = group.weight_decay();
      update.learning_rate_scale = group.learning_rate_scale();
    }
    update.weight_decay = static_cast<float>(decay);
    updates.push_back(update);
  }
  return updates;
}

}  // namespace reprise::train
