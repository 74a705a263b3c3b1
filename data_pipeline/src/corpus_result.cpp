// The digests of a build, always taken from its files: what was written is what is hashed.

#include "reprise/data_pipeline/corpus.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {
namespace {

struct ListSummary {
  Digest digest;
  std::uint64_t num_documents = 0;
  std::uint64_t num_bytes = 0;
};

ListSummary summarise(const std::filesystem::path& path, const std::string& domain) {
  ListSummary summary;
  DocumentDigest digest(domain);
  for_each_document(path, [&](const Document& document) {
    digest.add(document);
    ++summary.num_documents;
    summary.num_bytes += document.text.size();
  });
  summary.digest = digest.finish();
  return summary;
}

ListSummary summarise_dropped(const std::filesystem::path& path) {
  ListSummary summary;
  DocumentDigest digest("reprise.documents.dropped.v1");
  for_each_dropped(path, [&](const DroppedDocument& dropped) {
    digest.add(dropped);
    ++summary.num_documents;
    summary.num_bytes += dropped.document.text.size();
  });
  summary.digest = digest.finish();
  return summary;
}

}  // namespace

CorpusResult read_corpus_result(const std::filesystem::path& output_dir) {
  const Report report = read_report(output_dir);
  const ListSummary train = summarise(train_path(output_dir), "reprise.documents.train.v1");
  const ListSummary held_out = summarise(held_out_path(output_dir), "reprise.documents.held_out.v1");
  const ListSummary dropped = summarise_dropped(dropped_path(output_dir));
  CorpusResult result;
  result.corpus = inputs_digest(report);
  result.kept = train.digest;
  result.held_out = held_out.digest;
  result.dropped = dropped.digest;
  result.report = report_digest(report);
  result.num_kept = train.num_documents;
  result.num_held_out = held_out.num_documents;
  result.num_dropped = dropped.num_documents;
  result.kept_bytes = train.num_bytes;
  result.held_out_bytes = held_out.num_bytes;
  result.dropped_bytes = dropped.num_bytes;
  for (const ReportInput& input : report.inputs) {
    if (input.sha256 != input.expected_sha256) result.mismatched_files.push_back(input.file);
  }
  return result;
}

}  // namespace reprise::data
