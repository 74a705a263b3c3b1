#include "whole_numbers.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace reprise::app {
namespace {

/// An empty text where `text` is no number at all, too: CLI11 says that itself.
std::string why_wrapped(const std::string& text) {
  if (text.find('-') != std::string::npos) return fmt::format("{} is not a whole number from 0 on", text);
  // CLI11 would take these for octal and hexadecimal: a padded step 010 is step 10 to whoever writes it.
  if (text.size() > 1 && text.front() == '0') return fmt::format("{} begins with 0; write it in decimal digits", text);
  errno = 0;
  std::strtoull(text.c_str(), nullptr, 0);
  return errno == ERANGE ? fmt::format("{} is too large", text) : std::string();
}

bool takes_whole_numbers(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.starts_with("UINT") || type.starts_with("INT");
}

}  // namespace

void refuse_wrapped_numbers(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (takes_whole_numbers(*option)) option->check(why_wrapped);
  }
  for (CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) refuse_wrapped_numbers(*verb);
}

}  // namespace reprise::app
