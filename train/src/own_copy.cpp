#include "own_copy.h"

#include <fmt/core.h>

#include <system_error>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::train {
namespace {

namespace fs = std::filesystem;

/// Runs `work`, whose failure is that of a copy.
template <typename Work>
void copying(const fs::path& from, const fs::path& to, const Work& work) {
  try {
    work();
  } catch (const fs::filesystem_error& failure) {
    throw Error(ErrorKind::kIo,
                fmt::format("cannot copy {} to {}: {}", from.string(), to.string(), failure.code().message()),
                "check the space and the permissions there");
  }
}

void link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(fs::canonical(from), to, error);
  if (error) copy_to_own(from, to);
}

void make_own_folder(const fs::path& path) {
  fs::create_directory(path);
  fs::permissions(path, fs::perms::owner_all, fs::perm_options::add);
}

}  // namespace

void copy_to_own(const fs::path& from, const fs::path& to) {
  copying(from, to, [&] {
    fs::copy_file(from, to, fs::copy_options::overwrite_existing);
    fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, fs::perm_options::add);
  });
}

void take_folder(const fs::path& from, const fs::path& to) {
  if (!fs::is_directory(from) || fs::exists(to)) return;
  const fs::path partial = partial_path(to);
  copying(from, to, [&] {
    fs::remove_all(partial);
    make_own_folder(partial);
    for (const auto& entry : fs::recursive_directory_iterator(from, fs::directory_options::follow_directory_symlink)) {
      const fs::path target = partial / entry.path().lexically_relative(from);
      entry.is_directory() ? make_own_folder(target) : link_or_copy(entry.path(), target);
    }
  });
  rename_file(partial, to);
}

}  // namespace reprise::train
