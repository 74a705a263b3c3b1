// The last steps of a build: documents as lines, compressed chunk by chunk, and the files of the run.

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "corpus_candidate.h"
#include "corpus_merge.h"
#include "corpus_steps.h"
#include "document_lines.h"
#include "record_bytes.h"
#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/document_file.h"
#include "reprise/data_pipeline/report.h"
#include "reprise/data_pipeline/selection.h"
#include "zstd_writer.h"

namespace reprise::data {
namespace {

const std::array<std::string, 3> kLists = {"train", "held_out", "dropped"};

/// One zstd frame of lines; nothing where there is none.
class Frame {
 public:
  void write(std::string_view line) {
    if (writer_ == nullptr) writer_ = std::make_unique<ZstdWriter>();
    writer_->write(line);
  }
  std::string finish() { return writer_ == nullptr ? std::string() : writer_->finish(); }

 private:
  std::unique_ptr<ZstdWriter> writer_;
};

/// Takes over what was decided about the candidate, where `decisions` stands at it.
void apply_decision(Candidate& candidate, RecordReader& decisions, bool& has_decision) {
  if (!has_decision || decisions.key() != candidate.document.id) return;
  RecordParser record(decisions.value());
  Drop drop;
  drop.rule = record.string();
  drop.value = record.f64();
  drop.threshold = record.f64();
  candidate.drop = std::move(drop);
  candidate.survivor = record.string();
  has_decision = decisions.next();
}

void write_lines_of(const BuildContext& build, const std::string& chunks, std::uint64_t number) {
  std::array<Frame, kLists.size()> frames;
  RecordReader decisions(build.scratch.piece("decided", number));
  bool has_decision = decisions.next();
  for_each_candidate(build.scratch.piece(chunks, number), [&](Candidate&& candidate) {
    apply_decision(candidate, decisions, has_decision);
    if (candidate.drop) {
      frames[2].write(dropped_line({std::move(candidate.document), *candidate.drop, candidate.survivor}));
    } else {
      const bool held_out = is_held_out(candidate.document.id, build.recipe.held_out_fraction());
      frames[held_out ? 1 : 0].write(document_line(candidate.document));
    }
  });
  REPRISE_CHECK(!has_decision);
  for (std::size_t i = 0; i < kLists.size(); ++i) {
    BuildScratch::write_piece(build.scratch.piece(kLists[i], number), frames[i].finish());
  }
  fault_point("data_lines");
}

/// Appends the pieces of one list, one frame behind the other.
void join_pieces(const BuildContext& build, const std::string& list, std::uint64_t count,
                 const std::filesystem::path& path) {
  const std::filesystem::path partial = partial_path(path);
  const auto fail = [&] {
    const int reason = errno;
    throw Error(ErrorKind::kIo, fmt::format("cannot write: {}: {}", path.string(), system_reason(reason)),
                system_hint(reason));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(open_new_file(partial), &std::fclose);
  if (file == nullptr) fail();
  std::uint64_t num_bytes = 0;
  const auto put = [&](const std::string& bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) fail();
    num_bytes += bytes.size();
  };
  for (std::uint64_t i = 0; i < count; ++i) put(read_file(build.scratch.piece(list, i)));
  if (num_bytes == 0) put(ZstdWriter().finish());  // a list without documents is a file all the same
  if (std::fflush(file.get()) != 0) fail();
  commit_file(partial, path);
}

}  // namespace

void write_chunk_lines(const BuildContext& build, const std::string& chunks) {
  for (const std::string& list : kLists) build.scratch.pieces(list);
  for_each_own_chunk(build, num_chunks(build.scratch, chunks), "compress", [&](std::uint64_t number) {
    std::error_code ignored;  // the last piece of a chunk is there only if the others are
    if (!std::filesystem::exists(build.scratch.piece(kLists.back(), number), ignored)) {
      write_lines_of(build, chunks, number);
    }
  });
}

void publish(const BuildContext& build, const std::string& chunks) {
  const std::filesystem::path& run = build.options.output_dir;
  const std::uint64_t count = num_chunks(build.scratch, chunks);
  make_folders(run / "data");
  // The report comes last: a folder with one holds a whole build.
  std::error_code ignored;
  std::filesystem::remove(report_path(run), ignored);
  std::filesystem::remove(run / "data" / "contamination.json", ignored);
  build.progress.begin("write", 4, "files");
  join_pieces(build, "train", count, train_path(run));
  build.progress.update(1);
  join_pieces(build, "held_out", count, held_out_path(run));
  build.progress.update(2);
  join_pieces(build, "dropped", count, dropped_path(run));
  build.progress.update(3);
  if (build.evals) {
    write_file_atomically(run / "data" / "contamination.json",
                          read_file(build.scratch.folder() / "contamination.json"));
  }
  write_file_atomically(report_path(run), read_file(build.scratch.folder() / "report.json"));
  build.progress.update(4);
  build.progress.end();
}

}  // namespace reprise::data
