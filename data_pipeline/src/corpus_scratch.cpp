#include "corpus_scratch.h"

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

void BuildScratch::run_on_one(const std::string& step, const std::function<void()>& work) {
  if (!done_.contains(step) && team_.rank == 0) {
    work();
    fault_point("data_step");
    write_file_atomically(mark(step), "");
  }
  team_.wait();
}

void BuildScratch::run_on_all(const std::string& step, const std::function<void()>& work) {
  const bool is_done = done_.contains(step);
  if (!is_done) work();
  team_.wait();
  if (!is_done && team_.rank == 0) write_file_atomically(mark(step), "");
}

}  // namespace reprise::data
