#include "reprise/data_pipeline/document_file.h"

#include "document_lines.h"
#include "line_reader.h"
#include "reprise/core/files.h"
#include "reprise/core/merkle.h"
#include "zstd_writer.h"

namespace reprise::data {
namespace {

// Our own files have been checked against the limit when they were read; JSON escapes can make a line longer.
constexpr std::uint64_t kMaxOwnLineBytes = std::uint64_t{1} << 40;
template <typename Parse>
void for_each_line(const std::filesystem::path& path, Parse parse) {
  require_no_stream(path);
  LineReader reader(path, kMaxOwnLineBytes, ErrorKind::kCorrupt);
  Line line;
  while (reader.next(line)) {
    try {
      parse(line.text);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("{}: {}:{}", error.what(), path.string(), line.number), error.hint());
    }
  }
}

CanonicalHasher hash_document(std::string_view domain, const Document& document) {
  CanonicalHasher hasher(domain);
  hasher.string("id", document.id)
      .string("text", document.text)
      .string("source", document.source)
      .string("kind", document.kind)
      .string("lang", document.language)
      .string("license", document.license);
  return hasher;
}

}  // namespace

std::filesystem::path train_path(const std::filesystem::path& run) { return run / "data" / "train.jsonl.zst"; }
std::filesystem::path held_out_path(const std::filesystem::path& run) { return run / "data" / "held_out.jsonl.zst"; }
std::filesystem::path dropped_path(const std::filesystem::path& run) { return run / "data" / "dropped.jsonl.zst"; }

void for_each_document(const std::filesystem::path& path, const std::function<void(const Document&)>& visit) {
  DocumentLineParser parser;
  for_each_line(path, [&](std::string_view line) {
    DroppedDocument parsed = parser.parse(line);
    visit(parsed.document);
  });
}

void for_each_dropped(const std::filesystem::path& path, const std::function<void(const DroppedDocument&)>& visit) {
  DocumentLineParser parser;
  for_each_line(path, [&](std::string_view line) { visit(parser.parse_dropped(line)); });
}

void write_documents(const std::filesystem::path& path, const std::vector<const Document*>& documents) {
  ZstdWriter writer;
  for (const Document* document : documents) writer.write(document_line(*document));
  write_file_atomically(path, writer.finish());
}

void write_dropped(const std::filesystem::path& path, const std::vector<DroppedDocument>& documents) {
  ZstdWriter writer;
  for (const DroppedDocument& document : documents) writer.write(dropped_line(document));
  write_file_atomically(path, writer.finish());
}

void DocumentDigest::add(const Document& document) {
  leaves_.push_back(hash_document("reprise.document.v1", document).finish());
}

void DocumentDigest::add(const DroppedDocument& document) {
  CanonicalHasher hasher = hash_document("reprise.dropped_document.v1", document.document);
  hasher.string("rule", document.drop.rule)
      .f64("value", document.drop.value)
      .f64("threshold", document.drop.threshold)
      .string("survivor", document.survivor);
  leaves_.push_back(hasher.finish());
}

Digest DocumentDigest::finish() const {
  return CanonicalHasher(domain_).u64("count", leaves_.size()).digest("root", merkle_root(leaves_)).finish();
}

}  // namespace reprise::data
