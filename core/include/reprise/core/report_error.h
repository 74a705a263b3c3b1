#pragma once
// The end of a program that failed: what it says, and its exit code. For main() and what stands right below it.

#include "reprise/core/error.h"

namespace reprise {

/// To be called in a handler. Returns what it has caught as an Error: a failed allocation and the operating system's
/// errors by their kind, the first line of any other exception as a bug of ours.
Error caught_error();

/// Prints an error on standard error, which need not take it, and returns its exit code.
int report_error(const Error& error);

}  // namespace reprise
