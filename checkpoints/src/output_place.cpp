#include "reprise/checkpoints/output_place.h"

#include <fstream>

#include "reprise/checkpoints/average.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/core/error.h"

namespace reprise::checkpoints {
namespace {

namespace fs = std::filesystem;

/// The run whose folder of that name `folder` is; empty where it is none.
fs::path run_of(const fs::path& folder, std::string_view name) {
  std::error_code error;
  const fs::path canonical = fs::weakly_canonical(fs::absolute(folder), error);
  const fs::path run = canonical.parent_path();
  const bool is_of_run =
      canonical.filename() == name && (fs::exists(run / "run.log") || fs::exists(run / "recipe.pbtxt"));
  return is_of_run ? run : fs::path();
}

/// A file there would be taken for a checkpoint that the run wrote, or replace one.
void require_outside_of_runs(const fs::path& out) {
  const fs::path run = run_of(fs::absolute(out).parent_path(), "checkpoints");
  REPRISE_REQUIRE(run.empty(), ErrorKind::kUsage,
                  fmt::format("--out lies among the checkpoints of the run {}: {}", run.string(), out.string()),
                  "name a file outside of that folder");
}

[[noreturn]] void refuse(const fs::path& out, std::string_view what) {
  throw Error(ErrorKind::kUsage, fmt::format("--out would replace a file that is not {}: {}", what, out.string()),
              "name a file that is not there yet, or move this one away");
}

/// What cannot be read is not a file that we may replace either.
template <typename Test>
bool holds(const Test& test) {
  try {
    return test();
  } catch (const Error&) {
    return false;
  }
}

/// Whether write_safetensors wrote the file for `checkpoint export`: its metadata, which comes first, names the root.
bool is_export(const fs::path& file) {
  constexpr std::size_t kMetadataBytes = 4096;
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return false;
  std::string head(kMetadataBytes, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  return head.find("\"reprise.root\"") != std::string::npos;
}

/// An export begins with its model, so that where there is none, the rest is of somebody else.
void require_no_other_model(const fs::path& folder) {
  for (const char* name : {"model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"}) {
    if (!fs::exists(fs::symlink_status(folder / name)) || is_export(folder / "model.safetensors")) continue;
    throw Error(ErrorKind::kUsage,
                fmt::format("--out would replace {} in a folder that is no export: {}", name, folder.string()),
                "name a folder that is not there yet, or move what is in this one away");
  }
}

}  // namespace

void require_place_of_export(const fs::path& folder) {
  for (const char* name : {"checkpoints", "tokenizer", "shards", "data", "eval"}) {
    const fs::path run = run_of(folder, name);
    REPRISE_REQUIRE(run.empty(), ErrorKind::kUsage,
                    fmt::format("--out is the folder {} of the run {}: {}", name, run.string(), folder.string()),
                    "name a folder of its own");
  }
  require_no_other_model(folder);
}

void require_place_of_average(const fs::path& out) {
  require_outside_of_runs(out);
  if (!fs::exists(fs::symlink_status(out))) return;
  if (!holds([&] { return is_average(out); })) refuse(out, "an average");
}

void require_place_of_checkpoint(const fs::path& out, const MadeCheckpoint& made) {
  require_outside_of_runs(out);
  if (!fs::exists(fs::symlink_status(out))) return;
  const bool is_that_one = holds([&] {
    const Header header = read_info(out).header;
    return header.step == made.step && header.recipe_hash == made.recipe_hash && header.data_root == made.data_root;
  });
  if (!is_that_one) refuse(out, fmt::format("the run's checkpoint of step {}", made.step));
}

}  // namespace reprise::checkpoints
