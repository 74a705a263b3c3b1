// Averages: one order, one rounding, and a file whose root commits to what it is made of.

#include "reprise/checkpoints/average.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "chain_folder.h"
#include "reprise/checkpoints/difference.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/checkpoints/output_place.h"
#include "reprise/checkpoints/safetensors.h"
#include "reprise/checkpoints/storage.h"

namespace reprise::checkpoints {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AverageTest : public ::testing::Test {
 protected:
  AverageRecipe recipe_of(const std::vector<std::uint64_t>& steps, std::vector<double> weights = {}) const {
    AverageRecipe recipe{weights.empty() ? "uniform" : "weighted", {}};
    weights.resize(steps.size(), 1.0);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      recipe.sources.push_back({{}, steps[i], weights[i], chain_.file(steps[i]).string()});
    }
    return recipe;
  }
  std::filesystem::path out() const { return chain_.path() / "average.h5"; }

  ChainFolder chain_;
};

TEST_F(AverageTest, IsTheSumInOrderInBinary64DividedByTheSumOfWeightsAndRoundedOnce) {
  const LoadedAverage average = average_checkpoints(recipe_of({2, 6, 8}, {0.5, 0.25, 3}));
  const SampleState a = ChainFolder::state_of(2);
  const SampleState b = ChainFolder::state_of(6);
  const SampleState c = ChainFolder::state_of(8);
  for (std::size_t i = 0; i < a.weights.size(); ++i) {
    double sum = 0.5 * static_cast<double>(a.weights[i]);
    sum += 0.25 * static_cast<double>(b.weights[i]);
    sum += 3.0 * static_cast<double>(c.weights[i]);
    ASSERT_EQ(average.model.weights[i], static_cast<float>(sum / 3.75)) << i;
  }
}

TEST_F(AverageTest, OfOneCheckpointIsThatCheckpoint) {
  EXPECT_EQ(average_checkpoints(recipe_of({6})).model.weights, ChainFolder::state_of(6).weights);
}

TEST_F(AverageTest, RootCommitsToSourcesOrderWeightsAndKind) {
  const Digest root = average_checkpoints(recipe_of({2, 6})).model.info.root;
  EXPECT_EQ(average_checkpoints(recipe_of({2, 6})).model.info.root, root);
  EXPECT_NE(average_checkpoints(recipe_of({6, 2})).model.info.root, root);
  EXPECT_NE(average_checkpoints(recipe_of({2, 6}, {2, 2})).model.info.root, root);
  AverageRecipe other = recipe_of({2, 6});
  other.kind = "ema";
  EXPECT_NE(average_checkpoints(other).model.info.root, root);
}

TEST_F(AverageTest, FileGivesBackRecipeHeaderAndWeights) {
  const LoadedAverage made = average_checkpoints(recipe_of({2, 8, 6}, {1, 2, 3}));
  EXPECT_EQ(write_average(out(), made), made.model.info.root);
  const LoadedAverage read = read_average(out());
  EXPECT_EQ(read.model.weights, made.model.weights);
  EXPECT_EQ(read.model.info.root, made.model.info.root);
  EXPECT_EQ(read.model.info.header.step, 8u) << "the header is that of the highest step";
  EXPECT_EQ(read.model.info.header.recipe_text, made.model.info.header.recipe_text);
  EXPECT_EQ(read.recipe.kind, "weighted");
  ASSERT_EQ(read.recipe.sources.size(), 3u);
  EXPECT_EQ(read.recipe.sources[1].step, 8u);
  EXPECT_EQ(read.recipe.sources[1].weight, 2.0);
  EXPECT_EQ(read.recipe.sources[1].root, read_info(chain_.file(8)).root);
  EXPECT_EQ(read.recipe.sources[1].place, chain_.file(8).string());
}

TEST_F(AverageTest, SameAverageHasTheSameBytesFromWholeFilesAndFromDifferences) {
  write_average(out(), average_checkpoints(recipe_of({2, 6})));
  const std::string bytes = read_file(out());
  pack_checkpoints(chain_.path(), false, [](std::size_t, std::size_t) { return true; });
  write_average(out(), average_checkpoints(recipe_of({2, 6})));
  EXPECT_EQ(read_file(out()), bytes);
}

TEST_F(AverageTest, OfTwoWritersAtOnceIsWhole) {
  const LoadedAverage average = average_checkpoints(recipe_of({2, 6}));
  write_average(out(), average);
  const std::string bytes = read_file(out());
  const auto write = [&] {
    for (int i = 0; i < 3; ++i) EXPECT_NO_THROW(write_average(out(), average));
  };
  std::thread other(write);
  write();
  other.join();
  EXPECT_EQ(read_file(out()), bytes);
  EXPECT_FALSE(std::filesystem::exists(partial_path(out())));
}

