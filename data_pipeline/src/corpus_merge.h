#pragma once
// The second step of a build, on one rank: all documents in the order of ids, each id once, in chunks.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "corpus_candidate.h"
#include "corpus_scratch.h"
#include "record_file.h"
#include "reprise/core/progress.h"
#include "reprise/data_pipeline/inputs.h"
#include "reprise/data_pipeline/report.h"

namespace reprise::data {

/// Merges the segments into pieces "chunks". Of documents with one id the one with the smallest SHA-256 of its text,
/// file and line stays where the policy says so, and `inputs` counts the others; otherwise they are an error. Throws
/// kData, kIo.
void merge_segments(const std::vector<std::filesystem::path>& segments, const InputPolicy& policy,
                    const BuildScratch& scratch, std::uint64_t chunk_bytes, std::vector<ReportInput>& inputs,
                    ProgressSink& progress);

/// Writes candidates one behind the other into chunks of `chunk_bytes` of text or little more, cut at the same places
/// whatever the ranks and threads.
class ChunkWriter {
 public:
  ChunkWriter(const BuildScratch& scratch, std::string sort, std::uint64_t chunk_bytes);
  ~ChunkWriter();
  void add(const Candidate& candidate);
  /// Writes how many chunks there are; they are complete.
  void finish();

 private:
  void close();
  const BuildScratch& scratch_;
  std::string sort_;
  std::uint64_t chunk_bytes_;
  std::unique_ptr<RecordFileCommit> chunk_;
  std::uint64_t num_chunks_ = 0;
  std::uint64_t num_bytes_ = 0;
};

/// Number of chunks of a sort, known when it is complete.
std::uint64_t num_chunks(const BuildScratch& scratch, const std::string& sort);
void for_each_candidate(const std::filesystem::path& chunk, const std::function<void(Candidate&&)>& visit);

/// What the files held, with the documents that were passed over for their id.
void write_inputs(const std::vector<ReportInput>& inputs, const BuildScratch& scratch);
std::vector<ReportInput> read_inputs(const BuildScratch& scratch);

}  // namespace reprise::data
