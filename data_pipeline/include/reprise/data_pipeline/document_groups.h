#pragma once
// The groups of a recipe as streams of tokens: the documents of a group in the order of the shards, each followed by
// its end of text, cut into sequences. Without groups in the recipe all documents are one. Immutable; thread-safe.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "reprise/configs/config.pb.h"
#include "reprise/data_pipeline/shards.h"

namespace reprise::data {

/// The tokens of a document that one sequence holds, inputs and the last target together.
struct DocumentPart {
  std::size_t document = 0;       // index into TokenSet::documents()
  std::uint64_t first_token = 0;  // within the document; its end_of_text counts as the token after its last
  std::uint64_t num_tokens = 0;
  std::uint32_t position = 0;  // in the sequence, of the first of them
};

class DocumentGroups {
 public:
  /// `tokens` must outlive this. Throws kData when a document belongs to no group.
  DocumentGroups(const TokenSet& tokens, const configs::TrainRecipe& recipe);

  std::size_t size() const { return groups_.size(); }
  const std::string& name(std::size_t group) const { return groups_[group].name; }  // empty: no groups were given
  std::uint64_t num_documents(std::size_t group) const { return groups_[group].documents.size(); }
  /// Ends of text included.
  std::uint64_t num_tokens(std::size_t group) const { return groups_[group].starts.back(); }
  /// Whole sequences: floor((num_tokens - 1) / length).
  std::uint64_t num_sequences(std::size_t group) const;
  std::uint32_t sequence_length() const { return length_; }
  std::size_t group_of(std::size_t document) const { return group_of_[document]; }

  /// The tokens of a sequence and the one after, document by document.
  std::vector<DocumentPart> parts(std::size_t group, std::uint64_t sequence) const;
  /// Copies inputs and targets of a sequence.
  void read(std::size_t group, std::uint64_t sequence, std::int32_t* inputs, std::int32_t* targets) const;

  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  /// The sequences of its group that hold tokens of a document, as input or target.
  Range sequences_of(std::size_t document) const;

 private:
  struct Group {
    std::string name;
    std::vector<std::size_t> documents;    // ascending
    std::vector<std::uint64_t> starts{0};  // of each document in the group's stream, and the stream's end
  };

  void assign(const configs::TrainRecipe& recipe);

  const TokenSet& tokens_;
  std::uint32_t length_;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> group_of_;  // by document
};

/// Says whether `pattern`, in which '*' stands for any characters and '?' for one byte, matches the whole of `text`.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace reprise::data
