#include "run_guarded.h"

#include <fmt/core.h>

#include <algorithm>
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
#include "standard_output.h"

namespace reprise::app {
namespace {

/// Returns the deepest verb that was parsed, whose help fits the mistake.
const CLI::App* deepest_parsed(const CLI::App* app) {
  for (const CLI::App* child : app->get_subcommands()) return deepest_parsed(child);
  return app;
}

/// Finds the first word that should have been a verb of `app` and names the nearest one.
std::string verb_suggestion(const CLI::App* app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::App* child : app->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(child->get_name());
  }
  if (names.empty()) return {};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.empty() || word[0] == '-') continue;
    if (word == app->get_name() || std::find(names.begin(), names.end(), word) != names.end()) continue;
    const std::string nearest = nearest_name(word, names);
    if (!nearest.empty()) return nearest;
  }
  return {};
}

int report_usage(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const CLI::App* verb = deepest_parsed(&app);
  std::string path = "reprise";
  std::vector<std::string> names;
  for (const CLI::App* a = verb; a != nullptr && a->get_parent() != nullptr; a = a->get_parent()) {
    names.insert(names.begin(), a->get_name());
  }
  for (const std::string& name : names) path += " " + name;
  std::string hint = fmt::format("see `{} --help`", path);
  const std::string nearest = verb_suggestion(verb, argc, argv);
  if (!nearest.empty()) hint = fmt::format("did you mean `{} {}`? {}", path, nearest, hint);
  return report_error(Error(ErrorKind::kUsage, error.what(), hint));
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
    return report_usage(app, error, argc, argv);
  } catch (const std::system_error& error) {
    // Printing fails with this. A reader that has seen enough (`| head`) is no mistake of anyone.
    if (error.code().value() == EPIPE) return 128 + SIGPIPE;
    return report(caught_error());
  } catch (...) {
    return report(caught_error());
  }
}

}  // namespace reprise::app
