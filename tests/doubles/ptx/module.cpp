#include "module.h"

#include <algorithm>
#include <utility>

#include "instruction.h"
#include "scope.h"
#include "source.h"

namespace reprise::ptx {
namespace {

using Lines = std::vector<Line>;

std::uint32_t next_multiple(std::uint32_t value, std::uint32_t of) { return (value + of - 1) / of * of; }

/// One kernel while it is read: first what it declares, then its statements.
class KernelReader {
 public:
  KernelReader(std::string name, Lines lines) : lines_(std::move(lines)) { kernel_.name = std::move(name); }

  Kernel read(const std::vector<Variable>& of_module) && {
    for (const Line& line : lines_) declare(line);
    for (const Variable& variable : of_module) {
      if (!variable.is_dynamic && uses(variable.name)) add_shared(variable);
    }
    kernel_.static_shared = next_multiple(kernel_.static_shared, 16);
    for (const Variable& variable : of_module) {
      if (variable.is_dynamic) scope_.add_symbol(variable.name, kernel_.static_shared);
    }
    for (const Line& line : lines_) add_statement(line);
    for (const auto& [index, label] : branches_) {
      const auto found = labels_.find(label);
      if (found == labels_.end()) throw Fault("no label " + label);
      kernel_.code[index].target = found->second;
    }
    std::move(scope_).give_rows_to(kernel_);
    return std::move(kernel_);
  }

 private:
  bool uses(const std::string& name) const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const Line& line) { return line.text.find(name) != std::string_view::npos; });
  }

  void add_shared(const Variable& variable) {
    kernel_.static_shared = next_multiple(kernel_.static_shared, variable.alignment);
    scope_.add_symbol(variable.name, kernel_.static_shared);
    kernel_.static_shared += variable.bytes;
  }

  void declare(const Line& line) {
    if (starts_with(line.text, ".reg")) {
      scope_.add_registers(line);
    } else if (starts_with(line.text, ".shared")) {
      add_shared(variable_of(line));
    } else if (starts_with(line.text, ".param")) {
      const Variable parameter = variable_of(line);
      const std::uint32_t offset = next_multiple(kernel_.parameter_space, parameter.alignment);
      kernel_.parameter_offsets.push_back(offset);
      kernel_.parameter_bytes.push_back(parameter.bytes);
      kernel_.parameter_space = offset + parameter.bytes;
      scope_.add_symbol(parameter.name, offset);
    } else if (starts_with(line.text, ".maxntid")) {
      kernel_.most_threads = 1;
      for (const std::string_view size : parts_of(line.text.substr(sizeof(".maxntid") - 1), ',')) {
        kernel_.most_threads *= static_cast<std::uint32_t>(number_of(line, size));
      }
    }
  }

  void add_statement(const Line& line) {
    const char last = line.text.back();
    if (line.text.front() == '.' || line.text == "{" || line.text == "}" || line.text == "(" || line.text == ")")
      return;
    if (last == ':') {
      labels_[std::string(line.text.substr(0, line.text.size() - 1))] = static_cast<std::uint32_t>(kernel_.code.size());
      return;
    }
    if (last != ';') refuse(line, "not a statement");
    ParsedInstruction parsed = parse_instruction(line, scope_);
    if (!parsed.label.empty()) branches_.emplace_back(kernel_.code.size(), parsed.label);
    kernel_.code.push_back(parsed.instruction);
    kernel_.lines.emplace_back(line.text);
  }

  Lines lines_;
  Kernel kernel_;
  Scope scope_;
  std::map<std::string, std::uint32_t> labels_;
  std::vector<std::pair<std::size_t, std::string>> branches_;
};

/// The name in ".visible .entry name(".
std::string name_of_entry(const Line& line) {
  const std::size_t begin = line.text.find(".entry") + sizeof(".entry") - 1;
  const std::string_view rest = trimmed(line.text.substr(begin));
  return std::string(rest.substr(0, rest.find('(')));
}

}  // namespace

Module parse_module(std::string_view text) {
  Module module;
  std::vector<Variable> shared;
  const Lines lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view statement = lines[i].text;
    if (starts_with(statement, ".shared") || starts_with(statement, ".extern .shared")) {
      shared.push_back(variable_of(lines[i]));
    } else if (statement.find(".entry") != std::string_view::npos) {
      const std::string name = name_of_entry(lines[i]);
      const std::size_t begin = ++i;
      for (int depth = 0; i < lines.size(); ++i) {  // to the brace that ends it
        if (lines[i].text == "{") ++depth;
        if (lines[i].text == "}" && --depth == 0) break;
      }
      if (i == lines.size()) refuse(lines.back(), "a kernel without an end");
      try {
        module.emplace(name, KernelReader(name, Lines(lines.begin() + static_cast<std::ptrdiff_t>(begin),
                                                      lines.begin() + static_cast<std::ptrdiff_t>(i)))
                                 .read(shared));
      } catch (const Fault& fault) {
        throw Fault(name + ": " + fault.what());
      }
    } else if (!starts_with(statement, ".version") && !starts_with(statement, ".target") &&
               !starts_with(statement, ".address_size")) {
      refuse(lines[i], "unknown outside a kernel");
    }
  }
  return module;
}

}  // namespace reprise::ptx
