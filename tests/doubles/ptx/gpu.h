#pragma once
// The GPU that runtime.cpp and registration.cpp pretend to have: its kernels and what a launch does.

#include <cstdint>
#include <string>
#include <vector>

#include "machine.h"

namespace reprise::ptx {

/// Remembers the PTX of a fat binary. Registered before main() by what nvcc adds to a source; read at the first launch.
void register_fat_binary(const void* fat_binary);
void register_kernel(const void* host_function, const char* name);
/// What a launch of the host's function starts. Ends the program where there is none.
const Kernel& kernel_of(const void* host_function);

/// Executes a launch; a fault ends the program with its message.
void execute_or_stop(const Launch& launch);
[[noreturn]] void stop(const std::string& problem);

}  // namespace reprise::ptx
