#include "corpus_candidate.h"

#include "record_bytes.h"

namespace reprise::data {
namespace {

void add_drop(RecordBuilder& record, const std::optional<Drop>& drop) {
  record.u64(drop ? 1 : 0);
  if (drop) record.string(drop->rule).f64(drop->value).f64(drop->threshold);
}

std::optional<Drop> take_drop(RecordParser& record) {
  if (record.u64() == 0) return std::nullopt;
  Drop drop;
  drop.rule = record.string();
  drop.value = record.f64();
  drop.threshold = record.f64();
  return drop;
}

void add_candidate(RecordBuilder& record, const Candidate& candidate) {
  const Document& document = candidate.document;
  record.digest(candidate.text_read).string(document.source_file).u64(document.source_line);
  record.string(document.text).string(document.source).string(document.kind).string(document.language);
  record.string(document.license).string(candidate.survivor);
  add_drop(record, candidate.drop);
  record.u64(candidate.edits.size());
  for (const auto& [rule, edit] : candidate.edits) record.string(rule).u64(edit.num_lines).u64(edit.num_bytes);
  record.u64(candidate.num_bytes_read).u64(candidate.num_bytes_normalised);
}

Candidate take_candidate(std::string_view id, RecordParser& record) {
  Candidate candidate;
  Document& document = candidate.document;
  document.id = id;
  candidate.text_read = record.digest();
  document.source_file = record.string();
  document.source_line = record.u64();
  document.text = record.string();
  document.source = record.string();
  document.kind = record.string();
  document.language = record.string();
  document.license = record.string();
  candidate.survivor = record.string();
  candidate.drop = take_drop(record);
  for (std::uint64_t left = record.u64(); left > 0; --left) {
    Edit& edit = candidate.edits[record.string()];
    edit.num_lines = record.u64();
    edit.num_bytes = record.u64();
  }
  candidate.num_bytes_read = record.u64();
  candidate.num_bytes_normalised = record.u64();
  return candidate;
}

}  // namespace

std::string candidate_record(const Candidate& candidate) {
  RecordBuilder record;
  add_candidate(record, candidate);
  return record.bytes();
}

Candidate parse_candidate(std::string_view id, std::string_view record) {
  RecordParser parser(record);
  return take_candidate(id, parser);
}

std::string measured_record(const Measured& measured) {
  RecordBuilder record;
  add_candidate(record, measured.candidate);
  record.u64(measured.num_bytes).digest(measured.text).u32s(measured.signature);
  record.u64(measured.overlap.num_ngrams).u32s(measured.overlap.examples);
  return record.bytes();
}

Measured parse_measured(std::string_view id, std::string_view record) {
  RecordParser parser(record);
  Measured measured;
  measured.candidate = take_candidate(id, parser);
  measured.num_bytes = parser.u64();
  measured.text = parser.digest();
  measured.signature = parser.u32s();
  measured.overlap.num_ngrams = parser.u64();
  measured.overlap.examples = parser.u32s();
  return measured;
}

}  // namespace reprise::data
