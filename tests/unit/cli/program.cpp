#include "program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/files.h"

namespace reprise::cli_test {
namespace {

std::filesystem::path scratch_folder(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("reprise_cli_" + std::to_string(::getpid()) + "_" + name);
}

[[noreturn]] void become_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                                 const std::vector<std::string>& environment, const std::filesystem::path& out,
                                 const std::filesystem::path& err) {
  ::dup2(::open("/dev/null", O_RDONLY), 0);
  ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
  ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
  if (::chdir(REPRISE_SOURCE_DIR) != 0) ::_exit(120);
  for (const std::string& entry : environment) {
    const std::size_t equals = entry.find('=');
    ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
  }
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  ::_exit(121);
}

}  // namespace

std::filesystem::path program_path() { return REPRISE_BINARY_DIR "/bin/reprise"; }

Outcome run_reprise(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  return run_program(program_path(), arguments, environment);
}

Outcome run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                    const std::vector<std::string>& environment) {
  static std::atomic<int> next = 0;
  const int count = next++;
  const auto out = scratch_folder("out" + std::to_string(count));
  const auto err = scratch_folder("err" + std::to_string(count));
  const pid_t child = ::fork();
  if (child == 0) become_program(program, arguments, environment, out, err);
  int status = 0;
  ::waitpid(child, &status, 0);
  Outcome outcome;
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = read_file(out);
  outcome.err = read_file(err);
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  return outcome;
}

std::string small_config() { return REPRISE_SOURCE_DIR "/tests/data/small.pbtxt"; }

void ProgramTest::SetUp() {
  std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  std::replace(name.begin(), name.end(), '/', '_');  // before a parameter: one folder, and none that is left behind
  folder_ = scratch_folder(name);
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
}

void ProgramTest::TearDown() { std::filesystem::remove_all(folder_); }

std::vector<std::string> checkpoint_roots(const std::filesystem::path& run) {
  std::vector<std::string> roots;
  for (const auto& info : checkpoints::list_checkpoints(run / "checkpoints")) roots.push_back(info.root.hex());
  return roots;
}

void copy_prepared_run(const std::filesystem::path& target) {
  static const std::filesystem::path prepared = [] {
    const auto folder = scratch_folder("prepared");
    const Outcome built = run_reprise({"data", "build", small_config(), "--out", folder.string()});
    EXPECT_EQ(built.exit_code, 0) << built.err;
    std::atexit([] { std::filesystem::remove_all(scratch_folder("prepared")); });
    return folder;
  }();
  std::filesystem::create_directories(target);
  std::filesystem::copy(prepared, target, std::filesystem::copy_options::recursive);
}

void copy_trained_run(const std::filesystem::path& target) {
  static const std::filesystem::path trained = [] {
    const auto folder = scratch_folder("trained");
    copy_prepared_run(folder);
    const Outcome outcome = run_reprise({"train", small_config(), "--out", folder.string(), "--threads", "2"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    std::atexit([] { std::filesystem::remove_all(scratch_folder("trained")); });
    return folder;
  }();
  std::filesystem::copy(trained, target, std::filesystem::copy_options::recursive);
}

}  // namespace reprise::cli_test
