#pragma once
// The GPU that runtime.cpp and registration.cpp pretend to have: its kernels and what a launch does.

#include <cstdint>
#include <string>
#include <vector>

#include "emulated_device.h"
#include "machine.h"

namespace reprise::ptx {

/// GPU 0 has an H100's multiprocessors and shared memory, by which launches are planned; the others have the shared
/// memory of the emulated GPUs of their number.
inline constexpr int kNumDevices = emulation::kNumDevices;
inline constexpr int multiprocessors_of(int device) { return device == 0 ? 132 : 4; }
inline constexpr std::size_t shared_bytes_of(int device) {
  return device == 0 ? std::size_t{227} << 10 : emulation::shared_bytes_of(device);
}
/// What the calling thread chose.
int current_device();

/// Remembers the PTX of a fat binary. Registered before main() by what nvcc adds to a source; read at the first launch.
void register_fat_binary(const void* fat_binary);
void register_kernel(const void* host_function, const char* name);
/// What a launch of the host's function starts. Ends the program where there is none.
const Kernel& kernel_of(const void* host_function);

/// Executes a launch; a fault ends the program with its message.
void execute_or_stop(const Launch& launch);

/// Writes what was executed to the file that REPRISE_PTX_COVERAGE names, if any: a line for each kernel of the program,
/// its name and a digit for each of its instructions, 1 where it was executed.
void write_coverage_where_asked();

/// Writes a line of JSON for each instruction that was executed to the file that REPRISE_PTX_USES names, if any;
/// without it accesses are not measured.
void write_uses_where_asked();
[[noreturn]] void stop(const std::string& problem);

}  // namespace reprise::ptx
