#pragma once
// Files: whole reads, atomic whole writes. Every failure is an Error(kIo) with the path and the system's reason.

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace reprise {

/// Reads a whole file. Throws kIo when it cannot be read, or is a pipe or device that has not one of the system's own
/// names, such as /dev/stdin; kOutOfMemory where it is larger than memory.
std::string read_file(const std::filesystem::path& path);

/// Throws kIo where a pipe or a device stands at `path`, in the place of a file that another reader opens.
void require_no_stream(const std::filesystem::path& path);

/// Writes `bytes` under a temporary name in the same folder, syncs, renames, syncs the folder. A reader sees the
/// old file or the new one, never a part, also where several write it at once: each waits for its turn (PartialFile).
/// On failure the temporary file is removed and kIo is thrown (kUsage where `path` is a pipe or a device).
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// Creates a folder and its parents. Throws kIo.
void make_folders(const std::filesystem::path& path);

/// Syncs a file that another library wrote and closed (fsync), then renames it and syncs the folder.
void commit_file(const std::filesystem::path& temporary, const std::filesystem::path& final_path);

/// Renames without waiting for the disk: whole or not there when this process ends, but not when the machine does. For
/// temporary files.
void rename_file(const std::filesystem::path& temporary, const std::filesystem::path& final_path);

/// Opens a new file at `path`, to be written, in the place of what stood there: neither what a link leads to nor what
/// has the same file under another name is touched. Returns nullptr, with errno, where it cannot. For temporary files
/// that no other process writes; others are a PartialFile.
std::FILE* open_new_file(const std::filesystem::path& path);

/// The name under which `final_path` is written before it is complete: ".<name>.partial" in the same folder.
std::filesystem::path partial_path(const std::filesystem::path& final_path);

/// Returns "text: reason" for errno value `error_number`, for messages of our own.
std::string system_reason(int error_number);

/// What a file or folder was wanted for.
enum class FileUse { kRead, kWrite, kUnknown };

/// The next thing to do after errno value `error_number` ("free space ...", "check permissions ...").
std::string system_hint(int error_number, FileUse use = FileUse::kWrite);

}  // namespace reprise
