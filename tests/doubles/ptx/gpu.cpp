#include "gpu.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "emulated_memory.h"
#include "fat_binary.h"
#include "races.h"

namespace reprise::ptx {
namespace {

struct Registered {
  std::mutex mutex;  // guards what follows
  std::vector<const void*> unread;
  std::map<const void*, std::string> names;
  Module kernels;
  std::map<std::string, Uses> uses;
};

Registered& registered() {
  static auto* const all = new Registered;  // used before main() and after it
  return *all;
}

Range allocation_of(std::uint64_t address) {
  const auto [begin, num_bytes] = emulation::global_memory().allocation_of(reinterpret_cast<const void*>(address));
  const auto first = reinterpret_cast<std::uint64_t>(begin);
  return {first, first + num_bytes};
}

/// "ld.shared.v4.f32" of a statement.
std::string opcode_of(const std::string& statement) {
  const std::size_t begin = statement.front() == '@' ? statement.find_first_of(" \t") : 0;
  const std::size_t first = statement.find_first_not_of(" \t", begin);
  return statement.substr(first, statement.find_first_of(" \t;", first) - first);
}

}  // namespace

void stop(const std::string& problem) {
  std::fprintf(stderr, "PTX on the host: %s\n", problem.c_str());
  std::abort();
}

void register_fat_binary(const void* fat_binary) {
  const std::lock_guard lock(registered().mutex);
  registered().unread.push_back(fat_binary);
}

void register_kernel(const void* host_function, const char* name) {
  const std::lock_guard lock(registered().mutex);
  registered().names[host_function] = name;
}

const Kernel& kernel_of(const void* host_function) {
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  try {
    for (const void* fat_binary : all.unread) {
      for (const std::string& text : ptx_of_fat_binary(fat_binary)) all.kernels.merge(parse_module(text));
    }
    all.unread.clear();
  } catch (const Fault& fault) {
    stop(fault.what());
  }
  const auto name = all.names.find(host_function);
  if (name == all.names.end()) stop("a kernel that was not registered");
  const auto kernel = all.kernels.find(name->second);
  if (kernel == all.kernels.end()) stop("no PTX of " + name->second);
  return kernel->second;
}

void execute_or_stop(const Launch& launch) {
  const std::lock_guard lock(emulation::one_at_a_time());
  try {
    static const bool measures_traffic = std::getenv("REPRISE_PTX_USES") != nullptr;
    static auto* const races = new Races;  // as registered()
    execute(launch, allocation_of, registered().uses[launch.kernel.name], measures_traffic, races);
  } catch (const Fault& fault) {
    stop(fault.what());
  }
}

void write_coverage_where_asked() {
  const char* const path = std::getenv("REPRISE_PTX_COVERAGE");
  if (path == nullptr) return;
  std::ofstream file(path);
  for (const auto& [name, kernel] : registered().kernels) {
    Uses& uses = registered().uses[name];
    uses.resize(kernel.code.size());
    file << name << ' ';
    for (const Use& use : uses) file << (use.times > 0 ? '1' : '0');
    file << '\n';
  }
  if (!file.flush()) stop(std::string("cannot write ") + path);
}

void write_uses_where_asked() {
  const char* const path = std::getenv("REPRISE_PTX_USES");
  if (path == nullptr) return;
  std::ofstream file(path);
  for (const auto& [name, kernel] : registered().kernels) {
    const Uses& uses = registered().uses[name];
    for (std::size_t i = 0; i < uses.size(); ++i) {
      if (uses[i].times == 0) continue;
      const Use& use = uses[i];
      file << nlohmann::json{{"kernel", name},
                             {"line", kernel.code[i].line},
                             {"ptx", opcode_of(kernel.lines[i])},
                             {"times", use.times},
                             {"lanes", use.lanes},
                             {"shared", {use.shared.moved, use.shared.least}},
                             {"global", {use.global.moved, use.global.least}}}
           << '\n';
    }
  }
  if (!file.flush()) stop(std::string("cannot write ") + path);
}

}  // namespace reprise::ptx
