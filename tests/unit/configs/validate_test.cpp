#include <gtest/gtest.h>

#include <limits>

#include "config_text.h"
#include "reprise/configs/config.h"

namespace reprise::configs {
namespace {

constexpr char kHash[] = "2222222222222222222222222222222222222222222222222222222222222222";

/// The options of the native profile, in a config that asks for it.
NativeNumerics& native(RunConfig& config) {
  config.mutable_recipe()->set_numerics("native");
  return *config.mutable_recipe()->mutable_native();
}

CheckpointSchedule& checkpoints(RunConfig& config) {
  return *config.mutable_recipe()->mutable_train()->mutable_checkpoints();
}

/// A size of the batch warm-up.
BatchSize& batch_size(RunConfig& config, std::uint32_t sequences) {
  BatchSize& size = *config.mutable_recipe()->mutable_train()->add_batch_warmup();
  size.set_sequences(sequences);
  return size;
}

/// A whole assembly, and a folder for it.
Assembly& assembly(RunConfig& config) {
  Runtime& runtime = *config.mutable_runtime();
  runtime.set_corpus_dir("corpus");
  runtime.mutable_assembly()->set_recipe("recipe.tsv");
  runtime.mutable_assembly()->set_package_dir("packages");
  return *runtime.mutable_assembly();
}

/// One way to break a rule, and where the mistake must be reported.
struct Case {
  const char* rule;
  void (*break_it)(RunConfig&);
  const char* place;
  const char* says;
};

const Case kCases[] = {
    {"NumbersAreFinite", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_rope_theta(1.0 / 0.0); },
     "recipe.model.rope_theta", "is not a finite number: inf"},
    {"TextsAreUtf8", [](RunConfig& c) { c.mutable_recipe()->mutable_tokenizer()->set_end_of_text("\xc3("); },
     "recipe.tokenizer.end_of_text", "not UTF-8"},
    {"TextsHaveNoControlCharacters", [](RunConfig& c) { c.mutable_runtime()->set_corpus_dir("a\nb"); },
     "runtime.corpus_dir", "control character"},
    {"NameIsGiven", [](RunConfig& c) { c.mutable_recipe()->clear_name(); }, "recipe.name", "is required"},
    {"NameFitsAFolder", [](RunConfig& c) { c.mutable_recipe()->set_name("a/b"); }, "recipe.name",
     "cannot name a folder: 'a/b'"},
    {"NameIsShort", [](RunConfig& c) { c.mutable_recipe()->set_name(std::string(65, 'a')); }, "recipe.name",
     "cannot name a folder"},
    {"NumericsIsKnown", [](RunConfig& c) { c.mutable_recipe()->set_numerics("fast"); }, "recipe.numerics", "'fast'"},
    {"ContractVersionIsKnown", [](RunConfig& c) { c.mutable_recipe()->set_contract_version(2); },
     "recipe.contract_version", "version 1, not 2"},
    {"DataHasAFile", [](RunConfig& c) { c.mutable_recipe()->mutable_data()->clear_file(); }, "recipe.data.file",
     "is required"},
    {"FilePathIsGiven", [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_file(1)->clear_path(); },
     "recipe.data.file[1].path", "is required"},
    {"FilePathIsRelative",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_file(0)->set_path("/etc/x.jsonl"); },
     "recipe.data.file[0].path", "leaves the corpus folder"},
    {"FilePathStaysInside",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_file(0)->set_path("a/../../x.jsonl"); },
     "recipe.data.file[0].path", "leaves the corpus folder"},
    {"FileTypeIsKnown", [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_file(0)->set_path("x.pdf"); },
     "recipe.data.file[0].path", "unknown file type: 'x.pdf'"},
    {"InputPoliciesAreKnown",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_bad_input()->set_long_line("ignore"); },
     "recipe.data.bad_input.long_line", "unknown policy 'ignore'"},
    {"NgramOfMinHashIsInRange",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_minhash_dedup()->set_ngram(0); },
     "recipe.data.minhash_dedup.ngram", "must be from 1 to 100, is 0"},
    {"HashesOfMinHashAreInRange",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_minhash_dedup()->set_buckets(513); },
     "recipe.data.minhash_dedup.buckets", "is 4104"},
    {"DecontaminationNamesFiles",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_decontamination()->set_ngram(8); },
     "recipe.data.decontamination.against", "is required"},
    {"FilesAreDistinct",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_file(1)->set_path("./a.jsonl"); },
     "recipe.data.file[1].path", "is given twice"},
    {"FileHashIsGiven", [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_file(0)->clear_sha256(); },
     "recipe.data.file[0].sha256", "is required"},
    {"FileHashIsSha256",
     [](RunConfig& c) {
       c.mutable_recipe()->mutable_data()->mutable_file(0)->set_sha256(std::string(kHash).substr(1) + "g");
     },
     "recipe.data.file[0].sha256", "64 lower-case hexadecimal digits"},
    {"FileHashIsLowerCase",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_file(0)->set_sha256(std::string(64, 'A')); },
     "recipe.data.file[0].sha256", "64 lower-case hexadecimal digits"},
    {"NormalisationIsKnown", [](RunConfig& c) { c.mutable_recipe()->mutable_data()->set_normalisation("v9"); },
     "recipe.data.normalisation", "'v9'"},
    {"FilterNameIsKnown",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_filter(0)->set_name("gopher_qualitx"); },
     "recipe.data.filter[0].name", "unknown filter 'gopher_qualitx'"},
    {"FilterNameIsGiven", [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_filter(0)->clear_name(); },
     "recipe.data.filter[0].name", "is required"},
    {"FilterPresetIsKnown",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_filter(0)->set_preset("gopher-paper"); },
     "recipe.data.filter[0].preset", "unknown preset 'gopher-paper' of c4"},
    {"DisabledPartsAreKnown",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->mutable_filter(0)->set_disable(0, "c4_terminal"); },
     "recipe.data.filter[0].disable[0]", "c4 has no part 'c4_terminal'"},
    {"FiltersAreDistinct",
     [](RunConfig& c) {
       DataRecipe& data = *c.mutable_recipe()->mutable_data();
       *data.add_filter() = data.filter(0);
     },
     "recipe.data.filter[1]", "given twice"},
    {"HeldOutFractionIsNotNegative",
     [](RunConfig& c) { c.mutable_recipe()->mutable_data()->set_held_out_fraction(-0.1); },
     "recipe.data.held_out_fraction", "-0.1"},
    {"HeldOutFractionIsBelowOne", [](RunConfig& c) { c.mutable_recipe()->mutable_data()->set_held_out_fraction(1); },
     "recipe.data.held_out_fraction", "below 1, is 1"},
    {"HeldOutFractionIsANumber",
     [](RunConfig& c) {
       c.mutable_recipe()->mutable_data()->set_held_out_fraction(std::numeric_limits<double>::quiet_NaN());
     },
     "recipe.data.held_out_fraction", "nan"},
    {"MaxLineBytesIsInRange", [](RunConfig& c) { c.mutable_recipe()->mutable_data()->set_max_line_bytes(0); },
     "recipe.data.max_line_bytes", "is 0"},
    {"VocabularyHoldsTheBytes", [](RunConfig& c) { c.mutable_recipe()->mutable_tokenizer()->set_vocab_size(256); },
     "recipe.tokenizer.vocab_size", "must be from 257 to 65536, is 256"},
    {"VocabularyFitsSixteenBits", [](RunConfig& c) { c.mutable_recipe()->mutable_tokenizer()->set_vocab_size(65537); },
     "recipe.tokenizer.vocab_size", "is 65537"},
    {"PreTokenizerIsKnown", [](RunConfig& c) { c.mutable_recipe()->mutable_tokenizer()->set_pre_tokenizer("x"); },
     "recipe.tokenizer.pre_tokenizer", "'x'"},
    {"EndOfTextIsGiven", [](RunConfig& c) { c.mutable_recipe()->mutable_tokenizer()->set_end_of_text(""); },
     "recipe.tokenizer.end_of_text", "must not be empty"},
    {"MinFrequencyIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_tokenizer()->set_min_frequency(0); },
     "recipe.tokenizer.min_frequency", "must be at least 1"},
    {"HiddenSizeIsInRange", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_hidden_size(0); },
     "recipe.model.hidden_size", "is 0"},
    {"NumLayersIsInRange", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_num_layers(0); },
     "recipe.model.num_layers", "is 0"},
    {"NumHeadsIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_num_heads(0); },
     "recipe.model.num_heads", "must be at least 1"},
    {"HeadsDivideHiddenSize", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_num_heads(3); },
     "recipe.model.num_heads", "must divide hidden_size 128, is 3"},
    {"HeadSizeIsEven", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_num_heads(128); },
     "recipe.model.num_heads", "odd size 1"},
    {"FfnSizeIsInRange", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_ffn_size(0); },
     "recipe.model.ffn_size", "is 0"},
    {"RopeThetaIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_rope_theta(0); },
     "recipe.model.rope_theta", "above 0"},
    {"NormEpsIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_norm_eps(0); },
     "recipe.model.norm_eps", "above 0"},
    {"InitStdIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_init_std(-1); },
     "recipe.model.init_std", "is -1"},
    {"InitCutIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_model()->set_init_cut(0); },
     "recipe.model.init_cut", "above 0"},
    {"SequenceLengthIsInRange", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->set_sequence_length(1); },
     "recipe.train.sequence_length", "is 1"},
    {"BatchSequencesIsInRange", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->set_batch_sequences(0); },
     "recipe.train.batch_sequences", "is 0"},
    {"GrainSequencesIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->set_grain_sequences(0); },
     "recipe.train.grain_sequences", "must be at least 1"},
    {"DeviceIsKnown", [](RunConfig& c) { c.mutable_runtime()->set_device("cuda:99999999999"); }, "runtime.device",
     "must be cpu, cuda or cuda:N"},
    {"GrainDividesBatch", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->set_grain_sequences(3); },
     "recipe.train.grain_sequences", "must divide batch_sequences 16, is 3"},
    {"NumStepsIsGiven", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->clear_num_steps(); },
     "recipe.train.num_steps", "is required"},
    {"NumStepsIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->set_num_steps(0); },
     "recipe.train.num_steps", "must be above 0"},
    {"PeakIsGiven", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->clear_learning_rate(); },
     "recipe.train.learning_rate.peak", "is required"},
    {"PeakIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_peak(-1); },
     "recipe.train.learning_rate.peak", "is -1"},
    {"ShapeOfTheLearningRateIsKnown",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_shape("cosinus"); },
     "recipe.train.learning_rate.shape", "unknown shape 'cosinus'"},
    {"CurveOfTheDecayIsKnown",
     [](RunConfig& c) {
       c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_shape("wsd");
       c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_decay_steps(1);
       c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_decay("sqrt");
     },
     "recipe.train.learning_rate.decay", "unknown curve 'sqrt'"},
    {"WarmUpIsGivenOnce",
     [](RunConfig& c) {
       c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_warmup_steps(1);
       c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_warmup_tokens(1);
     },
     "recipe.train.learning_rate.warmup_tokens", "is given together with warmup_steps"},
    {"InverseSqrtNeedsAWarmUp",
     [](RunConfig& c) {
       c.mutable_recipe()->mutable_train()->mutable_learning_rate()->clear_final_fraction();
       c.mutable_recipe()->mutable_train()->mutable_learning_rate()->clear_warmup_steps();
       c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_shape("inverse_sqrt");
     },
     "recipe.train.learning_rate.shape", "inverse_sqrt needs a warm-up"},
    {"WsdNeedsItsDecay",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_shape("wsd"); },
     "recipe.train.learning_rate.decay_steps", "is required by wsd"},
    {"DecayIsOfWsdAlone",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_decay_steps(5); },
     "recipe.train.learning_rate.decay_steps", "is not read by shape 'cosine'"},
    {"ShapeIsLongerThanTheWarmUp",
     [](RunConfig& c) {
       c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_warmup_steps(9);
       c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_shape_steps(9);
     },
     "recipe.train.learning_rate.shape_steps", "must be above the 9 steps of the warm-up, is 9"},
    {"ListedCheckpointsAreInTheRun",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_checkpoints()->add_step(4000000000u); },
     "recipe.train.checkpoints.step[0]", "is 4000000000"},
    {"StepsForADoublingAreInRange", [](RunConfig& c) { checkpoints(c).set_per_doubling(5); },
     "recipe.train.checkpoints.per_doubling", "must be from 0 to 4, is 5"},
    {"CheckpointsCanBeHeld", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->set_num_steps(400'000'000); },
     "recipe.train.checkpoints", "may be at most 10000000, come to 1000000"},
    {"FinalFractionIsInRange",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_final_fraction(1.5); },
     "recipe.train.learning_rate.final_fraction", "is 1.5"},
    {"Beta1IsInRange", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_adamw()->set_beta1(1); },
     "recipe.train.adamw.beta1", "is 1"},
    {"Beta2IsInRange", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_adamw()->set_beta2(-0.5); },
     "recipe.train.adamw.beta2", "is -0.5"},
    {"EpsilonIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_adamw()->set_epsilon(0); },
     "recipe.train.adamw.epsilon", "is 0"},
    {"WeightDecayIsNotNegative",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_adamw()->set_weight_decay(-1); },
     "recipe.train.adamw.weight_decay", "is -1"},
    {"ParameterGroupsNameTensors",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_adamw()->add_group()->set_weight_decay(0); },
     "recipe.train.adamw.group[0].tensor", "is required"},
    {"GlobsOfAParameterGroupAreNotEmpty",
     [](RunConfig& c) {
       ParameterGroup& group = *c.mutable_recipe()->mutable_train()->mutable_adamw()->add_group();
       group.add_tensor(std::string("*"));
       group.add_tensor("");
       group.set_weight_decay(0);
     },
     "recipe.train.adamw.group[0].tensor[1]", "is empty"},
    {"ParameterGroupsChangeSomething",
     [](RunConfig& c) {
       c.mutable_recipe()->mutable_train()->mutable_adamw()->add_group()->add_tensor(std::string("*"));
     },
     "recipe.train.adamw.group[0].weight_decay", "is required, or learning_rate_scale"},
    {"WeightDecayOfAGroupIsNotNegative",
     [](RunConfig& c) {
       ParameterGroup& group = *c.mutable_recipe()->mutable_train()->mutable_adamw()->add_group();
       group.add_tensor(std::string("*"));
       group.set_weight_decay(-0.5);
     },
     "recipe.train.adamw.group[0].weight_decay", "must not be negative, is -0.5"},
    {"LearningRateScaleIsNotNegative",
     [](RunConfig& c) {
       ParameterGroup& group = *c.mutable_recipe()->mutable_train()->mutable_adamw()->add_group();
       group.add_tensor(std::string("*"));
       group.set_learning_rate_scale(-2);
     },
     "recipe.train.adamw.group[0].learning_rate_scale", "must not be negative, is -2"},
    {"LearningRateStartsWhereTheRunDoes",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_learning_rate()->set_start_step(3); },
     "recipe.train.learning_rate.start_step", "must be at most 0, the step that the run begins with, is 3"},
    {"WindowOfSpikesIsInRange",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_spike_skipping()->set_window(3); },
     "recipe.train.spike_skipping.window", "must be from 4 to 100000, is 3"},
    {"SigmaOfSpikesIsPositive",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_spike_skipping()->set_sigma(0); },
     "recipe.train.spike_skipping.sigma", "must be above 0, is 0"},
    {"SpikesAreOfSomething",
     [](RunConfig& c) {
       c.mutable_recipe()->mutable_train()->mutable_spike_skipping()->set_loss(false);
       c.mutable_recipe()->mutable_train()->mutable_spike_skipping()->set_gradient_norm(false);
     },
     "recipe.train.spike_skipping.loss", "neither the loss nor the gradient norm is watched"},
    {"IntervalOfTheEvaluationIsPositive",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_evaluation()->set_interval(0); },
     "recipe.train.evaluation.interval", "must be at least 1, is 0"},
    {"EvaluationTakesWholeGrains",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_evaluation()->set_sequences(7); },
     "recipe.train.evaluation.sequences", "must be a multiple of grain_sequences 2 above 0, is 7"},
    {"EvaluationTakesSomething",
     [](RunConfig& c) { c.mutable_recipe()->mutable_train()->mutable_evaluation()->set_sequences(0); },
     "recipe.train.evaluation.sequences", "must be a multiple of grain_sequences 2 above 0, is 0"},
    {"WarmUpBatchesAreWholeGrains", [](RunConfig& c) { batch_size(c, 7).set_steps(2); },
     "recipe.train.batch_warmup[0].sequences", "must be a multiple of the 2 sequences of a grain, is 7"},
    {"WarmUpBatchesAreSmaller", [](RunConfig& c) { batch_size(c, 18).set_steps(2); },
     "recipe.train.batch_warmup[0].sequences", "must be from 1 to batch_sequences 16, is 18"},
    {"WarmUpBatchesAreNotEmpty", [](RunConfig& c) { batch_size(c, 0).set_steps(2); },
     "recipe.train.batch_warmup[0].sequences", "must be from 1 to batch_sequences 16, is 0"},
    {"WarmUpBatchesHaveALength", [](RunConfig& c) { batch_size(c, 8); }, "recipe.train.batch_warmup[0].steps",
     "is required, or tokens"},
    {"WarmUpBatchesHaveOneLength",
     [](RunConfig& c) {
       BatchSize& size = batch_size(c, 8);
       size.set_steps(2);
       size.set_tokens(2);
     },
     "recipe.train.batch_warmup[0].steps", "is given beside tokens"},
    {"WarmUpBatchesHaveSteps", [](RunConfig& c) { batch_size(c, 8).set_steps(0); },
     "recipe.train.batch_warmup[0].steps", "must be above 0, is 0"},
    {"WarmUpBatchesHaveTokens", [](RunConfig& c) { batch_size(c, 8).set_tokens(0); },
     "recipe.train.batch_warmup[0].tokens", "must be above 0, is 0"},
    {"BatchWarmUpEndsInTheRun", [](RunConfig& c) { batch_size(c, 8).set_steps(20); }, "recipe.train.batch_warmup",
     "has 20 steps; the run has 20"},
    {"ClipNormIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->set_clip_norm(0); },
     "recipe.train.clip_norm", "is 0"},
    {"ZLossIsNotNegative", [](RunConfig& c) { c.mutable_recipe()->mutable_train()->set_z_loss(-1); },
     "recipe.train.z_loss", "is -1"},
    {"IntervalIsPositive", [](RunConfig& c) { checkpoints(c).set_interval(0); }, "recipe.train.checkpoints.interval",
     "must be at least 1"},
    {"AnchorsAreCheckpoints", [](RunConfig& c) { checkpoints(c).set_interval(5); },
     "recipe.train.checkpoints.anchor_interval", "multiple of interval 5, is 24"},
    {"AnchorsAreClose", [](RunConfig& c) { checkpoints(c).set_anchor_interval(28); },
     "recipe.train.checkpoints.anchor_interval", "must be from 1 to 25, is 28"},
    {"IntervalIsThatOfAnchorsAtMost", [](RunConfig& c) { checkpoints(c).set_interval(1000); },
     "recipe.train.checkpoints.interval", "must be at most 25, is 1000"},
    {"AnchorsExist", [](RunConfig& c) { checkpoints(c).set_anchor_interval(0); },
     "recipe.train.checkpoints.anchor_interval", "must be from 1 to 25, is 0"},
    {"NumCheckpointsIsPositive", [](RunConfig& c) { c.mutable_recipe()->mutable_eval()->set_num_checkpoints(0); },
     "recipe.eval.num_checkpoints", "must be at least 1"},
    {"PairsPerPhenomenonIsInRange",
     [](RunConfig& c) { c.mutable_recipe()->mutable_eval()->set_pairs_per_phenomenon(0); },
     "recipe.eval.pairs_per_phenomenon", "is 0"},
    {"PairsPerPhenomenonAreAsManyAsThereAre",
     [](RunConfig& c) { c.mutable_recipe()->mutable_eval()->set_pairs_per_phenomenon(425); },
     "recipe.eval.pairs_per_phenomenon", "must be from 1 to 424, is 425"},
    {"SuiteHashIsSha256", [](RunConfig& c) { c.mutable_recipe()->mutable_eval()->set_suite_sha256("12"); },
     "recipe.eval.suite_sha256", "'12'"},
    {"NativeBelongsToTheNativeProfile", [](RunConfig& c) { c.mutable_recipe()->mutable_native(); }, "recipe.native",
     "the numerics profile is 'exact'"},
    {"NativeDtypeIsKnown", [](RunConfig& c) { native(c).set_dtype("float16"); }, "recipe.native.dtype", "'float16'"},
    {"NativeThreadsAreInRange", [](RunConfig& c) { native(c).set_threads_per_grain(0); },
     "recipe.native.threads_per_grain", "must be from 1 to 1024, is 0"},
    {"NativeForwardHasAGrain", [](RunConfig& c) { native(c).set_grains_per_forward(0); },
     "recipe.native.grains_per_forward", "0 grains of 2 sequences"},
    {"NativeForwardsDivideTheBatch", [](RunConfig& c) { native(c).set_grains_per_forward(3); },
     "recipe.native.grains_per_forward", "3 grains of 2 sequences do not divide the batch of 16"},
    {"AssemblyHasARecipe", [](RunConfig& c) { assembly(c).clear_recipe(); }, "runtime.assembly.recipe", "is required"},
    {"AssemblyHasPackages", [](RunConfig& c) { assembly(c).clear_package_dir(); }, "runtime.assembly.package_dir",
     "is required"},
    {"AssemblyHasAFolderToFill",
     [](RunConfig& c) {
       assembly(c);
       c.mutable_runtime()->clear_corpus_dir();
     },
     "runtime.corpus_dir", "is required with runtime.assembly"},
    {"NumRanksIsInRange", [](RunConfig& c) { c.mutable_runtime()->set_num_ranks(0); }, "runtime.num_ranks", "is 0"},
    {"NumRanksIsAtMostWhatTheFlagTakes", [](RunConfig& c) { c.mutable_runtime()->set_num_ranks(kMostRanks + 1); },
     "runtime.num_ranks", "must be from 1 to 4096, is 4097"},
    {"NumThreadsIsInRange", [](RunConfig& c) { c.mutable_runtime()->set_num_threads(5000); }, "runtime.num_threads",
     "is 5000"},
};

