#pragma once
// Members of package files: Debian packages (.deb), Python wheels (.whl) and source archives (.tar.gz). Nothing of a
// package is run or unpacked to disk. Not thread-safe; different files may be read at the same time.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "extractors.h"

namespace reprise::data {

/// Whether members of a file of this name can be read.
bool is_known_package(std::string_view name);

/// The regular files of a package whose path `wanted` takes, sorted by path: inside a .deb the paths of its file system
/// without the leading "./"; links are no files. `bytes` is the content of the package file `path`, which is for
/// messages and for the kind of package alone. Throws kData for a damaged archive (path, what, where).
std::vector<PackageMember> read_package(const std::filesystem::path& path, std::string_view bytes,
                                        const std::function<bool(std::string_view)>& wanted);

}  // namespace reprise::data
