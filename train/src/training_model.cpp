#include "training_model.h"

#include <algorithm>

#include "between_gpus.h"
#include "reprise/configs/profile.h"
#include "reprise/core/large_memory.h"
#include "reprise/model/gradient_sink.h"
#include "reprise/model/schema.h"
#include "reprise/native_ops/cpu.h"

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

}  // namespace

TrainingModel::TrainingModel(const configs::Recipe& recipe, const ComputeSettings& settings, ThreadPool& threads,
                             dist::Communicator& communicator)
    : recipe_(step_recipe(recipe)),
      plan_(recipe.train()),
      threads_(threads),
      communicator_(communicator),
      layout_(model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(),
                                      recipe.train().adamw().decay_embeddings())),
      is_native_(configs::is_native(recipe)) {
  find_device(recipe, settings);
  resize_large(state_.weights, static_cast<std::size_t>(layout_.num_elements()));
  state_.slice = chunk_slice(layout_.num_chunks(), communicator.rank(), communicator.size());
  model::DeviceWeights device_weights;
  if (device_) {
    const bool shared = communicator.size() > 1 && !exchanges_between_gpus(*device_, communicator);
    device_state_ = std::make_unique<DeviceState>(*device_, layout_, state_.slice, shared);
    device_weights = {device_.get(), device_state_->weights()};
  }
  decoder_ = std::make_unique<model::Decoder>(
      recipe.model(), recipe.tokenizer().vocab_size(), recipe_.sequence_length(), layout_, state_.weights,
      native_profile(recipe), configs::document_end(recipe), settings.recompute_layers, device_weights);
  settings_.grains_per_forward = settings.grains_per_forward;
  // A device keeps gradients whole where nobody else needs them.
  const bool whole = device_ && communicator.size() == 1;
  const std::int64_t bucket_bytes = whole ? 0 : settings.bucket_kib * 1024;
  settings_.parts = model::gradient_parts(layout_, bucket_bytes / static_cast<std::int64_t>(sizeof(float)));
  settings_.on_device = device_state_.get();
  settings_.weights_changed = [this] {
    decoder_->weights_changed();
    if (device_state_ && device_state_->is_shared()) device_state_->host_has_all_weights();
  };
  if (configs::is_native(recipe)) settings_.grains_per_forward = 1;
  choose_grain_threads(recipe);
  make_runner(plan_.sequences(1));
}

std::string TrainingModel::device_description() const {
  if (native_device_) return native_device_->description;
  if (device_) return device_->description();
  return is_native_ ? native_ops::cpu_description() : "cpu";
}

void TrainingModel::find_device(const configs::Recipe& recipe, const ComputeSettings& settings) {
  const std::string& name = settings.device;
  if (name == "cpu") return;
  const bool native = configs::is_native(recipe);
  const auto order = native ? numerics::WorkOrder::kLibTorch : numerics::WorkOrder::kOwn;
  device_ = settings.find_device ? settings.find_device(name, order) : find_gpu(name, communicator_, order);
  if (!native) return;
  native_device_ =
      settings.find_native_device ? settings.find_native_device(name) : find_native_gpu(name, communicator_);
}

std::optional<model::NativeProfile> TrainingModel::native_profile(const configs::Recipe& recipe) const {
  if (!configs::is_native(recipe)) return std::nullopt;
  return model::NativeProfile(recipe.native(), native_device_ ? native_device_->name : "");
}

void TrainingModel::choose_grain_threads(const configs::Recipe& recipe) {
  int num_threads = threads_.num_threads();
  if (device_) {
    num_threads = 1;  // at a time may use it
  } else if (configs::is_native(recipe)) {
    num_threads = std::max(1, num_threads / static_cast<int>(recipe.native().threads_per_grain()));
  }
  grain_threads_ = &threads_;
  if (num_threads == threads_.num_threads()) return;
  own_threads_ = std::make_unique<ThreadPool>(num_threads);
  grain_threads_ = own_threads_.get();
}

void TrainingModel::make_runner(std::uint32_t batch_sequences) {
  const std::int64_t grain_sequences = recipe_.grain_sequences();
  const std::int64_t length = recipe_.sequence_length();
  const auto z_weight = static_cast<float>(recipe_.z_loss());
  const RunGrains run_grains = [decoder = decoder_.get(), grain_sequences, length, z_weight](
                                   std::span<const std::int32_t> inputs, std::span<const std::int32_t> targets,
                                   model::GradientSink& sink) {
    const auto num_sequences = static_cast<std::int64_t>(sink.num_grains()) * grain_sequences;
    return decoder->run_grains(inputs, targets, num_sequences, length, z_weight, sink);
  };
  runner_.reset();  // its gradients are not needed beside those of the next one
  decoder_->forget_passes();
  runner_ = std::make_unique<StepRunner>(recipe_, batch_sequences, layout_, run_grains, settings_, *grain_threads_,
                                         threads_, communicator_);
  runner_sequences_ = batch_sequences;
}

/// The slices of ranks are cut from the parameters alone, so that moments stay where they are.
void TrainingModel::prepare_step(std::uint64_t step) {
  const std::uint32_t sequences = plan_.sequences(step);
  if (sequences != runner_sequences_) make_runner(sequences);
}

const TrainingState& TrainingModel::state() const {
  if (device_state_) device_state_->store(state_);
  return state_;
}

const TrainingState& TrainingModel::state_of_slice() const {
  if (device_state_) device_state_->store_slice(state_);
  return state_;
}

TrainingState& TrainingModel::state_to_change() {
  if (device_state_) {
    device_state_->store(state_);
    device_state_->host_changes();
  }
  decoder_->weights_changed();
  return state_;
}

StepOutcome TrainingModel::run_step(std::uint64_t step, const Batch& batch) {
  if (device_state_) device_state_->load(state_);
  return runner_->run(step, batch, state_);
}

const model::Decoder& TrainingModel::decoder() const {
  if (device_state_) device_state_->load(state_);
  return *decoder_;
}

void TrainingModel::initialize(const RunIdentity& identity) {
  TrainingState& state = state_to_change();
  checkpoints::Header& header = state.header;
  header.seed = identity.recipe.seed();
  header.contract_version = identity.recipe.contract_version();
  header.recipe_hash = identity.recipe_hash;
  header.data_root = identity.data_root;
  header.recipe_text = identity.recipe_text;
  model::initialize_parameters(layout_, identity.recipe.model(), identity.recipe.seed(), state.weights);
  const auto slice_elements = static_cast<std::size_t>(state.slice.size() * kChunkElements);
  for (std::vector<float>* moments : {&state.first_moments, &state.second_moments}) {
    moments->clear();
    resize_large(*moments, slice_elements);
  }
  digest();
}

}  // namespace reprise::train
