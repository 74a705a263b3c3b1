#include "reprise/checkpoints/average.h"

#include <algorithm>
#include <cmath>

#include "read_file.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/merkle.h"
#include "write_file.h"

namespace reprise::checkpoints {
namespace {

/// What tensors do not show of the function that a checkpoint's model computes.
std::string function_of(const CheckpointInfo& info) {
  const configs::Recipe recipe = configs::check_config(info.header.recipe_text, info.path.string()).config.recipe();
  return fmt::format("num_heads {}, rope_theta {}, norm_eps {}, document_mask {}", recipe.model().num_heads(),
                     recipe.model().rope_theta(), recipe.model().norm_eps(), recipe.train().document_mask());
}

/// Files that were written before they had a recipe's text are taken at the word of whoever names them.
void require_one_function(const CheckpointInfo& first, const CheckpointInfo& other) {
  if (first.header.recipe_hash == other.header.recipe_hash) return;
  if (first.header.recipe_text.empty() || other.header.recipe_text.empty()) return;
  const std::string a = function_of(first), b = function_of(other);
  REPRISE_REQUIRE(a == b, ErrorKind::kCheckpoint,
                  fmt::format("checkpoints of models that compute differently have no average: {} has {}, {} has {}",
                              first.path.string(), a, other.path.string(), b),
                  "average checkpoints of one run, or of runs whose recipes agree in these fields");
}

void require_one_model(const LoadedCheckpoint& first, const LoadedCheckpoint& other) {
  const auto same = [](const TensorLayout::Entry& a, const TensorLayout::Entry& b) {
    return a.spec.name == b.spec.name && a.spec.shape == b.spec.shape;
  };
  const auto& a = first.layout.entries();
  const auto& b = other.layout.entries();
  REPRISE_REQUIRE(std::equal(a.begin(), a.end(), b.begin(), b.end(), same), ErrorKind::kCheckpoint,
                  fmt::format("checkpoints of different models have no average: {} and {}", first.info.path.string(),
                              other.info.path.string()),
                  "`reprise checkpoint diff` says in which tensor they differ");
  require_one_function(first.info, other.info);
}

double sum_of_weights(const AverageRecipe& recipe) {
  double sum = 0;
  for (const AverageSource& source : recipe.sources) {
    REPRISE_REQUIRE(std::isfinite(source.weight), ErrorKind::kUsage,
                    fmt::format("a weight of an average is no number: {}", source.weight), "give finite weights");
    sum += source.weight;
  }
  REPRISE_REQUIRE(std::isfinite(sum) && sum > 0, ErrorKind::kUsage,
                  fmt::format("the weights of an average come to {}", sum), "give weights with a positive sum");
  return sum;
}

/// The file of a source: it was read there, or computed again by replay of RUN@STEP, which RUN may have stored.
std::filesystem::path file_at(const std::filesystem::path& place, std::uint64_t step) {
  const std::string text = place.string(), end = fmt::format("@{}", step);
  std::error_code ignored;
  if (std::filesystem::exists(place, ignored) || !text.ends_with(end)) return place;
  const std::filesystem::path run = text.substr(0, text.size() - end.size());
  return run / "checkpoints" / file_name(FileKind::kScheduled, step);
}

/// Folders from which a source's place may lead to it. A relative one is said from where the average was made, which is
/// often its own folder or one above; the root decides.
std::vector<std::filesystem::path> folders_for(const AverageSource& source, const std::filesystem::path& average) {
  std::vector<std::filesystem::path> folders{{}};
  if (std::filesystem::path(source.place).is_absolute()) return folders;
  for (std::filesystem::path at = std::filesystem::absolute(average).parent_path();; at = at.parent_path()) {
    folders.push_back(at);
    if (at == at.parent_path()) return folders;
  }
}

/// Sets the place of a source to its file. Returns what is wrong where there is none; empty when it was found.
std::string find_source(AverageSource& source, const std::filesystem::path& average) {
  std::string wrong = "is not there";
  for (const std::filesystem::path& folder : folders_for(source, average)) {
    const std::filesystem::path file = file_at(folder / source.place, source.step);
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) continue;
    try {
      const Digest root = read_info(file).root;
      if (root == source.root) {
        source.place = file.string();
        return {};
      }
      wrong = fmt::format("has root {} by now", root.hex());
    } catch (const Error& error) {  // the right one may be in another folder
      wrong = fmt::format("cannot be read: {}", error.what());
    }
  }
  return wrong;
}

}  // namespace

void add_to_average(std::span<double> sums, std::span<const float> values, double weight) {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += weight * static_cast<double>(values[i]);
}

std::vector<double> ema_weights(std::size_t count, double decay) {
  REPRISE_REQUIRE(decay > 0 && decay < 1, ErrorKind::kUsage, fmt::format("the decay of an average is {}", decay),
                  "give a number between 0 and 1, such as 0.9");
  std::vector<double> weights(count);
  double power = 1;
  for (std::size_t i = count; i-- > 0;) {
    weights[i] = i == 0 ? power : (1 - decay) * power;
    power *= decay;
  }
  return weights;
}

void require_oldest_first(std::span<const std::string> files) {
  std::optional<std::uint64_t> before;
  for (const std::string& file : files) {
    const std::uint64_t step = read_info(file).header.step;
    REPRISE_REQUIRE(!before || *before <= step, ErrorKind::kUsage,
                    fmt::format("--ema takes the oldest checkpoint first: step {} comes behind step {}: {}", step,
                                before.value_or(0), file),
                    "give the checkpoints in ascending order of their steps");
    before = step;
  }
}