TEST_F(AverageTest, IsNoCheckpointOfARun) {
  write_average(chain_.file(12), average_checkpoints(recipe_of({2, 6})));
  EXPECT_THROW(read_checkpoint(chain_.file(12)), Error);
  EXPECT_EQ(list_checkpoints(chain_.path()).back().header.step, 8u);
  EXPECT_EQ(find_resumable(chain_.path()).checkpoint->header.step, 4u);
  EXPECT_TRUE(is_average(chain_.file(12)));
  EXPECT_FALSE(is_average(chain_.file(8)));
}

TEST_F(AverageTest, ModelIsReadFromEitherKindOfFile) {
  const LoadedAverage made = average_checkpoints(recipe_of({2, 6}));
  write_average(out(), made);
  EXPECT_EQ(read_model(out()).weights, made.model.weights);
  EXPECT_EQ(read_model(chain_.file(6)).weights, ChainFolder::state_of(6).weights);
}

TEST_F(AverageTest, DiffersFromACheckpointInItsWeightsAlone) {
  write_average(out(), average_checkpoints(recipe_of({6})));
  EXPECT_FALSE(first_difference(read_model(out()), read_model(out())));
  EXPECT_FALSE(first_difference(read_model(out()), read_model(chain_.file(6))));
  const std::optional<Difference> found = first_difference(read_model(chain_.file(8)), read_model(out()));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->where, Difference::Where::kWeights);
}

TEST_F(AverageTest, AChangedWeightOfTheRecipeBreaksTheRoot) {
  write_average(out(), average_checkpoints(recipe_of({2, 6}, {0.625, 0.375})));
  std::string bytes = read_file(out());
  const double stored[2] = {0.625, 0.375};
  const std::size_t place = bytes.find(std::string_view(reinterpret_cast<const char*>(stored), sizeof stored));
  ASSERT_NE(place, std::string::npos);
  bytes[place + 6] ^= 1;
  write_file_atomically(out(), bytes);
  try {
    read_average(out());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
    EXPECT_THAT(error.what(), HasSubstr("header and digests give root"));
  }
}

TEST_F(AverageTest, WhatItsSourcesDoNotGiveIsFoundThoughItsRootIsRight) {
  LoadedAverage forged = average_checkpoints(recipe_of({2, 6}));
  EXPECT_TRUE(recompute(forged).same);
  forged.model.weights[5] = std::nextafter(forged.model.weights[5], 1.0f);
  forged.model.digests.weights =
      chunk_digests(forged.model.layout, {0, forged.model.layout.num_chunks()}, forged.model.weights);
  forged.model.info.root =
      average_root(forged.recipe, forged.model.info.header, forged.model.layout, forged.model.digests.weights);
  write_average(out(), forged);
  const Recomputation again = recompute(read_average(out()));
  EXPECT_FALSE(again.same);
  EXPECT_EQ(again.missing, "");
}

