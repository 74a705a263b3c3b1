#include "sorted_documents.h"

#include <array>
#include <cstring>

#include "byte_order.h"
#include "reprise/core/error.h"

namespace reprise::data {
namespace {

constexpr std::size_t kBatchDocuments = 512;
constexpr std::size_t kBatchBytes = 8 << 20;

// A record's value begins with what orders documents of one id: digest, file, line.

void append_field(std::string& record, std::string_view field) {
  append_big_endian(record, std::uint64_t{field.size()});
  record.append(field);
}

std::string_view take(std::string_view& record, std::size_t size) {
  REPRISE_CHECK(size <= record.size());
  const std::string_view taken = record.substr(0, size);
  record.remove_prefix(size);
  return taken;
}

std::string take_field(std::string_view& record) {
  const auto size = read_big_endian<std::uint64_t>(take(record, sizeof(std::uint64_t)));
  return std::string(take(record, size));
}

SortedDocument parse_record(std::string_view id, std::string_view record) {
  SortedDocument result;
  const std::string_view digest = take(record, result.text.bytes.size());
  std::memcpy(result.text.bytes.data(), digest.data(), digest.size());
  Document& document = result.document;
  document.id = id;
  document.source_file = take_field(record);
  document.source_line = read_big_endian<std::uint64_t>(take(record, sizeof(std::uint64_t)));
  document.text = take_field(record);
  document.source = take_field(record);
  document.kind = take_field(record);
  document.language = take_field(record);
  document.license = take_field(record);
  document.members = take_field(record);
  document.metadata_members = take_field(record);
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
  const Digest digest = sha256(std::string_view(document.text));
  std::string record(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  record.reserve(document.text.size() + document.members.size() + document.metadata_members.size() + 256);
  append_field(record, document.source_file);
  append_big_endian(record, document.source_line);
  append_field(record, document.text);
  append_field(record, document.source);
  append_field(record, document.kind);
  append_field(record, document.language);
  append_field(record, document.license);
  append_field(record, document.members);
  append_field(record, document.metadata_members);
  sorter_.add(document.id, record);
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
