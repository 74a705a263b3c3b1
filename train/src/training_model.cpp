#include "training_model.h"

#include <algorithm>

#include "reprise/configs/profile.h"
#include "reprise/core/large_memory.h"
#include "reprise/model/gradient_sink.h"
#include "reprise/model/schema.h"

namespace reprise::train {
namespace {

/// Makes `values` larger, with zeros, on huge pages.
void resize_large(std::vector<float>& values, std::size_t count) {
  values.reserve(count);
  advise_huge_pages(values.data(), count * sizeof(float));
  values.resize(count);
}

/// The recipe of the step: under native its grain is all that one forward pass takes, for that has one gradient.
configs::TrainRecipe step_recipe(const configs::Recipe& recipe) {
  configs::TrainRecipe train = recipe.train();
  train.set_grain_sequences(configs::sequences_per_leaf(recipe));
  return train;
}

std::optional<configs::NativeNumerics> native_numerics(const configs::Recipe& recipe) {
  if (!configs::is_native(recipe)) return std::nullopt;
  return recipe.native();
}

}  // namespace

TrainingModel::TrainingModel(const configs::Recipe& recipe, const ComputeSettings& settings, ThreadPool& threads,
                             dist::Communicator& communicator)
    : layout_(model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(),
                                      recipe.train().adamw().decay_embeddings())) {
  const configs::TrainRecipe train = step_recipe(recipe);
  resize_large(state_.weights, static_cast<std::size_t>(layout_.num_elements()));
  decoder_ = std::make_unique<model::Decoder>(recipe.model(), recipe.tokenizer().vocab_size(), train.sequence_length(),
                                              layout_, state_.weights, native_numerics(recipe),
                                              configs::document_end(recipe), settings.recompute_layers);
  const std::int64_t grain_sequences = train.grain_sequences();
  const std::int64_t length = train.sequence_length();
  const auto z_weight = static_cast<float>(train.z_loss());
  const RunGrains run_grains = [decoder = decoder_.get(), grain_sequences, length, z_weight](
                                   std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                                   model::GradientSink& sink) {
    const auto num_sequences = static_cast<std::int64_t>(sink.num_grains()) * grain_sequences;
    return decoder->run_grains(inputs, targets, num_sequences, length, z_weight, sink);
  };
  StepSettings step_settings;
  step_settings.grains_per_forward = settings.grains_per_forward;
  step_settings.parts =
      model::gradient_parts(layout_, settings.bucket_kib * 1024 / static_cast<std::int64_t>(sizeof(float)));
  grain_threads_ = &threads;
  if (configs::is_native(recipe)) {
    step_settings.grains_per_forward = 1;
    const int threads_per_grain = static_cast<int>(recipe.native().threads_per_grain());
    if (threads_per_grain > 1) {
      native_threads_ = std::make_unique<ThreadPool>(std::max(1, threads.num_threads() / threads_per_grain));
      grain_threads_ = native_threads_.get();
    }
  }
  runner_ =
      std::make_unique<StepRunner>(train, layout_, run_grains, step_settings, *grain_threads_, threads, communicator);
  state_.slice = runner_->slice();
}

void TrainingModel::initialize(const RunIdentity& identity) {
  checkpoints::Header& header = state_.header;
  header.seed = identity.recipe.seed();
  header.contract_version = identity.recipe.contract_version();
  header.recipe_hash = identity.recipe_hash;
  header.data_root = identity.data_root;
  header.recipe_text = identity.recipe_text;
  model::initialize_parameters(layout_, identity.recipe.model(), identity.recipe.seed(), state_.weights);
  const auto slice_elements = static_cast<std::size_t>(state_.slice.size() * kChunkElements);
  for (std::vector<float>* moments : {&state_.first_moments, &state_.second_moments}) {
    moments->clear();
    resize_large(*moments, slice_elements);
  }
  runner_->digest(state_);
}

}  // namespace reprise::train
