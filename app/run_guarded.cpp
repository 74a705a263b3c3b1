#include "run_guarded.h"

#include <fmt/core.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include "reprise/core/error.h"
#include "reprise/core/nearest_name.h"
#include "reprise/core/report_error.h"
#include "reprise/dist/communicator.h"
#include "reprise/numerics/target.h"
#include "standard_output.h"

namespace reprise::app {
namespace {

/// Returns the deepest verb that was parsed, whose help fits the mistake.
const CLI::App* deepest_parsed(const CLI::App* app) {
  for (const CLI::App* child : app->get_subcommands()) return deepest_parsed(child);
  return app;
}

bool is_flag(const std::string& word) { return word.starts_with('-'); }

/// The nearest to `word` of the verbs or flags that `verb` has; empty when none is near.
std::string nearest_known(const CLI::App& verb, const std::string& word) {
  std::vector<std::string> names;
  if (is_flag(word)) {
    for (const CLI::Option* option : verb.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  } else {
    for (const CLI::App* child : verb.get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(child->get_name());
    }
  }
  return nearest_name(word.substr(0, word.find('=')), names);
}

/// The words that lead to `verb`: "reprise data build".
std::string verb_path(const CLI::App& verb) {
  return verb.get_parent() == nullptr ? "reprise" : verb_path(*verb.get_parent()) + " " + verb.get_name();
}

int report_usage(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& verb = *deepest_parsed(&app);
  const std::string path = verb_path(verb);
  const std::vector<std::string> unknown = verb.remaining();
  std::string message = error.what();
  // "A subcommand is required", though a word stands in its place.
  if (!unknown.empty() && verb.get_require_subcommand_min() > 0) {
    message = fmt::format("`{}` has no {} {}", path, is_flag(unknown.front()) ? "flag" : "verb", unknown.front());
  }
  std::string hint = fmt::format("see `{} --help`", path);
  for (const std::string& word : unknown) {
    const std::string nearest = nearest_known(verb, word);
    if (nearest.empty()) continue;
    hint = fmt::format("did you mean `{} {}`? {}", path, nearest, hint);
    break;
  }
  return report_error(Error(ErrorKind::kUsage, message, hint));
}

/// Prints an error and returns its exit code. Where ranks are lost, a thread may still be inside MPI or HDF5, whose
/// exit handlers would wait for it: the process then ends here.
int report(const Error& error) {
  const int code = report_error(error);
  if (error.kind() == ErrorKind::kDistributed || dist::launched_by_mpi()) {
    std::fflush(nullptr);
    std::_Exit(code);
  }
  return code;
}

/// Runs the verb that is named, or prints the help that is asked for, and returns the exit code.
int run_verb(CLI::App& app, int argc, char** argv, const Context& context) {
  // Whatever is computed is computed as the contract says, or not begun. Threads inherit this one's environment.
  numerics::check_floating_point_environment();
  numerics::active_target();
  try {
    app.parse(argc, argv);
    return context.status;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  }
}

}  // namespace

int run_guarded(CLI::App& app, int argc, char** argv, Context& context) {
  try {
    const int status = run_verb(app, argc, argv, context);
    flush_standard_output();
    return status;
  } catch (const CLI::ParseError& error) {
    return report_usage(app, error);
  } catch (const std::system_error& error) {
    // Printing fails with this. A reader that has seen enough (`| head`) is no mistake of anyone.
    if (error.code().value() == EPIPE) return 128 + SIGPIPE;
    return report(caught_error());
  } catch (...) {
    return report(caught_error());
  }
}

}  // namespace reprise::app
