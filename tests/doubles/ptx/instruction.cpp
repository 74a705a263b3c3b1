#include "instruction.h"

#include <algorithm>

#include "operations.h"

namespace reprise::ptx {
namespace {

using Words = std::vector<std::string_view>;

struct Statement {
  const Line& line;
  std::string_view opcode;
  Words operands;
};

void expect_operands(const Statement& statement, std::size_t count) {
  if (statement.operands.size() != count) refuse(statement.line, "not as many operands as known");
}

/// "[%rd2+1024]", "[name+16]", "[%r1+-4]".
void parse_address(const Statement& statement, std::string_view text, Instruction& into, Scope& scope) {
  if (text.size() < 3 || text.front() != '[' || text.back() != ']') refuse(statement.line, "not an address");
  text = text.substr(1, text.size() - 2);
  const std::size_t plus = text.find('+');
  const std::string_view base = trimmed(text.substr(0, plus));
  into.displacement = plus == std::string_view::npos ? 0 : number_of(statement.line, trimmed(text.substr(plus + 1)));
  if (base[0] == '%') {
    into.wide_address = scope.is_wide_register(base);
    into.address = scope.operand(statement.line, base, into.wide_address ? 8 : 4);
  } else {
    into.displacement += scope.symbol(statement.line, base);
  }
}

/// The space, the length of a vector and the type in "ld.shared.v4.f32".
void parse_access_opcode(const Statement& statement, Instruction& into) {
  Words words = parts_of(statement.opcode, '.');
  words.erase(words.begin());
  for (const auto& [name, space] :
       {std::pair{"param", Space::kParam}, {"global", Space::kGlobal}, {"shared", Space::kShared}}) {
    if (words.front() != name) continue;
    into.space = space;
    words.erase(words.begin());
  }
  if (words.front() == "v2" || words.front() == "v4") {
    into.values = words.front() == "v2" ? 2 : 4;
    words.erase(words.begin());
  }
  if (words.size() != 1) refuse(statement.line, "unknown instruction");
  into.bytes = bytes_of_type(statement.line, words.front());
  into.is_signed = words.front()[0] == 's';
}

void parse_access(const Statement& statement, Instruction& into, Scope& scope) {
  expect_operands(statement, 2);
  into.kind = starts_with(statement.opcode, "ld") ? Kind::kLoad : Kind::kStore;
  parse_access_opcode(statement, into);
  const bool loads = into.kind == Kind::kLoad;
  parse_address(statement, statement.operands[loads ? 1 : 0], into, scope);
  std::string_view values = statement.operands[loads ? 0 : 1];
  if (values.front() == '{') values = values.substr(1, values.size() - 2);
  const Words names = parts_of(values, ',');
  if (names.size() != static_cast<std::size_t>(into.values)) refuse(statement.line, "a vector of another length");
  into.wide = scope.is_wide_register(names.front()) || (!loads && into.bytes == 8);
  for (std::size_t i = 0; i < names.size(); ++i) {
    into.vector[i] = scope.operand(statement.line, names[i], into.wide ? 8 : std::min(into.bytes, 4));
  }
}

/// "cp.async.cg.shared.global [to], [from], 16".
void parse_copy(const Statement& statement, Instruction& into, Scope& scope) {
  expect_operands(statement, 3);
  into.kind = Kind::kCopy;
  into.bytes = static_cast<int>(number_of(statement.line, statement.operands[2]));
  const bool through_l1 = statement.opcode == "cp.async.ca.shared.global";
  if (!through_l1 && (statement.opcode != "cp.async.cg.shared.global" || into.bytes != 16)) {
    refuse(statement.line, "unknown copy");
  }
  if (into.bytes != 4 && into.bytes != 8 && into.bytes != 16) refuse(statement.line, "a copy of another size");
  Instruction from;
  parse_address(statement, statement.operands[1], from, scope);
  parse_address(statement, statement.operands[0], into, scope);
  if (from.address == kNoRow || !from.wide_address || into.wide_address) refuse(statement.line, "unknown addresses");
  into.operands[0] = from.address;
  into.from_displacement = from.displacement;
}

/// "shfl.sync.bfly.b32 %r34|%p6, value, distance or lane, clamp, lanes".
void parse_shuffle(const Statement& statement, Instruction& into, Scope& scope) {
  expect_operands(statement, 5);
  into.kind = Kind::kShuffle;
  into.by_index = statement.opcode == "shfl.sync.idx.b32";
  if (!into.by_index && statement.opcode != "shfl.sync.bfly.b32") refuse(statement.line, "unknown shuffle");
  const Words results = parts_of(statement.operands[0], '|');
  into.result = scope.operand(statement.line, results.at(0), 4);
  if (results.size() > 1) into.result_predicate = scope.operand(statement.line, results[1], 0);
  for (int i = 0; i < 4; ++i) into.operands[i] = scope.operand(statement.line, statement.operands[i + 1], 4);
}

void parse_compute(const Statement& statement, Instruction& into, Scope& scope) {
  std::string name(statement.opcode);
  const bool narrows = starts_with(name, "cvt.") && name.ends_with("32") && statement.operands.size() == 2 &&
                       scope.is_wide_register(statement.operands[1]);
  if (narrows) name += " of b64";
  const Operation* const operation = operation_named(name);
  if (operation == nullptr) refuse(statement.line, "unknown instruction");
  expect_operands(statement, operation->bytes.size());
  into.apply = operation->apply;
  into.result = scope.operand(statement.line, statement.operands[0], operation->bytes[0]);
  for (std::size_t i = 1; i < operation->bytes.size(); ++i) {
    into.operands[i - 1] = scope.operand(statement.line, statement.operands[i], operation->bytes[i]);
  }
}

/// Instructions that order threads. False where it is none.
bool parse_order(const Statement& statement, ParsedInstruction& into, Scope& scope) {
  Instruction& instruction = into.instruction;
  const std::string_view opcode = statement.opcode;
  if (opcode == "ret" || opcode == "exit") {
    instruction.kind = Kind::kExit;
  } else if (opcode == "bra" || opcode == "bra.uni") {
    expect_operands(statement, 1);
    instruction.kind = Kind::kBranch;
    into.label = statement.operands[0];
  } else if (opcode == "bar.sync") {
    expect_operands(statement, 1);
    if (statement.operands[0] != "0") refuse(statement.line, "a barrier other than 0");
    instruction.kind = Kind::kBlockWait;
  } else if (opcode == "bar.warp.sync") {
    expect_operands(statement, 1);
    instruction.kind = Kind::kWarpWait;
    instruction.operands[3] = scope.operand(statement.line, statement.operands[0], 4);
  } else if (opcode == "cp.async.commit_group") {
    instruction.kind = Kind::kCommit;
  } else if (opcode == "cp.async.wait_group") {
    expect_operands(statement, 1);
    instruction.kind = Kind::kWait;
    instruction.groups = static_cast<std::uint32_t>(number_of(statement.line, statement.operands[0]));
  } else {
    return false;
  }
  return true;
}

}  // namespace

ParsedInstruction parse_instruction(const Line& line, Scope& scope) {
  ParsedInstruction parsed;
  Instruction& instruction = parsed.instruction;
  instruction.line = line.number;
  std::string_view text = trimmed(line.text.substr(0, line.text.find(';')));
  if (text.front() == '@') {
    const std::size_t blank = text.find_first_of(" \t");
    std::string_view guard = text.substr(1, blank - 1);
    instruction.negated = guard.front() == '!';
    if (instruction.negated) guard.remove_prefix(1);
    instruction.predicate = scope.operand(line, guard, 0);
    text = trimmed(text.substr(blank));
  }
  const std::size_t blank = std::min(text.find_first_of(" \t"), text.size());
  const Statement statement{line, text.substr(0, blank), parts_of(text.substr(blank), ',')};
  if (parse_order(statement, parsed, scope)) return parsed;
  if (starts_with(statement.opcode, "ld.") || starts_with(statement.opcode, "st.")) {
    parse_access(statement, instruction, scope);
  } else if (starts_with(statement.opcode, "cp.async.")) {
    parse_copy(statement, instruction, scope);
  } else if (starts_with(statement.opcode, "shfl.")) {
    parse_shuffle(statement, instruction, scope);
  } else {
    parse_compute(statement, instruction, scope);
  }
  return parsed;
}

}  // namespace reprise::ptx
