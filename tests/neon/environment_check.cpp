// On aarch64: a thread whose FPCR was changed is turned away [C-1], and one in the default state is not.

#include <cstdint>
#include <cstdio>
#include <string>

#include "reprise/core/error.h"
#include "reprise/numerics/target.h"

namespace {

/// The message of check_floating_point_environment() with `bits` set in FPCR; empty when it does not throw.
std::string message_with(std::uint64_t bits) {
  std::uint64_t saved = 0;
  std::string message;
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
  __asm__ volatile("msr fpcr, %0" : : "r"(saved | bits));
  try {
    reprise::numerics::check_floating_point_environment();
  } catch (const reprise::Error& error) {
    message = error.what();
  }
  __asm__ volatile("msr fpcr, %0" : : "r"(saved));
  return message;
}

bool expect(std::uint64_t bits, const std::string& words) {
  const std::string message = message_with(bits);
  const bool as_expected = words.empty() ? message.empty() : message.find(words) != std::string::npos;
  if (!as_expected)
    std::printf("FPCR with bits %#llx: \"%s\"\n", static_cast<unsigned long long>(bits), message.c_str());
  return as_expected;
}

}  // namespace

int main() {
  const bool passed = expect(0, "") & expect(1u << 24, "flush-to-zero") & expect(1u << 22, "rounding");
  return passed ? 0 : 1;
}
