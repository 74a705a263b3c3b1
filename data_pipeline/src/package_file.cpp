#include "package_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <memory>

#include "reprise/core/error.h"

namespace reprise::data {
namespace {

using Wanted = std::function<bool(std::string_view)>;

/// libarchive converts names as the locale says; here they are bytes, whatever the locale.
class PlainNames {
 public:
  PlainNames() : plain_(newlocale(LC_ALL_MASK, "C", nullptr)), before_(uselocale(plain_)) {}
  ~PlainNames() {
    uselocale(before_);
    freelocale(plain_);
  }
  PlainNames(const PlainNames&) = delete;
  PlainNames& operator=(const PlainNames&) = delete;

 private:
  locale_t plain_;
  locale_t before_;
};

struct CloseArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Archive = std::unique_ptr<archive, CloseArchive>;

[[noreturn]] void fail_damaged(const std::filesystem::path& path, archive* reader) {
  const char* reason = archive_error_string(reader);
  throw Error(ErrorKind::kData,
              fmt::format("cannot read package: {}: {}", path.string(), reason == nullptr ? "damaged archive" : reason),
              "delete the file and fetch it again");
}

Archive new_reader() {
  Archive reader(archive_read_new());
  REPRISE_REQUIRE(reader != nullptr, ErrorKind::kOutOfMemory, "cannot start libarchive", "free some memory");
  return reader;
}

/// Moves to the next entry; null at the end. A warning of libarchive is about a name that the locale cannot show.
archive_entry* next_entry(const std::filesystem::path& path, archive* reader) {
  archive_entry* entry = nullptr;
  const int status = archive_read_next_header(reader, &entry);
  if (status == ARCHIVE_EOF) return nullptr;
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail_damaged(path, reader);
  return entry;
}

std::string name_of(archive_entry* entry) {
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr) name = archive_entry_pathname_utf8(entry);
  return name == nullptr ? std::string() : std::string(name);
}

std::string read_entry(const std::filesystem::path& path, archive* reader, archive_entry* entry) {
  constexpr std::size_t kPiece = 1 << 16;
  constexpr la_int64_t kMostReserved = 64 << 20;  // what the archive says of a size may be wrong
  std::string content;
  content.reserve(static_cast<std::size_t>(std::clamp<la_int64_t>(archive_entry_size(entry), 0, kMostReserved)) +
                  kPiece);
  while (true) {
    const std::size_t size = content.size();
    content.resize(size + kPiece);
    const la_ssize_t count = archive_read_data(reader, content.data() + size, kPiece);
    if (count < 0) fail_damaged(path, reader);
    content.resize(size + static_cast<std::size_t>(count));
    if (count > 0) continue;
    content.shrink_to_fit();  // a package may hold many thousand small files
    return content;
  }
}

void collect(const std::filesystem::path& path, archive* reader, std::string_view leading, const Wanted& wanted,
             std::vector<PackageMember>& members) {
  while (archive_entry* entry = next_entry(path, reader)) {
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) continue;
    std::string name = name_of(entry);
    name.erase(0, std::min(name.find_first_not_of(leading), name.size()));
    if (!wanted(name)) continue;
    members.push_back({std::move(name), read_entry(path, reader, entry)});
  }
}

void open_memory(const std::filesystem::path& path, archive* reader, std::string_view bytes) {
  if (archive_read_open_memory(reader, bytes.data(), bytes.size()) != ARCHIVE_OK) fail_damaged(path, reader);
}

/// The packed file system of a Debian package: the member data.tar, data.tar.xz, ... of the ar archive.
std::string debian_data(const std::filesystem::path& path, std::string_view bytes) {
  const Archive reader = new_reader();
  archive_read_support_format_ar(reader.get());
  open_memory(path, reader.get(), bytes);
  while (archive_entry* entry = next_entry(path, reader.get())) {
    if (name_of(entry).starts_with("data.tar")) return read_entry(path, reader.get(), entry);
  }
  throw Error(ErrorKind::kData, fmt::format("cannot read package: {}: it has no data.tar", path.string()),
              "delete the file and fetch it again");
}

void read_tar(const std::filesystem::path& path, std::string_view bytes, std::string_view leading, const Wanted& wanted,
              std::vector<PackageMember>& members) {
  const Archive reader = new_reader();
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_format_tar(reader.get());
  open_memory(path, reader.get(), bytes);
  collect(path, reader.get(), leading, wanted, members);
}

void read_zip(const std::filesystem::path& path, std::string_view bytes, const Wanted& wanted,
              std::vector<PackageMember>& members) {
  const Archive reader = new_reader();
  archive_read_support_format_zip_seekable(reader.get());
  open_memory(path, reader.get(), bytes);
  collect(path, reader.get(), "", wanted, members);
}

}  // namespace

bool is_known_package(std::string_view name) {
  return name.ends_with(".deb") || name.ends_with(".whl") || name.ends_with(".tar.gz");
}

std::vector<PackageMember> read_package(const std::filesystem::path& path, std::string_view bytes,
                                        const Wanted& wanted) {
  const PlainNames plain_names;
  std::vector<PackageMember> members;
  if (path.extension() == ".deb") {
    read_tar(path, debian_data(path, bytes), "./", wanted, members);
  } else if (path.extension() == ".whl") {
    read_zip(path, bytes, wanted, members);
  } else {
    read_tar(path, bytes, "", wanted, members);
  }
  std::stable_sort(members.begin(), members.end(),
                   [](const PackageMember& a, const PackageMember& b) { return a.path < b.path; });
  return members;
}

}  // namespace reprise::data