Digest average_root(const AverageRecipe& recipe, const Header& header, const TensorLayout& layout,
                    std::span<const Digest> weight_digests) {
  CanonicalHasher hasher("reprise.average.v1");
  hasher.string("kind", recipe.kind).u64("num_sources", recipe.sources.size());
  for (const AverageSource& source : recipe.sources) {
    hasher.digest("root", source.root).u64("step", source.step).f64("weight", source.weight);
  }
  hasher.digest("header", header_hash(header));
  std::vector<Digest> leaves{hasher.finish()};
  const std::vector<Digest> tensors = tensor_digests(layout, weight_digests);
  leaves.insert(leaves.end(), tensors.begin(), tensors.end());
  return merkle_root(leaves);
}

void require_one_line(const std::string& place) {
  REPRISE_REQUIRE(place.find('\n') == std::string::npos, ErrorKind::kUsage,
                  fmt::format("the path of an average's source has a line feed: {}", place),
                  "rename the folder or the file, or average through a symbolic link to it");
}

LoadedAverage average_checkpoints(AverageRecipe recipe) {
  REPRISE_REQUIRE(!recipe.sources.empty(), ErrorKind::kUsage, "an average of nothing",
                  "name checkpoints as RUN@STEP, such as runs/tiny@1176 runs/tiny@1200");
  sum_of_weights(recipe);  // refuses weights that come to nothing before anything is read
  for (const AverageSource& source : recipe.sources) require_one_line(source.place);
  LoadedCheckpoint model;
  std::vector<double> sums;
  for (AverageSource& source : recipe.sources) {
    LoadedCheckpoint loaded = read_checkpoint(source.place);
    source.root = loaded.info.root;
    source.step = loaded.info.header.step;
    if (sums.empty()) {
      sums.assign(loaded.weights.size(), 0.0);
      model.info = loaded.info;
      model.layout = loaded.layout;
    }
    require_one_model(model, loaded);
    add_to_average(sums, loaded.weights, source.weight);
    if (loaded.info.header.step > model.info.header.step) model.info = loaded.info;
  }
  return finish_average(std::move(recipe), model.info, model.layout, sums);
}

LoadedAverage finish_average(AverageRecipe recipe, const CheckpointInfo& info, const TensorLayout& layout,
                             std::span<const double> sums) {
  const double total = sum_of_weights(recipe);
  LoadedAverage average;
  LoadedCheckpoint& model = average.model;
  model.info = info;
  model.layout = layout;
  model.weights.resize(sums.size());
  std::transform(sums.begin(), sums.end(), model.weights.begin(),
                 [&](double sum) { return static_cast<float>(sum / total); });
  // Padding is zero in every source, and 0 * w / total is 0.
  model.digests.weights = chunk_digests(model.layout, {0, model.layout.num_chunks()}, model.weights);
  model.info.has_moments = false;
  model.info.anchor.reset();
  model.info.root = average_root(recipe, model.info.header, model.layout, model.digests.weights);
  average.recipe = std::move(recipe);
  return average;
}

Digest write_average(const std::filesystem::path& path, const LoadedAverage& average) {
  const LoadedCheckpoint& model = average.model;
  StateView view;
  view.weights = model.weights;
  view.slice = {0, model.layout.num_chunks()};
  FileContent content{model.info.header, model.layout, model.digests, view, model.info.root};
  content.average = &average.recipe;
  replace_file(path, content, [](const std::filesystem::path& temporary) { read_average(temporary); });
  return model.info.root;
}

bool is_average(const std::filesystem::path& path) { return stated_recipe(path).has_value(); }

std::optional<AverageRecipe> stated_recipe(const std::filesystem::path& path) {
  const Hdf5Lock lock;
  FileReader reader(path);
  reader.read_header();
  return reader.average();
}

LoadedAverage read_average(const std::filesystem::path& path) {
  const Hdf5Lock lock;
  FileReader reader(path);
  reader.read_description();
  REPRISE_REQUIRE(reader.average(), ErrorKind::kCheckpoint, fmt::format("not an average: {}", path.string()),
                  "`reprise checkpoint average` makes them");
  LoadedAverage average{*reader.average(), {}};
  average.model.weights = reader.read_part(kParts[0]);
  average.model.info = reader.info();
  average.model.layout = reader.layout();
  average.model.digests = reader.digests();
  return average;
}

Recomputation recompute(const LoadedAverage& average) {
  AverageRecipe recipe = average.recipe;
  for (AverageSource& source : recipe.sources) {
    const std::string wrong = find_source(source, average.model.info.path);
    if (wrong.empty()) continue;
    const bool is_relative = !std::filesystem::path(source.place).is_absolute();
    return {false, fmt::format("step {} with root {} {}: {}{}", source.step, source.root.hex(), wrong, source.place,
                               is_relative ? ", neither from here nor from a folder above the average" : "")};
  }
  const LoadedAverage again = average_checkpoints(std::move(recipe));
  return {again.model.digests.weights == average.model.digests.weights, {}};
}

LoadedCheckpoint read_model(const std::filesystem::path& path) {
  return is_average(path) ? read_average(path).model : read_checkpoint(path);
}

}  // namespace reprise::checkpoints
