#include "corpus_scratch.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "reprise/core/error.h"
#include "reprise/core/fault_point.h"
#include "reprise/core/files.h"

namespace reprise::data {
namespace {

/// Another build of the program may filter otherwise, so pieces are its own. Hashed once a process.
const Digest& program_digest() {
  static const Digest digest = sha256(read_file("/proc/self/exe"));
  return digest;
}

/// Pieces are not synced one by one, so they are trusted no longer than the machine runs.
std::string boot_id() {
  const std::filesystem::path path = "/proc/sys/kernel/random/boot_id";
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? read_file(path) : "";
}

bool holds(const std::filesystem::path& path, const std::string& content) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && read_file(path) == content;
}

}  // namespace

Digest build_key(std::string_view recipe, std::string_view inputs) {
  return CanonicalHasher("reprise.data_build.v1")
      .digest("program", program_digest())
      .string("recipe", recipe)
      .string("inputs", inputs)
      .string("boot", boot_id())
      .finish();
}

BuildScratch::BuildScratch(std::filesystem::path folder, const Digest& key, const Team& team)
    : folder_(std::move(folder)), team_(team) {
  if (team_.rank == 0 && !holds(folder_ / "key", key.hex())) {
    std::error_code ignored;  // what cannot be removed cannot be written either
    std::filesystem::remove_all(folder_, ignored);
    make_folders(folder_);
    write_file_atomically(folder_ / "key", key.hex());
  }
  team_.wait();
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (entry.path().extension() == ".done") done_.insert(entry.path().stem().string());
  }
  team_.wait();
}

std::filesystem::path BuildScratch::pieces(const std::string& sort) const {
  make_folders(folder_ / sort);
  return folder_ / sort;
}

std::filesystem::path BuildScratch::piece(const std::string& sort, std::uint64_t number) const {
  return folder_ / sort / fmt::format("{:06}", number);
}

void BuildScratch::remove_pieces(const std::string& sort) const {
  std::error_code ignored;
  std::filesystem::remove_all(folder_ / sort, ignored);
}

void BuildScratch::write_piece(const std::filesystem::path& path, std::string_view bytes) {
  std::FILE* file = open_new_file(partial_path(path));
  const bool is_written = file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const bool is_closed = file != nullptr && std::fclose(file) == 0;
  if (!is_written || !is_closed) {
    const int reason = errno;
    throw Error(ErrorKind::kIo, fmt::format("cannot write: {}: {}", path.string(), system_reason(reason)),
                system_hint(reason));
  }
  rename_file(partial_path(path), path);
}

void BuildScratch::run_on_one(const std::string& step, const std::function<void()>& work) {
  if (!done_.contains(step) && team_.rank == 0) {
    work();
    fault_point("data_step");
    write_piece(mark(step), "");
  }
  team_.wait();
}

void BuildScratch::run_on_all(const std::string& step, const std::function<void()>& work) {
  const bool is_done = done_.contains(step);
  if (!is_done) work();
  team_.wait();
  if (!is_done && team_.rank == 0) write_piece(mark(step), "");
}

}  // namespace reprise::data
