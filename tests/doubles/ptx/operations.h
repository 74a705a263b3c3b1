#pragma once
// The instructions that each lane computes for itself [9.7.1 to 9.7.8]: what they make of their operands.

#include <string>
#include <string_view>
#include <vector>

#include "module.h"

namespace reprise::ptx {

struct Operation {
  Apply apply;
  std::vector<int> bytes;  // of the result and of each operand; a predicate has none
};

/// The operation of an opcode with its types ("add.rn.f32"), or null.
const Operation* operation_named(std::string_view opcode);

}  // namespace reprise::ptx
