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

/// What a killed process left, or another one is writing.
bool is_partial_name(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".") && name.ends_with(".partial");
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
    for (fs::recursive_directory_iterator i(from, fs::directory_options::follow_directory_symlink), end; i != end;
         ++i) {
      if (is_partial_name(i->path())) {
        i.disable_recursion_pending();
        continue;
      }
      const fs::path target = partial / i->path().lexically_relative(from);
      i->is_directory() ? make_own_folder(target) : link_or_copy(i->path(), target);
    }
  });
  rename_file(partial, to);
}

}  // namespace reprise::train
