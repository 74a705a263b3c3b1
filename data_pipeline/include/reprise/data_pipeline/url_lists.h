#pragma once
// Lists of domains and words that an address (metadata.url) must not have (docs/reference/filters.md). The lists are
// files of yours, one entry a line; their hashes go into the report of who uses them. Immutable once filled;
// thread-safe then.

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/core/hash.h"
#include "reprise/data_pipeline/filters.h"

namespace reprise::data {

enum class UrlListKind {
  kDomains,      // the host or a domain above it is on the list
  kStrictWords,  // the address without - and . holds the word
  kHardWords,    // a run of letters and digits of the address is the word
  kSoftWords,    // the same, and it takes two
};

/// Returns the kind called "domains", "strict", "hard" or "soft". Throws kUsage with the nearest name.
UrlListKind url_list_kind(const std::string& name);

struct UrlListFile {
  std::string file;
  UrlListKind kind;
  Digest sha256;  // of the file's bytes
  std::size_t num_entries = 0;
};

class UrlLists {
 public:
  /// Adds the lines of a file; blank lines and lines that begin with # are none. Case does not matter. Throws kIo,
  /// kData for a file without entries.
  void add(UrlListKind kind, const std::filesystem::path& path);

  const std::vector<UrlListFile>& files() const { return files_; }

  /// What the lists that were added find in an address: one measure per kind, in the order of UrlListKind.
  std::vector<Measure> measure(std::string_view url) const;

 private:
  using Entries = std::set<std::string, std::less<>>;
  bool has(UrlListKind kind) const { return !entries_[static_cast<std::size_t>(kind)].empty(); }
  const Entries& entries(UrlListKind kind) const { return entries_[static_cast<std::size_t>(kind)]; }

  std::vector<UrlListFile> files_;
  Entries entries_[4];
};

/// The host of an address in lower case, without a user, a port and a "www." before it; "" when there is none.
std::string host_of(std::string_view url);

}  // namespace reprise::data
