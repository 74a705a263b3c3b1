#pragma once
// How the members of a package become texts: the extractors that a row of a corpus recipe may name
// (docs/reference/standard_corpus.md). Pure; thread-safe.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::data {

struct PackageMember {
  std::string path;
  std::string bytes;
};

/// One text and its place: the member's path, with "#2" behind it for the third text of a member.
struct ExtractedText {
  std::string path;
  std::string text;
};

using TakeText = std::function<void(ExtractedText)>;

struct Extractor {
  std::string_view name;
  std::string_view kind;       // of the documents: "natural" or "code"
  std::size_t min_characters;  // shorter documents are left out
  bool splits = true;          // texts of more than 60,000 characters become several documents
  /// Hands over the texts of the selected members of a package, in order; a member that has been read is let go. Throws
  /// kData with the path of the member.
  void (*extract)(std::vector<PackageMember> members, const TakeText& take);
};

/// Null for a name that no extractor has.
const Extractor* find_extractor(std::string_view name);

/// Names of all, for messages.
std::string extractor_names();

}  // namespace reprise::data
