#pragma once
// The conformance program, but for where its devices come from: tests run it with an emulated GPU.

#include <string>

#include "named_device.h"

namespace reprise::conformance {

/// Parses the command line, runs the checks, prints the report. Returns the exit code: 0 when everything is the same, 1
/// when something differs, else that of the error (docs/reference/exit_codes.md).
int run_program(int argc, char** argv, const std::string& default_device, const FindDevice& find_device,
                const FindNativeDevice& find_native_device);

}  // namespace reprise::conformance
