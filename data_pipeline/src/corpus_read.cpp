#include "corpus_read.h"

#include <algorithm>
#include <future>
#include <system_error>

#include "document_reader.h"
#include "record_bytes.h"
#include "record_file.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/thread_pool.h"

namespace reprise::data {
namespace {

std::filesystem::path segment_path(const BuildScratch& scratch, std::size_t file, std::uint64_t segment) {
  return scratch.folder() / "segments" / fmt::format("{:06}.{:06}", file, segment);
}

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// What a file held, once it has been read to its end.
void write_facts(const std::filesystem::path& path, const std::string& name, const InputContent& content,
                 std::uint64_t num_segments) {
  const ReportInput input{name, content.sha256.hex(), "", content.num_bytes, content.num_documents, content.skipped};
  RecordFileCommit file(path);
  file.writer().write(name, input_record(input));
  file.writer().write("segments", RecordBuilder().u64(num_segments).bytes());
  file.commit();
}

struct FileFacts {
  ReportInput input;
  std::uint64_t num_segments = 0;
};

FileFacts read_facts(const std::filesystem::path& path) {
  FileFacts facts;
  RecordReader reader(path);
  REPRISE_CHECK(reader.next());
  facts.input = parse_input(std::string(reader.key()), reader.value());
  REPRISE_CHECK(reader.next());
  facts.num_segments = RecordParser(reader.value()).u64();
  return facts;
}

/// Makes segments of one rank: while one is filtered by the threads, the next is read.
class SegmentMaker {
 public:
  SegmentMaker(const DocumentJudge& judge, ThreadPool& pool) : judge_(judge), pool_(pool) {}

  void start(std::vector<Candidate>&& candidates, std::filesystem::path path) {
    finish();
    work_ = std::async(std::launch::async,
                       [this, path = std::move(path), batch = std::move(candidates)]() mutable { make(batch, path); });
  }
  /// Waits for the segment in work, and throws what it threw.
  void finish() {
    if (work_.valid()) work_.get();
  }

 private:
  void make(std::vector<Candidate>& candidates, const std::filesystem::path& path) {
    std::vector<std::string> records(candidates.size());
    pool_.parallel_for(static_cast<std::int64_t>(candidates.size()), [&](std::int64_t i) {
      Candidate& candidate = candidates[static_cast<std::size_t>(i)];
      judge_.judge(candidate);
      records[static_cast<std::size_t>(i)] = candidate_record(candidate);
      candidate.document.text = std::string();
    });
    std::vector<std::size_t> order(candidates.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const int by_id = candidates[a].document.id.compare(candidates[b].document.id);
      return by_id != 0 ? by_id < 0 : records[a] < records[b];
    });
    RecordFileCommit file(path);
    for (const std::size_t i : order) file.writer().write(candidates[i].document.id, records[i]);
    file.commit();
    fault_point("data_segment");
  }

  const DocumentJudge& judge_;
  ThreadPool& pool_;
  std::future<void> work_;
};

/// Cuts the documents of one file into segments, and gives those of this rank to the maker.
class FileCutter {
 public:
  FileCutter(const InputFile& file, std::size_t number, std::uint64_t segment_bytes, const BuildScratch& scratch,
             SegmentMaker& maker)
      : file_(file), number_(number), segment_bytes_(segment_bytes), scratch_(scratch), maker_(maker) {
    decide();
  }

  void add(Document&& document) {
    if (document.kind.empty()) document.kind = file_.kind;
    num_bytes_ += document.text.size();
    ++num_documents_;
    if (is_wanted_) candidates_.push_back({std::move(document), {}, {}, {}, {}, 0, 0});
    if (num_bytes_ >= segment_bytes_) close();
  }

  /// Returns the number of segments.
  std::uint64_t finish() {
    if (num_documents_ > 0) close();
    maker_.finish();
    return segment_;
  }

 private:
  void decide() {
    const bool is_mine = file_.shared ? scratch_.team().owns(number_ + segment_) : file_.owner == scratch_.team().rank;
    is_wanted_ = is_mine && !is_there(segment_path(scratch_, number_, segment_));
  }

  void close() {
    if (is_wanted_) maker_.start(std::move(candidates_), segment_path(scratch_, number_, segment_));
    candidates_.clear();
    num_bytes_ = 0;
    num_documents_ = 0;
    ++segment_;
    decide();
  }

  const InputFile& file_;
  std::size_t number_;
  std::uint64_t segment_bytes_;
  const BuildScratch& scratch_;
  SegmentMaker& maker_;
  std::vector<Candidate> candidates_;
  std::uint64_t num_bytes_ = 0, num_documents_ = 0, segment_ = 0;
  bool is_wanted_ = false;
};

/// Whether everything that a file gives is there, from an earlier call.
bool is_read(std::size_t number, const BuildScratch& scratch) {
  if (!is_there(scratch.piece("files", number))) return false;
  const FileFacts facts = read_facts(scratch.piece("files", number));
  for (std::uint64_t i = 0; i < facts.num_segments; ++i) {
    if (!is_there(segment_path(scratch, number, i))) return false;
  }
  return true;
}

}  // namespace

void read_files(const std::vector<InputFile>& files, const configs::DataRecipe& recipe, const DocumentJudge& judge,
                const BuildOptions& options, const BuildScratch& scratch, ProgressSink& progress) {
  scratch.pieces("files");
  scratch.pieces("segments");
  ThreadPool pool(options.num_threads);
  const ReadOptions read{recipe.max_line_bytes(), InputPolicy(recipe.bad_input())};
  const auto is_mine = [&](const InputFile& file) { return file.shared || file.owner == scratch.team().rank; };
  std::uint64_t total = 0;
  std::uint64_t done = 0;
  for (const InputFile& file : files) total += is_mine(file) ? file.size_on_disk : 0;
  progress.begin("read and filter", static_cast<std::int64_t>(total), "bytes");
  for (std::size_t number = 0; number < files.size(); ++number) {
    const InputFile& file = files[number];
    if (!is_mine(file)) continue;
    if (!is_read(number, scratch)) {
      SegmentMaker maker(judge, pool);
      FileCutter cutter(file, number, 2 * options.piece_bytes, scratch, maker);
      const ReadHandler handler = {
          [&](Document&& document) { cutter.add(std::move(document)); },
          [&](std::uint64_t position) { progress.update(static_cast<std::int64_t>(done + position)); }};
      const InputContent content = read_documents(options.corpus_dir, file.name, read, handler);
      const std::uint64_t num_segments = cutter.finish();
      if (file.owner == scratch.team().rank)
        write_facts(scratch.piece("files", number), file.name, content, num_segments);
    }
    done += file.size_on_disk;
    progress.update(static_cast<std::int64_t>(done));
  }
  progress.end();
}

std::vector<ReportInput> read_file_facts(const std::vector<InputFile>& files, const BuildScratch& scratch) {
  std::vector<ReportInput> inputs;
  for (std::size_t number = 0; number < files.size(); ++number) {
    inputs.push_back(read_facts(scratch.piece("files", number)).input);
  }
  return inputs;
}

std::vector<std::filesystem::path> segment_files(const std::vector<InputFile>& files, const BuildScratch& scratch) {
  std::vector<std::filesystem::path> segments;
  for (std::size_t number = 0; number < files.size(); ++number) {
    const FileFacts facts = read_facts(scratch.piece("files", number));
    for (std::uint64_t i = 0; i < facts.num_segments; ++i) segments.push_back(segment_path(scratch, number, i));
  }
  return segments;
}

}  // namespace reprise::data
