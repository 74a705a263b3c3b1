#include "copy_index.h"

#include "record_bytes.h"

namespace reprise::data {

CopyIndex::CopyIndex(const std::filesystem::path& folder, std::uint64_t memory_bytes)
    : texts_(folder, "texts", memory_bytes / 2), copies_(folder, "copies", memory_bytes / 2) {}

void CopyIndex::add(const Digest& text, std::string_view id) {
  texts_.add({reinterpret_cast<const char*>(text.bytes.data()), text.bytes.size()}, id);
}

void CopyIndex::finish() {
  texts_.finish();
  // One reader runs ahead and counts a group, the other one follows and names the survivor to each.
  const auto ahead = texts_.open();
  const auto behind = texts_.open();
  bool more = ahead->next();
  while (more) {
    const std::string text(ahead->key());
    std::uint64_t count = 0;
    while (more && ahead->key() == text) {
      ++count;
      more = ahead->next();
    }
    std::string survivor;
    for (std::uint64_t i = 0; i < count; ++i) {
      behind->next();
      if (i == 0) {
        survivor = behind->value();
      } else {
        copies_.add(behind->value(), RecordBuilder().u64(count).string(survivor).bytes());
      }
    }
  }
  copies_.finish();
  rewind();
}

void CopyIndex::rewind() {
  next_ = copies_.open();
  has_next_ = next_->next();
}

std::optional<Copy> CopyIndex::copy(std::string_view id) {
  if (!has_next_ || next_->key() != id) return std::nullopt;
  RecordParser record(next_->value());
  Copy copy;
  copy.num_copies = record.u64();
  copy.survivor = record.string();
  has_next_ = next_->next();
  return copy;
}

Drop copy_drop(const Copy& copy) { return {"exact_duplicate", static_cast<double>(copy.num_copies), 1}; }

}  // namespace reprise::data
