// The native check: it must see what it is there to see, and say when it cannot run. The GPU is the emulated one.

#include "native_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "cpu_device.h"
#include "emulated_device.h"
#include "emulated_torch.h"
#include "program.h"
#include "reprise/core/error.h"

namespace reprise::conformance {
namespace {

using numerics::CpuDevice;
using testing::HasSubstr;

const SayProgress kQuiet = [](const std::string&) {};

/// The emulated GPU's memory and native kernels; the exact operators, which are not looked at, are the CPU's, and so
/// quick. One of them may be wrong by the last bit of one weight.
class QuickGpu final : public CpuDevice {
 public:
  explicit QuickGpu(bool is_wrong) : is_wrong_(is_wrong) {}
  void* take(std::size_t num_bytes) override { return gpu_->take(num_bytes); }
  void give(void* memory, std::size_t num_bytes) override { gpu_->give(memory, num_bytes); }
  numerics::NativeKernels* native_kernels() override { return gpu_->native_kernels(); }
  void adamw_update(std::int64_t count, const numerics::AdamWStep& step, const float* g, float* w, float* m,
                    float* v) override {
    CpuDevice::adamw_update(count, step, g, w, m, v);
    if (is_wrong_) w[0] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(w[0]) ^ 1u);
  }

 private:
  std::unique_ptr<numerics::Device> gpu_ = emulation::make_emulated_device(numerics::WorkOrder::kLibTorch);
  bool is_wrong_;
};

NativeDevice quick_gpu(bool is_wrong = false) { return {std::make_shared<QuickGpu>(is_wrong), "cpu", "quick"}; }

/// Reports losses that are too large by `excess`.
class WithOtherLosses final : public CpuDevice {
 public:
  explicit WithOtherLosses(float excess) : excess_(excess) {}
  void head_loss_forward_backward(std::int64_t num_tokens, std::int64_t dim, std::int64_t vocab, const float* h,
                                  const float* weight, const std::int32_t* targets, float z_weight,
                                  float* cross_entropy, float* z, float* dh, float* dweight) override {
    CpuDevice::head_loss_forward_backward(num_tokens, dim, vocab, h, weight, targets, z_weight, cross_entropy, z, dh,
                                          dweight);
    for (std::int64_t i = 0; i < num_tokens; ++i) cross_entropy[i] += excess_;
  }

 private:
  float excess_;
};

/// Doubles the gradients of the weights of norms over rows longer than `above`, which AdamW hides from the losses.
class WithOtherGradients final : public CpuDevice {
 public:
  explicit WithOtherGradients(std::int64_t above = 0) : above_(above) {}
  void rms_norm_backward(std::int64_t num_rows, std::int64_t dim, const float* dy, const float* x, const float* weight,
                         const float* inverse_rms, float* dx, float* dweight) override {
    CpuDevice::rms_norm_backward(num_rows, dim, dy, x, weight, inverse_rms, dx, dweight);
    for (std::int64_t i = 0; dim > above_ && i < dim; ++i) dweight[i] *= 2.0f;
  }

 private:
  std::int64_t above_;
};

class NativeCheck : public ::testing::Test {
 protected:
  static NativeReport check(numerics::Device& exact, const std::function<NativeDevice()>& make) {
    static constexpr NativeModel kModel[] = {{"small", kSmallTraining, 2}};
    return check_native(make, exact, kModel, 2, kQuiet);
  }
  /// The models for which a step or two are not near the exact profile's, once for each type.
  static std::vector<std::string> far_models(numerics::Device& exact, std::span<const NativeModel> models) {
    std::vector<std::string> names;
    for (const NativeRuns& runs : check_native([] { return quick_gpu(); }, exact, models, 2, kQuiet).runs) {
      EXPECT_TRUE(runs.same()) << runs.model;
      if (!runs.near()) names.push_back(runs.model);
    }
    return names;
  }
  static std::uint64_t mismatches(const NativeReport& native) {
    Report report;
    report.native = native;
    return report.num_mismatches();
  }