TEST_F(AverageTest, SourceThatIsAnotherFileByNowIsMissing) {
  const LoadedAverage made = average_checkpoints(recipe_of({2, 6}));
  std::filesystem::copy_file(chain_.file(8), chain_.file(6), std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(recompute(made).missing, HasSubstr("step 6 with root "));
  EXPECT_THAT(recompute(made).missing, HasSubstr("has root " + read_info(chain_.file(8)).root.hex() + " by now"));
  std::filesystem::remove(chain_.file(6));
  EXPECT_THAT(recompute(made).missing, HasSubstr("is not there"));
}

TEST_F(AverageTest, SourceOfAReplayIsFoundWhereTheRunStoresItsStep) {
  LoadedAverage made = average_checkpoints(recipe_of({2, 6}));
  const std::filesystem::path run = chain_.path() / "run";
  std::filesystem::create_directory(run);
  std::filesystem::create_directory_symlink(chain_.path(), run / "checkpoints");
  for (AverageSource& source : made.recipe.sources) source.place = fmt::format("{}@{}", run.string(), source.step);
  EXPECT_TRUE(recompute(made).same) << recompute(made).missing;
  std::filesystem::remove(chain_.file(6));
  EXPECT_THAT(recompute(made).missing, HasSubstr("is not there: " + run.string() + "@6"));
}

TEST_F(AverageTest, SourceOfARelativePlaceIsFoundFromTheFoldersAboveTheAverage) {
  const std::filesystem::path below = chain_.path() / "averages" / "of-two";
  std::filesystem::create_directories(below);
  LoadedAverage made = average_checkpoints(recipe_of({2, 6}));
  for (AverageSource& source : made.recipe.sources) {
    source.place = std::filesystem::path(source.place).lexically_relative(chain_.path()).string();
  }
  write_average(below / "soup.h5", made);
  EXPECT_TRUE(recompute(read_average(below / "soup.h5")).same);
  std::filesystem::copy_file(chain_.file(8), below / "step-000006.h5");
  EXPECT_TRUE(recompute(read_average(below / "soup.h5")).same) << "a file of another root is not the source";
  std::filesystem::remove(chain_.file(2));
  EXPECT_THAT(recompute(read_average(below / "soup.h5")).missing, HasSubstr("is not there: step-000002.h5, neither"));
}

TEST_F(AverageTest, CheckpointsOfDifferentModelsHaveNone) {
  const SampleState other(9, TensorLayout({{"model.embed_tokens.weight", {40, 300}, true}}));
  other.write(chain_.path(), false, *dist::make_local_communicator());
  EXPECT_THROW(average_checkpoints(recipe_of({2, 9})), Error);
}

TEST_F(AverageTest, CheckpointsOfModelsThatComputeDifferentlyHaveNoneThoughTheirTensorsAgree) {
  const auto write = [&](std::uint64_t step, const std::string& recipe) {
    SampleState state = ChainFolder::state_of(step);
    state.header.recipe_text = recipe;
    state.header.recipe_hash = sha256(recipe);
    state.write(chain_.path(), false, *dist::make_local_communicator());
  };
  write(10, "recipe { model { num_heads: 4 } }");
  write(12, "recipe { seed: 3 model { num_heads: 4 init_std: 0.1 } }");
  EXPECT_NO_THROW(average_checkpoints(recipe_of({10, 12})));
  for (const char* changed : {"model { num_heads: 8 }", "model { rope_theta: 10000 }", "model { norm_eps: 1e-5 }",
                              "train { document_mask: true }"}) {
    write(14, fmt::format("recipe {{ {} }}", changed));
    try {
      average_checkpoints(recipe_of({10, 14}));
      ADD_FAILURE() << changed;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
      EXPECT_THAT(error.what(), HasSubstr(chain_.file(14).string() + " has num_heads "));
    }
  }
  write(14, "");
  EXPECT_NO_THROW(average_checkpoints(recipe_of({10, 14}))) << "of a version that stored no text";
}

TEST_F(AverageTest, RefusesWeightsThatComeToNothing) {
  EXPECT_THROW(average_checkpoints(recipe_of({2, 6}, {1, -1})), Error);
  EXPECT_THROW(average_checkpoints(recipe_of({2, 6}, {std::nan(""), 1})), Error);
  EXPECT_THROW(average_checkpoints(recipe_of({})), Error);
}

/// The error with which a call ends; empty when it ends well.
template <typename Call>
std::string refusal(const Call& call) {
  try {
    call();
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(error.hint(), "");
    return error.what();
  }
}

TEST_F(AverageTest, RefusesASourceWhosePathHasALineFeed) {
  const std::filesystem::path odd = chain_.path() / "we\nird.h5";
  std::filesystem::copy_file(chain_.file(6), odd);
  AverageRecipe recipe = recipe_of({2, 6});
  recipe.sources[1].place = odd.string();
  try {
    average_checkpoints(recipe);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("has a line feed"));
  }
}

TEST_F(AverageTest, ReplacesAnAverageAndNoOtherFile) {
  const auto refused = [](const std::filesystem::path& out) { return refusal([&] { require_place_of_average(out); }); };
  EXPECT_EQ(refused(out()), "");
  write_average(out(), average_checkpoints(recipe_of({2, 6})));
  EXPECT_EQ(refused(out()), "");
  EXPECT_THAT(refused(chain_.file(8)), HasSubstr("would replace a file that is not an average"));
  write_file_atomically(chain_.path() / "manifest.json", "{}");
  EXPECT_THAT(refused(chain_.path() / "manifest.json"), HasSubstr("not an average"));
  EXPECT_THAT(refused(chain_.path()), HasSubstr("not an average")) << "a folder";
  std::filesystem::create_symlink("nowhere", chain_.path() / "link");
  EXPECT_THAT(refused(chain_.path() / "link"), HasSubstr("not an average"));
}

