#include "tiny_run_fixture.h"

#include <fmt/core.h>
#include <unistd.h>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/configs/config.h"
#include "reprise/core/files.h"
#include "reprise/dist/local_group.h"
#include "reprise/train/log_check.h"

namespace reprise::train {

void TinyRunTest::make_whole_run(const std::string& name, const configs::RunConfig& config,
                                 const std::function<void(const std::filesystem::path& data)>& prepare) {
  const auto [made, is_new] = all_made_.try_emplace(name);
  made_ = &made->second;
  if (!is_new) return;
  made_->scratch = std::filesystem::temp_directory_path() / fmt::format("reprise_{}_{}", name, ::getpid());
  std::filesystem::remove_all(made_->scratch);
  made_->config = config;
  make_tiny_data(made_->scratch / "data");
  if (prepare) prepare(made_->scratch / "data");
  made_->whole = new_run("whole");
  made_->summary = train_tiny(made_->whole, 1, false, config);
}

void TinyRunTest::remove_runs() {
  for (const auto& [name, made] : all_made_) std::filesystem::remove_all(made.scratch);
  all_made_.clear();
}

std::filesystem::path TinyRunTest::copy_of_run(const std::filesystem::path& from, const std::string& name) {
  const std::filesystem::path folder = scratch() / name;
  std::filesystem::remove_all(folder);
  std::filesystem::copy(from, folder, std::filesystem::copy_options::recursive);
  return folder;
}

std::vector<logs::StepRecord> TinyRunTest::steps() {
  std::vector<logs::StepRecord> steps;
  for (const logs::RunRecord& record : logs::read_run_log(whole_run() / "run.log").records) {
    if (record.step) steps.push_back(*record.step);
  }
  return steps;
}

void TinyRunTest::expect_log_of_recipe() {
  const configs::Recipe recipe = configs::resolve(made_->config).recipe();
  const logs::RunLog log = logs::read_run_log(whole_run() / "run.log");
  EXPECT_NO_THROW(check_log_header(recipe, *log.records.front().header));
  StepCheck check(whole_run(), recipe);
  for (const logs::RunRecord& record : log.records) {
    if (record.step) {
      EXPECT_NO_THROW(check.check(*record.step));
      check.pass(*record.step);
    }
    if (!record.checkpoint) continue;
    const auto name = checkpoints::file_name(checkpoints::FileKind::kScheduled, record.checkpoint->step);
    const checkpoints::Header found = checkpoints::read_info(whole_run() / "checkpoints" / name).header;
    EXPECT_EQ(found.step, check.header().step);
    EXPECT_EQ(found.seed, check.header().seed);
    EXPECT_EQ(found.tokens_seen, check.header().tokens_seen);
    EXPECT_EQ(found.next_sample, check.header().next_sample);
    EXPECT_EQ(found.adam_step, check.header().adam_step);
    EXPECT_EQ(found.beta1_power, check.header().beta1_power);
    EXPECT_EQ(found.beta2_power, check.header().beta2_power);
  }
}

void TinyRunTest::train_on_ranks(const std::filesystem::path& folder, int num_ranks, bool resume,
                                 ProgressSink* progress, const ComputeSettings& compute, const WrapCommunicator& wrap) {
  dist::run_local_group(num_ranks, [&](dist::Communicator& of_group) {
    const std::unique_ptr<dist::Communicator> wrapped = wrap ? wrap(of_group) : nullptr;
    dist::Communicator& communicator = wrapped ? *wrapped : of_group;
    TrainOptions options;
    options.run_dir = folder;
    options.num_threads = 2;
    options.compute = compute;
    options.resume = resume;
    options.program = {"1.2.3", "abc", {"train_tiny"}};
    const bool shown = progress != nullptr && communicator.rank() == 0;
    train(made_->config, options, communicator, shown ? *progress : no_progress());
  });
}

void TinyRunTest::expect_whole(const std::filesystem::path& folder) {
  EXPECT_EQ(roots_in(folder), roots_in(whole_run()));
  EXPECT_TRUE(read_file(folder / "run.log") == read_file(whole_run() / "run.log"));
}

}  // namespace reprise::train
