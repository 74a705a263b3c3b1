#pragma once
// flock(2) on what is open: nothing is written, and the lock dies with its process, however that dies.

#include <chrono>
#include <filesystem>

namespace reprise {

/// Waits up to `patience` for another holder; returns whether nobody else holds it now. A file system without locks
/// keeps nobody out.
bool wait_for_lock(int descriptor, std::chrono::milliseconds patience);

/// Whether `path` names what is open: not where somebody removed, renamed or replaced it before the lock was had.
bool is_named(int descriptor, const std::filesystem::path& path);

}  // namespace reprise
