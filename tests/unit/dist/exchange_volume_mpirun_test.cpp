// The bytes that processes under mpirun send, counted by their communicators and predicted without them.

#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>

#include <nlohmann/json.hpp>
#include <string>

#include "reprise/dist/communicator.h"

namespace reprise::dist {
namespace {

const std::string kProgram = REPRISE_BINARY_DIR "/bin/exchange_volume";

std::pair<int, std::string> run(int num_ranks, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kProgram);
  std::string line;
  for (const std::string& word : mpirun_command(num_ranks, arguments)) line += "'" + word + "' ";
  FILE* pipe = ::popen((line + "2>&1 < /dev/null").c_str(), "r");
  std::string output;
  char buffer[4096];
  while (const std::size_t got = fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, got);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output};
}

class ExchangeVolumeMpirunTest : public ::testing::TestWithParam<int> {};

TEST_P(ExchangeVolumeMpirunTest, IsWhatEveryProcessHasSent) {
  const auto [status, output] = run(GetParam(), {"--grains", "64", "--chunks", "13", "--rounds", "2", "--json"});
  ASSERT_EQ(status, 0) << output;
  const auto report = nlohmann::json::parse(output);
  EXPECT_EQ(report["as_predicted"], true);
  EXPECT_EQ(report["counted_bytes_sent"].size(), static_cast<std::size_t>(GetParam()));
  EXPECT_EQ(report["gradient_bytes"], 13 * 4096 * 4);
}

INSTANTIATE_TEST_SUITE_P(Ranks, ExchangeVolumeMpirunTest, ::testing::Values(2, 3, 5));

}  // namespace
}  // namespace reprise::dist