 private:
  emulation::TorchOnEmulatedGpu torch_;
};

TEST_F(NativeCheck, FindsNothingWrongWithEitherType) {
  const NativeReport report = check(numerics::cpu_device(), [] { return quick_gpu(); });
  EXPECT_EQ(mismatches(report), 0u);
  EXPECT_EQ(report.device, "quick");
  ASSERT_EQ(report.runs.size(), 2u);
  EXPECT_LT(report.runs[0].largest_difference, 1e-5);
  EXPECT_GT(report.runs[1].largest_difference, report.runs[0].largest_difference) << "bfloat16 rounds more";
  EXPECT_NE(report.runs[0].first, report.runs[1].first);
}

TEST_F(NativeCheck, SeesADifferenceOfOneBitBetweenTheRuns) {
  int number = 0;
  const NativeReport report = check(numerics::cpu_device(), [&] { return quick_gpu(number++ == 1); });
  EXPECT_EQ(number, 4) << "a new device for each run";
  EXPECT_FALSE(report.runs[0].same());
  EXPECT_TRUE(report.runs[1].same());
  EXPECT_EQ(mismatches(report), 1u);
}

TEST_F(NativeCheck, SeesLossesThatAreNotThoseOfTheExactProfile) {
  for (const float excess : {0.1f, std::numeric_limits<float>::quiet_NaN()}) {
    WithOtherLosses exact(excess);
    const NativeReport report = check(exact, [] { return quick_gpu(); });
    EXPECT_TRUE(report.runs[0].same());
    EXPECT_FALSE(report.runs[0].near());
    EXPECT_EQ(mismatches(report), 2u);
  }
}

TEST_F(NativeCheck, SeesAGradientThatIsNotThatOfTheExactProfile) {
  WithOtherGradients exact;
  const NativeReport report = check(exact, [] { return quick_gpu(); });
  for (const NativeRuns& runs : report.runs) {
    EXPECT_NEAR(runs.gradient_distance, 0.5, 0.05) << runs.type;
    EXPECT_LE(runs.largest_difference, runs.tolerance) << runs.type;
    EXPECT_FALSE(runs.near()) << runs.type;
  }
  EXPECT_EQ(mismatches(report), 2u);
}

TEST_F(NativeCheck, ComparesTheLossesOfTheFirstStepsAlone) {
  TrainingShape shape = kSmallTraining;
  shape.layers = shape.grains = 1;
  shape.length = 3;
  const NativeModel models[] = {{"many steps", shape, 100}, {"few steps", shape, 2}};
  const NativeReport report = check_native([] { return quick_gpu(); }, numerics::cpu_device(), models, 21, kQuiet);
  ASSERT_EQ(report.runs.size(), 4u);
  EXPECT_EQ(report.runs[0].steps, 21);
  EXPECT_EQ(report.runs[0].steps_compared, 20);
  EXPECT_EQ(report.runs[2].model, "few steps");
  EXPECT_EQ(report.runs[2].steps, 2);
  EXPECT_EQ(report.runs[2].steps_compared, 2);
}

/// Looks beyond the start of a document.
class WithoutDocuments final : public CpuDevice {
 public:
  void attention_forward(const numerics::AttentionShape& shape, const numerics::AttentionOptions& options,
                         const float* q, const float* k, const float* v, float* out, float* row_max,
                         float* row_sum) override {
    CpuDevice::attention_forward(shape, without(options), q, k, v, out, row_max, row_sum);
  }
  void attention_backward(const numerics::AttentionShape& shape, const numerics::AttentionOptions& options,
                          const float* q, const float* k, const float* v, const float* out, const float* row_max,
                          const float* row_sum, const float* dout, float* dq, float* dk, float* dv) override {
    CpuDevice::attention_backward(shape, without(options), q, k, v, out, row_max, row_sum, dout, dq, dk, dv);
  }

