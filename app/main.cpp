// The one binary. verbs.cpp names the verbs; run_guarded is the one place where exceptions become exit codes.

#include "commands.h"
#include "process_settings.h"
#include "run_guarded.h"

int main(int argc, char** argv) {
  reprise::app::settle_process();
  CLI::App app;
  reprise::app::Context context;
  context.command_line.assign(argv, argv + argc);
  reprise::app::add_verbs(app, context);
  return reprise::app::run_guarded(app, argc, argv, context);
}
