#include "reprise/audit/reproduce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/scratch_folder.h"
#include "reprise/dist/communicator.h"
#include "reprise/numerics/device.h"
#include "reprise/train/trainer.h"

namespace reprise::audit {
namespace {

const std::string kData = REPRISE_SOURCE_DIR "/tests/data";

/// Reproduces a small run that trains on the CPU, whatever the config says.
ReproduceReport reproduce_on(const std::string& device, const std::string& numerics) {
  const std::vector<std::string> overrides{"runtime.corpus_dir=" + kData, "runtime.device=" + device,
                                           "recipe.numerics=" + numerics, "train.num_steps=2",
                                           "eval.pairs_per_phenomenon=1"};
  const configs::RunConfig config = configs::load_config(kData + "/small.pbtxt", overrides);
  const ScratchFolder folder(std::filesystem::temp_directory_path() /
                             ("reprise_reproduce_" + std::to_string(::getpid())));
  ReproduceOptions options;
  options.run_dir = folder.path();
  options.baselines = false;
  options.say = [](const std::string&) {};
  options.run_training = [&](bool) {
    train::TrainOptions training;
    training.run_dir = options.run_dir;
    train::train(config, training, *dist::make_local_communicator(), no_progress());
    return 0;
  };
  return reproduce(config, options, no_progress());
}

TEST(Reproduce, EvaluatesARunOnTheDeviceThatTrainsIt) {
  for (const char* const profile : {"exact", "native"}) {
    if (numerics::num_cuda_devices() > 0) {
      EXPECT_EQ(reproduce_on("cuda:0", profile).manifest.root(), reproduce_on("cpu", profile).manifest.root());
      continue;
    }
    try {
      reproduce_on("cuda", profile);
      FAIL() << "evaluated on the CPU";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kDevice) << error.what();
    }
  }
}

TEST(Reproduce, RefusesASuiteThatItCannotMakeBeforeItMakesAnything) {
  const std::vector<std::string> overrides{"runtime.corpus_dir=" + kData, "eval.suite_sha256=" + std::string(64, '0')};
  const configs::RunConfig config = configs::load_config(kData + "/small.pbtxt", overrides);
  const ScratchFolder folder(std::filesystem::temp_directory_path() /
                             ("reprise_reproduce_suite_" + std::to_string(::getpid())));
  ReproduceOptions options;
  options.run_dir = folder.path() / "run";
  options.say = [](const std::string&) {};
  options.run_training = [](bool) {
    ADD_FAILURE() << "trained";
    return 1;
  };
  try {
    reproduce(config, options, no_progress());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    EXPECT_THAT(error.what(), testing::HasSubstr("the generated minimal pairs are not the recipe's"));
  }
  EXPECT_FALSE(std::filesystem::exists(options.run_dir));
}

}  // namespace
}  // namespace reprise::audit
