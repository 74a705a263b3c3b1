#include "sorted_documents.h"

#include "record_bytes.h"
#include "reprise/core/error.h"

namespace reprise::data {
namespace {

constexpr std::size_t kBatchDocuments = 512;
constexpr std::size_t kBatchBytes = 8 << 20;

// A record's value begins with what orders documents of one id: digest, file, line.

SortedDocument parse_record(std::string_view id, std::string_view record) {
  RecordParser parser(record);
  SortedDocument result;
  result.text = parser.digest();
  Document& document = result.document;
  document.id = id;
  document.source_file = parser.ordered_string();
  document.source_line = parser.u64();
  document.text = parser.string();
  document.source = parser.string();
  document.kind = parser.string();
  document.language = parser.string();
  document.license = parser.string();
  document.members = parser.string();
  document.metadata_members = parser.string();
  return result;
}

[[noreturn]] void fail_duplicate(const Document& first, const Document& second) {
  throw InputError(InputFault::kDuplicateId,
                   fmt::format("two documents have the same id: {}:{} and {}:{}: {}", first.source_file,
                               first.source_line, second.source_file, second.source_line, first.id),
                   "give every document an id of its own, or pass over the others: --skip duplicate_id");
}

}  // namespace

void SortedDocuments::add(const Document& document) {
  RecordBuilder record;
  record.digest(sha256(std::string_view(document.text))).ordered_string(document.source_file).u64(document.source_line);
  record.string(document.text).string(document.source).string(document.kind).string(document.language);
  record.string(document.license).string(document.members).string(document.metadata_members);
  sorter_.add(document.id, record.bytes());
}

std::uint64_t SortedDocuments::for_each(const std::function<void(SortedDocument&&)>& visit) const {
  std::uint64_t passed_over = 0;
  const auto records = sorter_.open();
  std::string last_id;
  Document last_place;  // file and line alone
  bool any = false;
  while (records->next()) {
    SortedDocument document = parse_record(records->key(), records->value());
    if (any && document.document.id == last_id) {
      last_place.id = last_id;
      if (!policy_.skips(InputFault::kDuplicateId)) fail_duplicate(last_place, document.document);
      ++passed_over;
      continue;
    }
    any = true;
    last_id = document.document.id;
    last_place.source_file = document.document.source_file;
    last_place.source_line = document.document.source_line;
    visit(std::move(document));
  }
  return passed_over;
}

std::uint64_t for_each_batch(const SortedDocuments& documents,
                             const std::function<void(std::vector<SortedDocument>&)>& visit) {
  std::vector<SortedDocument> batch;
  std::size_t bytes = 0;
  const std::uint64_t passed_over = documents.for_each([&](SortedDocument&& document) {
    bytes += document.document.text.size();
    batch.push_back(std::move(document));
    if (batch.size() < kBatchDocuments && bytes < kBatchBytes) return;
    visit(batch);
    batch.clear();
    bytes = 0;
  });
  if (!batch.empty()) visit(batch);
  return passed_over;
}

}  // namespace reprise::data
