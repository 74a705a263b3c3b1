#include "corpus_merge.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <tuple>

#include "corpus_inputs.h"
#include "external_sort.h"
#include "record_file.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/files.h"

namespace reprise::data {
namespace {

constexpr std::int64_t kProgressInterval = 1024;

std::string place_of(const Document& document) {
  return fmt::format("{}:{}", document.source_file, document.source_line);
}

[[noreturn]] void fail_duplicate_id(const Document& first, const Document& second) {
  throw Error(
      ErrorKind::kData,
      fmt::format("two documents have the same id: {} and {}: {}", place_of(first), place_of(second), first.id),
      "give every document an id of its own, list each input file once, or say bad_input.duplicate_id: \"skip\"");
}

void count_skipped_duplicate(const Document& document, std::vector<ReportInput>& inputs) {
  for (ReportInput& file : inputs) {
    if (file.file != document.source_file) continue;
    --file.num_documents;
    ++file.skipped[std::string(to_string(InputFault::kDuplicateId))];
  }
}

/// Leaves the one candidate of `group`, all of one id, that stays.
void choose_one(std::vector<Candidate>& group, const InputPolicy& policy, std::vector<ReportInput>& inputs) {
  if (group.size() == 1) return;
  const auto place = [](const Candidate& candidate) {
    return std::tie(candidate.document.source_file, candidate.document.source_line);
  };
  std::sort(group.begin(), group.end(), [&](const Candidate& a, const Candidate& b) { return place(a) < place(b); });
  if (!policy.skips(InputFault::kDuplicateId)) fail_duplicate_id(group[0].document, group[1].document);
  const auto best = std::min_element(group.begin(), group.end(), [&](const Candidate& a, const Candidate& b) {
    return std::tuple(a.text_read, place(a)) < std::tuple(b.text_read, place(b));
  });
  std::iter_swap(group.begin(), best);
  for (std::size_t i = 1; i < group.size(); ++i) count_skipped_duplicate(group[i].document, inputs);
  group.resize(1);
}

}  // namespace

ChunkWriter::ChunkWriter(const BuildScratch& scratch, std::string sort, std::uint64_t chunk_bytes)
    : scratch_(scratch), sort_(std::move(sort)), chunk_bytes_(chunk_bytes) {
  scratch_.remove_pieces(sort_);
  scratch_.pieces(sort_);
}

ChunkWriter::~ChunkWriter() = default;

void ChunkWriter::add(const Candidate& candidate) {
  if (chunk_ == nullptr) chunk_ = std::make_unique<RecordFileCommit>(scratch_.piece(sort_, num_chunks_));
  chunk_->writer().write(candidate.document.id, candidate_record(candidate));
  num_bytes_ += candidate.document.text.size();
  if (num_bytes_ >= chunk_bytes_) close();
}

void ChunkWriter::close() {
  chunk_->commit();
  chunk_.reset();
  num_bytes_ = 0;
  ++num_chunks_;
  fault_point("data_chunk");
}

void ChunkWriter::finish() {
  if (chunk_ != nullptr) close();
  BuildScratch::write_piece(scratch_.folder() / (sort_ + ".count"), fmt::format("{}", num_chunks_));
}

std::uint64_t num_chunks(const BuildScratch& scratch, const std::string& sort) {
  const std::string text = read_file(scratch.folder() / (sort + ".count"));
  std::uint64_t count = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), count);
  REPRISE_CHECK(end.ec == std::errc());
  return count;
}

void for_each_candidate(const std::filesystem::path& chunk, const std::function<void(Candidate&&)>& visit) {
  RecordReader reader(chunk);
  while (reader.next()) visit(parse_candidate(reader.key(), reader.value()));
}

void merge_segments(const std::vector<std::filesystem::path>& segments, const InputPolicy& policy,
                    const BuildScratch& scratch, std::uint64_t chunk_bytes, std::vector<ReportInput>& inputs,
                    ProgressSink& progress) {
  ExternalSorter sorter(scratch.pieces("merging"), "segments", 0);
  for (const std::filesystem::path& segment : segments) sorter.add_run(segment);
  sorter.finish();
  std::int64_t total = 0;
  for (const ReportInput& input : inputs) total += static_cast<std::int64_t>(input.num_documents);
  progress.begin("sort", total, "documents");
  ChunkWriter chunks(scratch, "chunks", chunk_bytes);
  std::vector<Candidate> group;
  std::int64_t done = 0;
  const auto flush = [&] {
    if (group.empty()) return;
    done += static_cast<std::int64_t>(group.size());
    choose_one(group, policy, inputs);
    chunks.add(group[0]);
    group.clear();
    if (done % kProgressInterval == 0) progress.update(done);
  };
  const auto records = sorter.open();
  while (records->next()) {
    if (!group.empty() && group[0].document.id != records->key()) flush();
    group.push_back(parse_candidate(records->key(), records->value()));
  }
  flush();
  chunks.finish();
  progress.update(total);
  progress.end();
}

void write_inputs(const std::vector<ReportInput>& inputs, const BuildScratch& scratch) {
  RecordFileCommit file(scratch.folder() / "inputs");
  for (const ReportInput& input : inputs) file.writer().write(input.file, input_record(input));
  file.commit();
}

std::vector<ReportInput> read_inputs(const BuildScratch& scratch) {
  std::vector<ReportInput> inputs;
  RecordReader reader(scratch.folder() / "inputs");
  while (reader.next()) inputs.push_back(parse_input(std::string(reader.key()), reader.value()));
  return inputs;
}

}  // namespace reprise::data
