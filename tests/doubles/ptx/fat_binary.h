#pragma once
// The PTX inside a program: what nvcc puts there beside the machine code, for GPUs newer than that.

#include <string>
#include <vector>

namespace reprise::ptx {

/// The PTX files of a fat binary, uncompressed. Throws Fault where it has another form than nvcc 13.0 gives it.
std::vector<std::string> ptx_of_fat_binary(const void* fat_binary);

}  // namespace reprise::ptx
