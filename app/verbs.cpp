#include <map>
#include <string>

#include "commands.h"
#include "reprise/audit/manifest.h"
#include "whole_numbers.h"

namespace reprise::app {
namespace {

constexpr char kAbout[] =
    "Reprise: train a language model from raw text, and prove that it is the same model.\n"
    "One command does everything: reprise reproduce configs/runs/tiny.pbtxt";

constexpr char kExitCodes[] =
    "Exit codes: 0 ok, 1 not the same, or an internal error, 2 usage or config, 3 data, 4 file, checkpoint or log,\n"
    "5 device or memory, 6 ranks or transport, 7 NaN or Inf, 128+signal after a graceful stop.";

std::string version() {
  const std::map<std::string, std::string> identity = audit::code_identity();
  return "reprise " + identity.at("version") + " (commit " + identity.at("commit") + ")";
}

}  // namespace

void add_verbs(CLI::App& app, Context& context) {
  app.name("reprise");
  app.description(kAbout);
  app.footer(kExitCodes);
  app.set_version_flag("--version", version, "Print version and commit; `reprise doctor` names the rest");
  app.require_subcommand(1);
  app.fallthrough(false);
  app.get_formatter()->column_width(34);
  add_reproduce_command(app, context);
  add_verify_command(app, context);
  add_data_command(app, context);
  add_tokenizer_command(app, context);
  add_train_command(app, context);
  add_checkpoint_command(app, context);
  add_log_command(app, context);
  add_eval_command(app, context);
  add_bench_command(app, context);
  add_config_command(app, context);
  add_doctor_command(app, context);
  refuse_wrapped_numbers(app);
}

}  // namespace reprise::app
