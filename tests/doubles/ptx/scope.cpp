#include "scope.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace reprise::ptx {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

const std::set<std::string, std::less<>> kSpecials = {"%tid.x",    "%tid.y",    "%tid.z",   "%ntid.x",  "%ntid.y",
                                                      "%ntid.z",   "%ctaid.x",  "%ctaid.y", "%ctaid.z", "%nctaid.x",
                                                      "%nctaid.y", "%nctaid.z", "%laneid"};

}  // namespace

void Scope::add_registers(const Line& line) {
  const std::vector<std::string_view> words = words_of(line.text.substr(0, line.text.find(';')));
  if (words.size() != 3) refuse(line, "not a declaration of registers");
  std::string_view name = words[2];
  std::uint32_t count = 1;
  if (const std::size_t bracket = name.find('<'); bracket != std::string_view::npos) {
    count = static_cast<std::uint32_t>(number_of(line, name.substr(bracket + 1, name.size() - bracket - 2)));
    name = name.substr(0, bracket);
  }
  const int bytes = bytes_of_type(line, words[1].substr(1));
  families_[std::string(name)] = {num_rows_, count, bytes};
  num_rows_ += count * (bytes == 8 ? 2 : 1);
}

const Scope::Family* Scope::family_of(std::string_view text, std::uint32_t& index) const {
  if (const auto whole = families_.find(text); whole != families_.end()) {
    index = 0;
    return &whole->second;
  }
  std::size_t digits = text.size();
  while (digits > 0 && is_digit(text[digits - 1])) --digits;
  const auto found = families_.find(text.substr(0, digits));
  if (found == families_.end()) return nullptr;
  index = 0;
  std::from_chars(text.data() + digits, text.data() + text.size(), index);
  return index < found->second.count ? &found->second : nullptr;
}

bool Scope::is_wide_register(std::string_view text) const {
  std::uint32_t index = 0;
  const Family* const family = family_of(text, index);
  return family != nullptr && family->bytes == 8;
}

Row Scope::operand(const Line& line, std::string_view text, int bytes) {
  std::uint32_t index = 0;
  if (const Family* const family = family_of(text, index)) {
    if ((family->bytes == 8) != (bytes == 8) || (family->bytes == 0) != (bytes == 0)) {
      refuse(line, std::string(text) + " has another size than the instruction");
    }
    return family->first + index * (bytes == 8 ? 2 : 1);
  }
  if (text[0] == '%') return special(line, text);
  if (starts_with(text, "0f")) {
    std::uint32_t bits = 0;
    std::from_chars(text.data() + 2, text.data() + text.size(), bits, 16);
    return constant(bits, false);
  }
  if (is_digit(text[0]) || text[0] == '-') {
    const auto value = static_cast<std::uint64_t>(number_of(line, text));
    if (bytes == 0) return constant(value != 0 ? 0xffffffffu : 0, false);
    return constant(bytes == 8 ? value : value & (bytes == 2 ? 0xffffu : 0xffffffffu), bytes == 8);
  }
  return constant(symbol(line, text), bytes == 8);
}

Row Scope::constant(std::uint64_t value, bool wide) {
  const auto [found, is_new] = constants_.try_emplace({value, wide}, num_rows_);
  if (is_new) num_rows_ += wide ? 2 : 1;
  return found->second;
}

Row Scope::special(const Line& line, std::string_view name) {
  if (!kSpecials.contains(name)) refuse(line, "no register " + std::string(name));
  const auto [found, is_new] = specials_.try_emplace(std::string(name), num_rows_);
  if (is_new) ++num_rows_;
  return found->second;
}

std::uint32_t Scope::symbol(const Line& line, std::string_view name) const {
  const auto found = symbols_.find(name);
  if (found == symbols_.end()) refuse(line, "nothing is called " + std::string(name));
  return found->second;
}

void Scope::give_rows_to(Kernel& kernel) && {
  kernel.num_rows = num_rows_;
  for (const auto& [constant, row] : constants_) kernel.constants.push_back({row, constant.second, constant.first});
  for (const auto& [name, row] : specials_) kernel.specials.push_back({row, name});
}

}  // namespace reprise::ptx
