#include "paragraph_index.h"

#include "byte_order.h"
#include "reprise/core/error.h"
#include "text_units.h"

namespace reprise::data {
namespace {

constexpr std::size_t kHashBytes = 16;  // 128 bits of SHA-256
constexpr std::size_t kDigestBytes = 32;

std::string_view leading_bytes(const Digest& digest, std::size_t count) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), count};
}

}  // namespace

ParagraphIndex::ParagraphIndex(std::uint32_t min_words, const std::filesystem::path& folder, std::uint64_t memory_bytes)
    : min_words_(min_words),
      paragraphs_(folder, "paragraphs", memory_bytes / 2),
      duplicates_(folder, "duplicates", memory_bytes / 2) {}

void ParagraphIndex::add(const Digest& digest, std::string_view text) {
  std::uint64_t place = 0;
  for (const std::string_view paragraph : split_paragraphs(text)) {
    const std::uint64_t here = place++;
    if (split_words(paragraph).size() < min_words_) continue;
    std::string value(leading_bytes(digest, kDigestBytes));
    append_big_endian(value, num_added_);
    append_big_endian(value, here);
    paragraphs_.add(leading_bytes(sha256(paragraph), kHashBytes), value);
  }
  ++num_added_;
}

void ParagraphIndex::finish() {
  paragraphs_.finish();
  const auto records = paragraphs_.open();
  std::string last_key;
  while (records->next()) {
    if (records->key() == last_key) {
      duplicates_.add(records->value().substr(kDigestBytes), {});
    } else {
      last_key.assign(records->key());
    }
  }
  duplicates_.finish();
  next_duplicate_ = duplicates_.open();
  has_next_ = next_duplicate_->next();
}

std::uint64_t ParagraphIndex::remove_duplicates(std::string& text) {
  const std::uint64_t document = num_visited_++;
  std::vector<std::uint64_t> places;
  while (has_next_ && read_big_endian<std::uint64_t>(next_duplicate_->key()) == document) {
    places.push_back(read_big_endian<std::uint64_t>(next_duplicate_->key().substr(sizeof document)));
    has_next_ = next_duplicate_->next();
  }
  if (places.empty()) return 0;
  const std::vector<std::string_view> paragraphs = split_paragraphs(text);
  const auto begin_of = [&](std::size_t i) {
    return i == paragraphs.size() ? text.size() : static_cast<std::size_t>(paragraphs[i].data() - text.data());
  };
  REPRISE_CHECK(places.back() < paragraphs.size());
  std::string rest = text.substr(0, begin_of(0));
  for (std::size_t i = 0, removed = 0; i < paragraphs.size(); ++i) {
    if (removed < places.size() && places[removed] == i) {
      ++removed;
    } else {
      rest.append(text, begin_of(i), begin_of(i + 1) - begin_of(i));
    }
  }
  while (rest.ends_with('\n')) rest.pop_back();
  text = std::move(rest);
  return places.size();
}

}  // namespace reprise::data
