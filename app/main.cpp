// The one binary. main only names the verbs; run_guarded is the one place where exceptions become exit codes.

#include <unistd.h>

#include <map>
#include <new>
#include <string>

#include "commands.h"
#include "process_settings.h"
#include "reprise/audit/manifest.h"
#include "reprise/core/nearest_name.h"
#include "run_guarded.h"
#include "whole_numbers.h"

namespace {

constexpr char kAbout[] =
    "Reprise: train a language model from raw text, and prove that it is the same model.\n"
    "One command does everything: reprise reproduce configs/runs/tiny.pbtxt";

constexpr char kExitCodes[] =
    "Exit codes: 0 ok, 1 internal error or not reproduced, 2 usage or config, 3 data, 4 file, checkpoint or log,\n"
    "5 device or memory, 6 ranks or transport, 7 NaN or Inf, 128+signal after a graceful stop.";

std::string version() {
  const std::map<std::string, std::string> identity = reprise::audit::code_identity();
  return "reprise " + identity.at("version") + " (commit " + identity.at("commit") + ")";
}

int run(int argc, char** argv) {
  CLI::App app{kAbout, "reprise"};
  app.footer(kExitCodes);
  app.set_version_flag("--version", version, "Print version and commit; `reprise doctor` names the rest");
  app.require_subcommand(1);
  app.fallthrough(false);
  app.get_formatter()->column_width(34);
  reprise::app::Context context;
  context.command_line.assign(argv, argv + argc);
  reprise::app::add_reproduce_command(app, context);
  reprise::app::add_verify_command(app, context);
  reprise::app::add_data_command(app, context);
  reprise::app::add_tokenizer_command(app, context);
  reprise::app::add_train_command(app, context);
  reprise::app::add_checkpoint_command(app, context);
  reprise::app::add_log_command(app, context);
  reprise::app::add_eval_command(app, context);
  reprise::app::add_bench_command(app, context);
  reprise::app::add_config_command(app, context);
  reprise::app::add_doctor_command(app, context);
  reprise::app::refuse_wrapped_numbers(app);
  return reprise::app::run_guarded(app, argc, argv, context);
}

}  // namespace

int main(int argc, char** argv) {
  reprise::app::settle_process();
  return run(argc, argv);
}
