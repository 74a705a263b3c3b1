#include "program_of.h"

#include "reprise/audit/manifest.h"

namespace reprise::app {

train::Program program_of(const Context& context) {
  const std::map<std::string, std::string> identity = audit::code_identity();
  return {identity.at("version"), identity.at("commit"), context.command_line};
}

}  // namespace reprise::app