TEST_F(AverageTest, IsNotWrittenAmongTheCheckpointsOfARun) {
  const std::filesystem::path folder = chain_.path() / "checkpoints";
  std::filesystem::create_directory(folder);
  const auto refused = [&](const std::filesystem::path& place) {
    return refusal([&] { require_place_of_average(place / "soup.h5"); });
  };
  EXPECT_EQ(refused(folder), "") << "a folder of no run";
  write_file_atomically(chain_.path() / "run.log", "");
  EXPECT_THAT(refused(folder), HasSubstr("among the checkpoints of the run"));
  EXPECT_THAT(refused(folder / ".." / "checkpoints"), HasSubstr("among the checkpoints of the run"));
  EXPECT_EQ(refused(chain_.path()), "");
}

TEST_F(AverageTest, AnExportIsNotWrittenIntoAFolderOfARun) {
  const auto refused = [&](const std::filesystem::path& out) { return refusal([&] { require_place_of_export(out); }); };
  EXPECT_EQ(refused(chain_.path() / "tokenizer"), "") << "a folder of no run";
  write_file_atomically(chain_.path() / "run.log", "");
  EXPECT_THAT(refused(chain_.path() / "tokenizer"), HasSubstr("--out is the folder tokenizer of the run"));
  EXPECT_THAT(refused(chain_.path() / "x" / ".." / "checkpoints"), HasSubstr("the folder checkpoints of the run"));
  EXPECT_EQ(refused(chain_.path() / "hf"), "");
}

TEST_F(AverageTest, AnExportReplacesAnExportAndNoOtherModel) {
  const std::filesystem::path out = chain_.path() / "hf";
  const auto refused = [&] { return refusal([&] { require_place_of_export(out); }); };
  EXPECT_EQ(refused(), "");
  make_folders(out);
  EXPECT_EQ(refused(), "");
  write_file_atomically(out / "config.json", R"({"model_type": "gpt_neox"})");
  EXPECT_THAT(refused(), HasSubstr("would replace config.json in a folder that is no export"));
  const auto write_model = [&](const char* root) {
    write_safetensors(out / "model.safetensors", sample_layout(), SampleState().weights, {{root, "00ff"}});
  };
  write_model("some.root");
  EXPECT_THAT(refused(), HasSubstr("would replace model.safetensors"));
  write_model("reprise.root");
  EXPECT_EQ(refused(), "");
}

TEST_F(AverageTest, ACheckpointThatIsMadeAgainReplacesThatOneAlone) {
  const Header header = read_info(chain_.file(6)).header;
  const auto refused = [&](const std::filesystem::path& out, const MadeCheckpoint& made) {
    return refusal([&] { require_place_of_checkpoint(out, made); });
  };
  const MadeCheckpoint six{6, header.recipe_hash, header.data_root};
  EXPECT_EQ(refused(chain_.path() / "new.h5", six), "");
  EXPECT_EQ(refused(chain_.file(6), six), "");
  EXPECT_THAT(refused(chain_.file(8), six), HasSubstr("not the run's checkpoint of step 6"));
  EXPECT_NE(refused(chain_.file(6), {6, sha256("another recipe"), header.data_root}), "");
  EXPECT_NE(refused(chain_.file(6), {6, header.recipe_hash, sha256("other data")}), "");
  write_average(out(), average_checkpoints(recipe_of({2, 6})));
  EXPECT_NE(refused(out(), six), "");
}

TEST_F(AverageTest, AnExponentialOneTakesCheckpointsOldestFirst) {
  const auto refused = [&](const std::vector<std::uint64_t>& steps) {
    std::vector<std::string> files;
    for (const std::uint64_t step : steps) files.push_back(chain_.file(step).string());
    return refusal([&] { require_oldest_first(files); });
  };
  EXPECT_EQ(refused({2, 6, 8}), "");
  EXPECT_EQ(refused({2, 6, 6}), "") << "of two runs";
  EXPECT_THAT(refused({2, 8, 6}), HasSubstr("step 6 comes behind step 8: " + chain_.file(6).string()));
}

TEST(EmaWeightsTest, FallByTheDecayFromTheNewestAndLeaveTheRestToTheOldest) {
  EXPECT_THAT(ema_weights(4, 0.5), ElementsAre(0.125, 0.125, 0.25, 0.5));
  EXPECT_THAT(ema_weights(1, 0.9), ElementsAre(1.0));
  EXPECT_THROW(ema_weights(3, 1.0), Error);
}

TEST(EmaWeightsTest, GiveWhatTheRecurrenceGives) {
  const std::vector<double> values = {3, -1, 4, 1, 5, 9};
  double recurrence = values[0];
  for (std::size_t i = 1; i < values.size(); ++i) recurrence = 0.75 * recurrence + 0.25 * values[i];
  const std::vector<double> weights = ema_weights(values.size(), 0.75);
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += weights[i] * values[i];
  EXPECT_NEAR(sum, recurrence, 1e-12);
}

}  // namespace
}  // namespace reprise::checkpoints
