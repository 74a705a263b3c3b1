// What `checkpoint export` refuses and replaces. What it writes: checkpoint_storage_test.cpp,
// tests/peers/check_export.py.

#include "program.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/files.h"
#include "sample_state.h"

namespace reprise::cli_test {
namespace {

/// A run of four steps.
class CheckpointExport : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    copy_prepared_run(folder_ / "run");
    const Outcome trained =
        run_reprise({"train", small_config(), "--out", (folder_ / "run").string(), "--set", "train.num_steps=4"});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }

  Outcome exported(const std::string& flag, const std::string& which) const {
    return run_reprise({"checkpoint", "export", (folder_ / "run").string(), flag, which, "--out", out().string()});
  }
  std::filesystem::path out() const { return folder_ / "exported"; }
};

TEST_F(CheckpointExport, RefusesOtherTensorsThanTheRecipeHas) {
  checkpoints::SampleState other(4, TensorLayout({{"t", {}, true}}));
  other.header = checkpoints::read_info(folder_ / "run" / "checkpoints" / "step-000004.h5").header;
  other.write(folder_, false, *dist::make_local_communicator());
  const Outcome made = exported("--checkpoint", (folder_ / "step-000004.h5").string());
  EXPECT_EQ(made.exit_code, 4) << made.err;
  EXPECT_NE(made.err.find("1 tensors instead of "), std::string::npos) << made.err;
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(CheckpointExport, ThatFailsLeavesNoMixture) {
  ASSERT_EQ(exported("--step", "2").exit_code, 0);
  const std::string config = read_file(out() / "config.json");
  make_folders(out() / ".model.safetensors.partial" / "x");  // before the weights are whole
  EXPECT_EQ(exported("--step", "4").exit_code, 4);
  EXPECT_EQ(read_file(out() / "config.json"), config);
  std::filesystem::remove_all(out() / ".model.safetensors.partial");
  std::filesystem::remove(out() / "tokenizer.json");
  make_folders(out() / "tokenizer.json" / "x");  // behind them
  EXPECT_EQ(exported("--step", "4").exit_code, 4);
  EXPECT_FALSE(std::filesystem::exists(out() / "config.json"));
}

}  // namespace
}  // namespace reprise::cli_test