 private:
  static numerics::AttentionOptions without(numerics::AttentionOptions options) {
    options.document_starts = nullptr;
    return options;
  }
};

// That all three are near where nothing is wrong: the test conformance.emulated_gpu.
TEST_F(NativeCheck, SeesWideRowsAndDocumentsByModelsOfTheirOwn) {
  const std::span<const NativeModel> models = native_models(/*small=*/true);
  WithOtherGradients other_rows(1024);
  WithoutDocuments no_documents;
  EXPECT_THAT(far_models(other_rows, models.first(2)), testing::ElementsAre("wide rows", "wide rows"));
  EXPECT_THAT(far_models(no_documents, models.last(1)), testing::ElementsAre("documents", "documents"));
}

TEST_F(NativeCheck, GrainsAddUpToTheLossAndTheStepOfOneGrainOfAllSequences) {
  TrainingShape one = kSmallTraining;
  one.sequences_per_grain = one.grains;
  one.grains = 1;
  const NativeDevice on_three = quick_gpu(), on_one = quick_gpu();
  Training of_three(on_three, kSmallTraining, numerics::OperandType::kFloat32);
  Training of_one(on_one, one, numerics::OperandType::kFloat32);
  for (int step = 0; step < 3; ++step) {
    const StepValues three = of_three.step(), together = of_one.step();
    EXPECT_NEAR(three.loss, together.loss, 1e-5);
    EXPECT_NEAR(three.gradient_norm, together.gradient_norm, 1e-4);
  }
}

/// What the program says and returns, asked for no other check.
struct Outcome {
  int exit_code;
  std::string out, err;
};

Outcome run(std::vector<std::string> flags, const FindNativeDevice& find_native = native_device_of_name) {
  std::vector<std::string> words{"reprise_conformance", "--device", "cpu",     "--cells", "0",
                                 "--functions",         "none",     "--steps", "0"};
  words.insert(words.end(), flags.begin(), flags.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_program(static_cast<int>(argv.size()), argv.data(), "cpu", device_of_name, find_native);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

TEST_F(NativeCheck, ThatFailsDoesNotLoseTheRestOfTheReport) {
  int number = 0;
  const auto failing = [&](const std::string&) {  // at the decoder's second run and those that follow, but the last two
    if (++number >= 3 && number <= 7) throw Error(ErrorKind::kOutOfMemory, "the GPU is full", "");
    return quick_gpu();
  };
  const Outcome outcome = run({"--small", "--native-steps", "1"}, failing);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out,
              testing::AllOf(HasSubstr("decoder   float32  FAILED: the GPU is full"),
                             testing::ContainsRegex("documents bfloat16 .* same, 1 steps"), HasSubstr("mismatches 5")));
  EXPECT_THAT(outcome.err, HasSubstr("native: decoder   float32  FAILED: the GPU is full"));
  number = 0;
  const nlohmann::json json = nlohmann::json::parse(run({"--small", "--native-steps", "1", "--json"}, failing).out);
  EXPECT_EQ(json["native"]["runs"][0]["failed"], "the GPU is full");
  EXPECT_EQ(json["native"]["runs"][5]["same"], true);
}

TEST(NativeCheckOfTheCpu, IsLeftOutAndTheReportSaysSo) {
  const Outcome text = run({});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("native     not run: --device cpu"));
  const nlohmann::json json = nlohmann::json::parse(run({"--json"}).out);
  EXPECT_THAT(json["native"]["not_run"].get<std::string>(), HasSubstr("--device cpu"));
}

TEST(NativeCheckOfTheCpu, IsAnErrorWhenItIsAskedFor) {
  const Outcome outcome = run({"--native-steps", "2"});
  EXPECT_EQ(outcome.exit_code, 5);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("--device cpu"));
}

TEST(NativeCheckOfTheCpu, IsNotMentionedWhenItIsNotWanted) {
  const Outcome outcome = run({"--native-steps", "0"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, testing::Not(HasSubstr("native")));
}

TEST(NativeReportText, NamesWhatDiffers) {
  NativeReport native;
  native.device = "some GPU";
  native.runs = {{"decoder", "float32", 7, 5, "", sha256("a"), sha256("a"), 1e-6, 1e-3},
                 {"documents", "bfloat16", 3, 3, "", sha256("a"), sha256("b"), 0.5, 1e-2}};
  Report report;
  report.native = native;
  EXPECT_EQ(report.num_mismatches(), 2u);
  EXPECT_THAT(to_text(report), testing::AllOf(HasSubstr("twice, on some GPU"), HasSubstr("decoder   float32"),
                                              HasSubstr("7 steps, losses of 5"), HasSubstr("documents bfloat16"),
                                              HasSubstr("DIFFERENT"), HasSubstr("TOO FAR"), HasSubstr("near")));
  const nlohmann::json runs = nlohmann::json::parse(to_json(report))["native"]["runs"];
  EXPECT_EQ(runs[0]["same"], true);
  EXPECT_EQ(runs[0]["steps_compared"], 5);
  EXPECT_EQ(runs[1]["near"], false);
  EXPECT_EQ(runs[1]["model"], "documents");
}

}  // namespace
}  // namespace reprise::conformance
