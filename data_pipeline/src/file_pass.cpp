#include "file_pass.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "document_lines.h"
#include "document_reader.h"
#include "document_writer.h"
#include "reprise/configs/input_names.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/thread_count.h"

namespace reprise::data {
namespace {

/// Adds a member to a document, in place of one of the same key.
void add_member(Document& document, std::string_view member) {
  remove_member(document, member.substr(0, member.find(':') + 1));
  document.members.append(member).append("\n");
}

}  // namespace

void remove_member(Document& document, std::string_view key) {
  std::string kept;
  for (std::string_view rest = document.members; !rest.empty();) {
    const std::string_view old = rest.substr(0, rest.find('\n') + 1);
    if (!old.starts_with(key)) kept += old;
    rest.remove_prefix(old.size());
  }
  document.members = std::move(kept);
}

FilePass::FilePass(std::span<const std::string> files, const FilePassOptions& options, double share,
                   ProgressSink& progress)
    : options_(options),
      progress_(progress),
      scratch_(options.output_dir / ".scratch"),
      pool_(thread_count(options.num_threads)) {
  REPRISE_REQUIRE(!files.empty(), ErrorKind::kUsage, "no input file", "name files or globs to read");
  documents_.emplace(scratch_.path(), static_cast<std::uint64_t>(share * static_cast<double>(options.memory_bytes)),
                     options.policy);
  read(files);
}

void FilePass::read(std::span<const std::string> files) {
  const ReadOptions read_options{options_.max_line_bytes, options_.policy, /*keep_members=*/true, "--max-line-bytes "};
  progress_.begin("read", static_cast<std::int64_t>(files.size()), "files");
  for (std::size_t i = 0; i < files.size(); ++i) {
    REPRISE_REQUIRE(configs::is_input_name(files[i]), ErrorKind::kData,
                    fmt::format("unknown type of input: {}", files[i]), configs::kInputNamesHint);
    const ReadHandler handler = {[&](Document&& document) {
                                   result_.read_bytes += document.text.size();
                                   documents_->add(document);
                                 },
                                 {}};
    const InputContent content = read_documents("", files[i], read_options, handler);
    result_.num_read += content.num_documents;
    for (const auto& [fault, count] : content.skipped) result_.skipped[fault] += count;
    progress_.update(static_cast<std::int64_t>(i + 1));
  }
  progress_.end();
  documents_->finish();
}

void FilePass::for_each_batch(std::string_view phase, const std::function<void(std::vector<SortedDocument>&)>& visit) {
  progress_.begin(phase, static_cast<std::int64_t>(result_.num_read), "documents");
  std::int64_t done = 0;
  data::for_each_batch(*documents_, [&](std::vector<SortedDocument>& batch) {
    visit(batch);
    done += static_cast<std::int64_t>(batch.size());
    progress_.update(done);
  });
  progress_.end();
}

FilePassResult FilePass::write(const std::function<PassVerdict(SortedDocument&)>& judge) {
  DocumentWriter kept_file(options_.output_dir / "kept.jsonl.zst");
  DocumentWriter dropped_file(options_.output_dir / "dropped.jsonl.zst");
  DocumentDigest kept_digest("reprise.documents.kept.v1");
  DocumentDigest dropped_digest("reprise.documents.dropped.v1");
  progress_.begin("write", static_cast<std::int64_t>(result_.num_read), "documents");
  std::int64_t done = 0;
  const std::uint64_t passed_over = documents_->for_each([&](SortedDocument&& sorted) {
    PassVerdict verdict = judge(sorted);
    const std::uint64_t bytes = sorted.document.text.size();
    if (verdict.drop) {
      const DroppedDocument dropped{std::move(sorted.document), *verdict.drop, std::move(verdict.survivor)};
      dropped_file.write(dropped_line(dropped));
      dropped_digest.add(dropped);
      ++result_.num_dropped;
      result_.dropped_bytes += bytes;
    } else {
      if (!verdict.tag.empty()) add_member(sorted.document, verdict.tag);
      kept_file.write(document_line(sorted.document));
      kept_digest.add(sorted.document);
      ++result_.num_kept;
      result_.kept_bytes += bytes;
      if (verdict.edited) ++result_.num_edited;
    }
    if (++done % 256 == 0) progress_.update(done);
  });
  if (passed_over > 0) result_.skipped[std::string(to_string(InputFault::kDuplicateId))] += passed_over;
  // Nothing of an earlier pass has been replaced so far, nor is it where the disk is full now. The report comes last: a
  // folder with one holds a whole pass. What an earlier decontamination found is of other documents.
  kept_file.finish();
  dropped_file.finish();
  for (const char* name : {"report.json", "contamination.json"}) {
    std::error_code ignored;
    std::filesystem::remove(options_.output_dir / name, ignored);
  }
  kept_file.commit();
  dropped_file.commit();
  result_.kept = kept_digest.finish();
  result_.dropped = dropped_digest.finish();
  progress_.end();
  return result_;
}

void write_pass_report(const std::filesystem::path& folder, const std::string& setting, const FilePassResult& result) {
  const auto part = [](std::uint64_t documents, std::uint64_t bytes) {
    return nlohmann::ordered_json{{"documents", documents}, {"bytes", bytes}};
  };
  nlohmann::ordered_json root = {{"format", "reprise.file_pass.v1"},
                                 {"setting", nlohmann::ordered_json::parse(setting)},
                                 {"read", part(result.num_read, result.read_bytes)},
                                 {"kept", part(result.num_kept, result.kept_bytes)},
                                 {"dropped", part(result.num_dropped, result.dropped_bytes)},
                                 {"edited", result.num_edited},
                                 {"skipped", result.skipped}};
  root["kept"]["digest"] = result.kept.hex();
  root["dropped"]["digest"] = result.dropped.hex();
  write_file_atomically(folder / "report.json", root.dump(1) + "\n");
}

}  // namespace reprise::data
