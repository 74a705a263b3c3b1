#pragma once
// Copies of a run's files that belong to whoever makes them, as the run may be a read-only archive or another user's.

#include <filesystem>

namespace reprise::train {

/// Copies a file, in the place of one that is there. The owner of the copy may write it, whatever the mode of `from`.
/// Throws kIo.
void copy_to_own(const std::filesystem::path& from, const std::filesystem::path& to);

/// Makes `to` a folder with the files of `from`: hard links where that is allowed, which keep the mode that the run
/// gave them and are never written, else copies as above. The folders are the owner's to write. It appears whole or not
/// at all, without partial files; nothing is done where `from` is no folder or `to` is there. Throws kIo.
void take_folder(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace reprise::train
