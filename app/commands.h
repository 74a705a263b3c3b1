#pragma once
// The verbs of the one binary. Each add_* function adds a subcommand with its flags, help and example; the work is
// done by the libraries. Results go to stdout, talk to stderr. A callback reports failure by throwing reprise::Error
// (main turns it into the documented exit code) or by setting Context::status.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace reprise::app {

struct Context {
  int status = 0;                         // exit code of a verb that ended without an Error
  std::vector<std::string> command_line;  // argv, for logs and for starting ranks
};

/// Makes `app` the whole program: what it says of itself, and every verb below.
void add_verbs(CLI::App& app, Context& context);

void add_bench_command(CLI::App& app, Context& context);
void add_checkpoint_command(CLI::App& app, Context& context);
void add_config_command(CLI::App& app, Context& context);
void add_data_command(CLI::App& app, Context& context);
void add_data_filter_command(CLI::App& data);
void add_doctor_command(CLI::App& app, Context& context);
void add_eval_command(CLI::App& app, Context& context);
void add_log_command(CLI::App& app, Context& context);
void add_reproduce_command(CLI::App& app, Context& context);
void add_tokenizer_command(CLI::App& app, Context& context);
void add_train_command(CLI::App& app, Context& context);
void add_verify_command(CLI::App& app, Context& context);

}  // namespace reprise::app
