#pragma once
// The names of one kernel: where each register, constant, special register and variable is.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "module.h"
#include "source.h"

namespace reprise::ptx {

class Scope {
 public:
  /// ".reg .b32 %r<67>;" or ".reg .pred p;".
  void add_registers(const Line& line);
  void add_symbol(const std::string& name, std::uint32_t offset) { symbols_[name] = offset; }

  /// The row of a register, special register, number or address of a variable, for a use of `bytes` (0: a predicate).
  Row operand(const Line& line, std::string_view text, int bytes);
  bool is_wide_register(std::string_view text) const;
  /// The offset of a variable, or refuses.
  std::uint32_t symbol(const Line& line, std::string_view name) const;

  /// Moves what was found into the kernel.
  void give_rows_to(Kernel& kernel) &&;

 private:
  struct Family {  // %r<67>
    Row first;
    std::uint32_t count;
    int bytes;
  };
  Row constant(std::uint64_t value, bool wide);
  Row special(const Line& line, std::string_view name);
  const Family* family_of(std::string_view text, std::uint32_t& index) const;

  Row num_rows_ = 0;
  std::map<std::string, Family, std::less<>> families_;
  std::map<std::string, std::uint32_t, std::less<>> symbols_;
  std::map<std::pair<std::uint64_t, bool>, Row> constants_;
  std::map<std::string, Row, std::less<>> specials_;
};

}  // namespace reprise::ptx
