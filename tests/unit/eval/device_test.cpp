// Evaluation on a GPU gives the CPU's results. The GPU is the emulated one.

#include "cpu_device.h"
#include "decoder_scorer.h"
#include "emulated_device.h"
#include "reprise/checkpoints/checkpoint.h"
#include "untrained_run.h"

namespace reprise::eval {
namespace {

class EvaluateOnADevice : public UntrainedRunTest {
 protected:
  static EvalOptions on_emulated_gpu(int num_threads, std::vector<std::uint64_t> steps = {}) {
    EvalOptions on_device = options(num_threads, std::move(steps));
    on_device.device = emulation::make_emulated_device();
    return on_device;
  }
};

TEST_F(EvaluateOnADevice, GivesTheHashOfTheCpuForCheckpointsOneAfterAnother) {
  const EvalResult on_cpu = evaluate_run(*recipe_, options(1, {0, 4}), no_progress());
  const EvalResult on_device = evaluate_run(*recipe_, on_emulated_gpu(3, {0, 4}), no_progress());
  ASSERT_EQ(on_device.checkpoints.size(), 2u);
  EXPECT_EQ(result_hash(on_device), result_hash(on_cpu));
  // The weights were replaced.
  EXPECT_NE(on_device.checkpoints[0].held_out[0].nll_nats, on_device.checkpoints[1].held_out[0].nll_nats);
}

TEST_F(EvaluateOnADevice, IsExactAlsoForARunOfTheNativeProfile) {
  configs::Recipe native = *recipe_;
  native.set_numerics("native");
  EvalOptions of_file = options(1);
  of_file.file = *run_ / "checkpoints" / "step-000002.h5";  // whose recipe need not be this one
  of_file.pairs = false;
  EvalOptions on_device = of_file;
  on_device.device = emulation::make_emulated_device();
  EXPECT_EQ(result_hash(evaluate_run(native, on_device, no_progress())),
            result_hash(evaluate_run(*recipe_, of_file, no_progress())));
}

TEST_F(EvaluateOnADevice, ScoresGivenPairs) {
  const auto pairs = generate_suite(1);
  const auto on_cpu = evaluate_pairs(*recipe_, options(1), 2, pairs, no_progress());
  const auto on_device = evaluate_pairs(*recipe_, on_emulated_gpu(1), 2, pairs, no_progress());
  ASSERT_EQ(on_device.size(), on_cpu.size());
  for (std::size_t i = 0; i < on_cpu.size(); ++i) {
    EXPECT_EQ(on_device[i].num_correct, on_cpu[i].num_correct) << on_cpu[i].name;
  }
}

/// Counts copies from the device: one for each batch.
class CountsReads final : public numerics::CpuDevice {
 public:
  void read(void* to_host, const void* from, std::size_t num_bytes) override {
    ++num_reads;
    CpuDevice::read(to_host, from, num_bytes);
  }
  int num_reads = 0;
};

TEST_F(EvaluateOnADevice, GetsLargeBatches) {
  const auto device = std::make_shared<CountsReads>();
  DecoderScorer scorer(*recipe_, device);
  scorer.load(checkpoints::read_checkpoint(*run_ / "checkpoints" / "step-000000.h5"));
  const std::vector<TokenStream> streams(100, TokenStream(17, 1));
  ThreadPool pool(1);
  score_streams(scorer, streams, 16, pool);
  EXPECT_EQ(device->num_reads, 1);
}

}  // namespace
}  // namespace reprise::eval
