// reprise checkpoint export: a folder that Hugging Face's transformers loads.

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint_verbs.h"
#include "json_text.h"
#include "reprise/checkpoints/average.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/output_place.h"
#include "reprise/checkpoints/safetensors.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/parse_json.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "reprise/logs/run_log.h"
#include "reprise/model/schema.h"

namespace reprise::app {
namespace {

using nlohmann::ordered_json;
using std::filesystem::path;

struct ExportFlags {
  path run;
  std::optional<std::uint64_t> step;
  path file;
  path out;
  bool json = false;
};

/// What transformers' Olmo2ForCausalLM wants to know.
ordered_json model_config(const configs::Recipe& recipe, std::int64_t end_of_text) {
  const configs::ModelRecipe& model = recipe.model();
  return {{"architectures", {"Olmo2ForCausalLM"}},
          {"model_type", "olmo2"},
          {"vocab_size", recipe.tokenizer().vocab_size()},
          {"hidden_size", model.hidden_size()},
          {"intermediate_size", model.ffn_size()},
          {"num_hidden_layers", model.num_layers()},
          {"num_attention_heads", model.num_heads()},
          {"num_key_value_heads", model.num_heads()},
          {"hidden_act", "silu"},
          {"max_position_embeddings", recipe.train().sequence_length()},
          {"initializer_range", model.init_std()},
          {"rms_norm_eps", model.norm_eps()},
          {"rope_theta", model.rope_theta()},
          {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", model.rope_theta()}}},
          {"attention_bias", false},
          {"attention_dropout", 0.0},
          {"tie_word_embeddings", false},
          {"bos_token_id", nullptr},
          {"eos_token_id", end_of_text},
          {"pad_token_id", end_of_text},
          {"torch_dtype", "float32"},
          {"use_cache", true}};
}

/// The text of the special token `id` in a tokenizer.json.
std::string special_token(const std::string& tokenizer, std::int64_t id) {
  const ordered_json json = parse_json<ordered_json>(tokenizer);
  for (const ordered_json& token : json.at("added_tokens")) {
    if (token.at("id") == id) return token.at("content").get<std::string>();
  }
  throw Error(ErrorKind::kData, fmt::format("the tokenizer has no added token {}", id));
}

/// `average`: its kind; empty for a checkpoint of the step.
std::map<std::string, std::string> provenance(const checkpoints::CheckpointInfo& info, const std::string& average) {
  std::map<std::string, std::string> metadata = {
      {"format", "pt"},
      {"reprise.root", info.root.hex()},
      {"reprise.step", std::to_string(info.header.step)},
      {"reprise.recipe_hash", info.header.recipe_hash.hex()},
      {"reprise.data_root", info.header.data_root.hex()},
      {"reprise.contract_version", std::to_string(info.header.contract_version)}};
  if (!average.empty()) metadata["reprise.average"] = average;
  return metadata;
}

/// Throws unless the weights and the tokenizer belong to each other: those of the run that its log tells of.
void require_of_run(const path& run, const checkpoints::CheckpointInfo& info, const data::Tokenizer& tokenizer) {
  if (!std::filesystem::exists(run / "run.log")) return;
  const logs::RunHeader header = *logs::read_intact_records(run / "run.log").records.front().header;
  REPRISE_REQUIRE(info.header.data_root == header.data_root, ErrorKind::kCheckpoint,
                  fmt::format("{} was trained on token shards with root {}; the run in {} on those with {}",
                              info.path.string(), info.header.data_root.hex(), run.string(), header.data_root.hex()),
                  "name the run that the checkpoint is of: its tokenizer is exported");
  REPRISE_REQUIRE(tokenizer.digest() == header.tokenizer, ErrorKind::kCheckpoint,
                  fmt::format("the tokenizer in {} has digest {}; the run was trained with {}", run.string(),
                              tokenizer.digest().hex(), header.tokenizer.hex()),
                  "restore tokenizer/tokenizer.json of the run");
}

/// Root and digests of a file hold whatever its tensors are.
void require_model_of_recipe(const checkpoints::LoadedCheckpoint& loaded, const configs::Recipe& recipe) {
  const TensorLayout layout = model::parameter_layout(recipe.model(), recipe.tokenizer().vocab_size(), false);
  const std::optional<std::string> difference = first_difference(layout, loaded.layout);
  REPRISE_REQUIRE(!difference, ErrorKind::kCheckpoint,
                  fmt::format("{} holds another model than its recipe: {}", loaded.info.path.string(), *difference),
                  "use another checkpoint of the run, or copy this one again");
}

void write_json(const path& file, const ordered_json& json) { write_file_atomically(file, json.dump(2) + "\n"); }

/// Without config.json, which is written last, nothing loads the folder: no weights of one model with the config or
/// tokenizer of another, wherever the export ends.
void take_config_away(const path& folder) {
  const path file = folder / "config.json";
  std::error_code error;
  std::filesystem::remove(file, error);
  REPRISE_REQUIRE(!error, ErrorKind::kIo, fmt::format("cannot remove: {}: {}", file.string(), error.message()),
                  system_hint(error.value()));
}

void export_checkpoint(const ExportFlags& flags) {
  REPRISE_REQUIRE(flags.step || !flags.file.empty(), ErrorKind::kUsage,
                  fmt::format("which checkpoint of {}?", flags.run.string()), "give --step N or --checkpoint FILE");
  checkpoints::require_place_of_export(flags.out);
  const path file = flags.step ? checkpoint_file_of_step(flags.run, *flags.step) : flags.file;
  const checkpoints::LoadedCheckpoint loaded = checkpoints::read_model(file);
  const std::string average = checkpoints::stated_recipe(file).value_or(checkpoints::AverageRecipe{}).kind;
  const configs::Recipe recipe = configs::parse_hashed_recipe(
      loaded.info.header.recipe_text, loaded.info.path.string() + ": recipe_text", loaded.info.header.recipe_hash);
  const path tokenizer_file = flags.run / "tokenizer" / "tokenizer.json";
  const data::Tokenizer tokenizer = data::Tokenizer::load(tokenizer_file);
  require_of_run(flags.run, loaded.info, tokenizer);
  require_model_of_recipe(loaded, recipe);
  const std::string tokenizer_text = read_file(tokenizer_file);
  const auto end_of_text = static_cast<std::int64_t>(tokenizer.end_of_text());
  const std::string token = special_token(tokenizer_text, end_of_text);

  make_folders(flags.out);
  const path model_file = flags.out / "model.safetensors";
  checkpoints::write_safetensors(model_file, loaded.layout, loaded.weights, provenance(loaded.info, average),
                                 [&] { take_config_away(flags.out); });
  write_file_atomically(flags.out / "tokenizer.json", tokenizer_text);
  write_json(flags.out / "tokenizer_config.json", {{"tokenizer_class", "PreTrainedTokenizerFast"},
                                                   {"eos_token", token},
                                                   {"pad_token", token},
                                                   {"model_max_length", recipe.train().sequence_length()},
                                                   {"clean_up_tokenization_spaces", false}});
  write_json(flags.out / "config.json", model_config(recipe, end_of_text));
  if (flags.json) {
    ordered_json json = {{"path", flags.out.string()},
                         {"step", loaded.info.header.step},
                         {"root", loaded.info.root.hex()},
                         {"bytes", std::filesystem::file_size(model_file)}};
    if (!average.empty()) json["average"] = average;
    fmt::print("{}\n", json_text(json));
    return;
  }
  fmt::print("{}step {} in {}: model.safetensors, config.json, tokenizer.json, tokenizer_config.json\nroot {}\n",
             average.empty() ? "" : fmt::format("average ({}), highest ", average), loaded.info.header.step,
             flags.out.string(), loaded.info.root.hex());
}

}  // namespace

void add_export_verb(CLI::App& checkpoint) {
  const auto flags = std::make_shared<ExportFlags>();
  CLI::App* verb = checkpoint.add_subcommand("export", "Write a checkpoint for Hugging Face's transformers");
  verb->add_option("RUN", flags->run, "Run folder, such as runs/tiny")->required();
  CLI::Option* step = verb->add_option("--step", flags->step, "Step of the checkpoint");
  verb->add_option("--checkpoint", flags->file, "A file in its place, such as an average")
      ->check(CLI::ExistingFile)
      ->excludes(step);
  verb->add_option("--out", flags->out, "Folder to write")->required();
  verb->add_flag("--json", flags->json, "Print what was written as JSON");
  verb->footer(
      "AutoModelForCausalLM.from_pretrained(DIR) and AutoTokenizer.from_pretrained(DIR) load the folder. Root, step "
      "and\n"
      "recipe hash are in the metadata of model.safetensors.\n\n"
      "Example:\n  reprise checkpoint export runs/tiny --step 1200 --out tiny-1200");
  verb->callback([flags] { export_checkpoint(*flags); });
}

}  // namespace reprise::app
