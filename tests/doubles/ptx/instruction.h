#pragma once
// One statement of a kernel.

#include <string>

#include "module.h"
#include "scope.h"
#include "source.h"

namespace reprise::ptx {

struct ParsedInstruction {
  Instruction instruction;
  std::string label;  // where a branch goes
};

/// Reads "@%p1 bra $L__BB0_2;". Refuses what it does not know.
ParsedInstruction parse_instruction(const Line& line, Scope& scope);

}  // namespace reprise::ptx