class ConfigRule : public ::testing::TestWithParam<Case> {};

TEST_P(ConfigRule, FindsTheOneMistake) {
  RunConfig config = parse_config(kGoodConfig, "x");
  ASSERT_TRUE(validate(config).empty());
  GetParam().break_it(config);
  const std::vector<Mistake> mistakes = validate(config);
  bool found = false;
  for (const Mistake& mistake : mistakes) {
    found = found || (mistake.place == GetParam().place && mistake.message.find(GetParam().says) != std::string::npos);
    EXPECT_FALSE(mistake.hint.empty()) << mistake.place;
    // The place is the same field, whichever rule speaks.
    EXPECT_EQ(mistake.place, GetParam().place) << mistake.message;
  }
  EXPECT_TRUE(found) << (mistakes.empty() ? "nothing found" : mistakes.front().message);
}

INSTANTIATE_TEST_SUITE_P(Validate, ConfigRule, ::testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.rule); });

TEST(ConfigRules, AnEmptyConfigLacksNameFilesStepsAndPeak) {
  std::vector<std::string> places;
  for (const Mistake& mistake : validate(RunConfig())) places.push_back(mistake.place);
  const std::vector<std::string> expected{"recipe.name", "recipe.data.file", "recipe.train.num_steps",
                                          "recipe.train.learning_rate.peak"};
  EXPECT_EQ(places, expected);
}

TEST(ConfigRules, TheNativeProfileNeedsNoOptions) {
  RunConfig config = parse_config(kGoodConfig, "x");
  config.mutable_recipe()->set_numerics("native");
  EXPECT_TRUE(validate(config).empty());
}

TEST(ConfigRules, EitherProfileRunsOnAGpu) {
  RunConfig config = parse_config(kGoodConfig, "x");
  config.mutable_runtime()->set_device("cuda:1");
  EXPECT_TRUE(validate(config).empty());
  config.mutable_recipe()->set_numerics("native");
  EXPECT_TRUE(validate(config).empty());
}

}  // namespace
}  // namespace reprise::configs
