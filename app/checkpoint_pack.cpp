// reprise checkpoint pack|unpack

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint_verbs.h"
#include "json_text.h"
#include "reprise/checkpoints/storage.h"
#include "reprise/core/folder_lock.h"
#include "reprise/core/print_note.h"
#include "reprise/core/stop.h"
#include "reprise/logs/progress_bar.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

using checkpoints::StorageReport;
using checkpoints::StoredFile;
using nlohmann::ordered_json;

struct PackFlags {
  std::filesystem::path run;
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
};

double ratio(std::uint64_t after, std::uint64_t before) {
  return before == 0 ? 1.0 : static_cast<double>(after) / static_cast<double>(before);
}

double megabytes_per_second(std::uint64_t bytes, double seconds) {
  return seconds > 0 ? static_cast<double>(bytes) / seconds / 1e6 : 0.0;
}

void print_json(const StorageReport& report, const PackFlags& flags) {
  ordered_json files = ordered_json::array();
  for (const StoredFile& file : report.changed) {
    files.push_back({{"step", file.step},
                     {"path", file.path.string()},
                     {"bytes_before", file.bytes_before},
                     {"bytes_after", file.bytes_after}});
    if (file.anchor_step) files.back()["anchor_step"] = *file.anchor_step;
  }
  ordered_json json = {{"dry_run", flags.dry_run}, {"left", report.num_left}};
  if (report.weight_bytes > 0) {
    json["weight_bytes"] = report.weight_bytes;
    json["delta_bytes"] = report.delta_bytes;
    json["ratio"] = ratio(report.delta_bytes, report.weight_bytes);
    json["encode_seconds"] = report.encode_seconds;
    if (flags.dry_run) json["decode_seconds"] = report.decode_seconds;
  }
  json["files"] = files;
  fmt::print("{}\n", json_text(json));
}

void print_summary(const StorageReport& report, const PackFlags& flags) {
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (const StoredFile& file : report.changed) {
    before += file.bytes_before;
    after += file.bytes_after;
  }
  fmt::print("{} file(s) {}, {} left as they are\n", report.changed.size(),
             flags.dry_run ? "would be stored otherwise" : "stored otherwise", report.num_left);
  if (report.changed.empty()) return;
  fmt::print("{}: {} bytes before, {} after, ratio {:.3f}\n", flags.dry_run ? "weights" : "files", before, after,
             ratio(after, before));
  if (report.weight_bytes == 0) return;
  fmt::print("weights alone: ratio {:.3f}; differences made at {:.0f} MB/s",
             ratio(report.delta_bytes, report.weight_bytes),
             megabytes_per_second(report.weight_bytes, report.encode_seconds));
  if (flags.dry_run)
    fmt::print(", undone at {:.0f} MB/s", megabytes_per_second(report.weight_bytes, report.decode_seconds));
  fmt::print("\n");
}

/// Runs `work` with a progress bar; Ctrl-C stops it between two files, which leaves whole files of both kinds.
template <typename Work>
void run_on_files(const char* what, const PackFlags& flags, Context& context, Work&& work) {
  const auto progress = logs::make_progress(flags.quiet);
  const StopHandlers handlers;
  bool begun = false;
  const StorageReport report = work([&](std::size_t done, std::size_t total) {
    if (!begun) progress->begin(what, static_cast<std::int64_t>(total), "files");
    begun = true;
    progress->update(static_cast<std::int64_t>(done));
    return stop_signal() == 0;
  });
  if (begun) progress->end();
  if (flags.json) {
    print_json(report, flags);
  } else {
    print_summary(report, flags);
  }
  if (stop_signal() == 0) return;
  context.status = 128 + stop_signal();
  print_note("stopped between two files; every file is whole, and the same command goes on\n");
}

CLI::App* add_verb(CLI::App& checkpoint, const char* name, const char* what, PackFlags& flags) {
  CLI::App* verb = checkpoint.add_subcommand(name, what);
  verb->add_option("RUN", flags.run, "Run folder, such as runs/tiny")->required();
  verb->add_flag("--json", flags.json, "Print what was done to each file as JSON");
  add_quiet_flag(*verb, flags.quiet);
  return verb;
}

}  // namespace

void add_pack_verbs(CLI::App& checkpoint, Context& context) {
  const auto flags = std::make_shared<PackFlags>();
  CLI::App* packing = add_verb(checkpoint, "pack", "Store checkpoints without moments as lossless differences", *flags);
  packing->add_flag("--dry-run", flags->dry_run, "Measure, and write nothing");
  packing->footer(
      "Each differs from the nearest checkpoint with moments before it, so that any one is read with one other file.\n"
      "Roots and values stay what they are. Stopped or killed, every file is whole; the same command goes on.\n\n"
      "Example:\n  reprise checkpoint pack runs/tiny --dry-run");
  packing->callback([flags, &context] {
    run_on_files("pack", *flags, context, [&](const checkpoints::StorageProgress& progress) {
      const std::filesystem::path folder = checkpoint_folder(flags->run);
      std::optional<FolderLock> lock;  // a run that goes on at the same time writes here too
      if (!flags->dry_run) lock.emplace(flags->run);
      return checkpoints::pack_checkpoints(folder, flags->dry_run, progress);
    });
  });

  CLI::App* unpacking = add_verb(checkpoint, "unpack", "Store every checkpoint whole again", *flags);
  unpacking->footer(
      "Each file gets the bytes that it was first written with.\n\nExample:\n  reprise checkpoint unpack runs/tiny");
  unpacking->callback([flags, &context] {
    run_on_files("unpack", *flags, context, [&](const checkpoints::StorageProgress& progress) {
      const std::filesystem::path folder = checkpoint_folder(flags->run);
      const FolderLock lock(flags->run);
      return checkpoints::unpack_checkpoints(folder, progress);
    });
  });
}

}  // namespace reprise::app
