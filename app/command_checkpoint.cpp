// reprise checkpoint list|show|diff; the other verbs have files of their own (checkpoint_verbs.h)

#include <fmt/core.h>

#include <bit>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "checkpoint_verbs.h"
#include "commands.h"
#include "json_text.h"
#include "reprise/checkpoints/average.h"
#include "reprise/checkpoints/checkpoint.h"
#include "reprise/checkpoints/difference.h"
#include "reprise/checkpoints/folder.h"
#include "reprise/checkpoints/prune.h"
#include "reprise/core/error.h"
#include "reprise/core/print_note.h"

namespace reprise::app {
namespace {

using checkpoints::CheckpointDescription;
using checkpoints::CheckpointInfo;
using checkpoints::FileKind;
using nlohmann::ordered_json;
using std::filesystem::path;

struct CheckpointFlags {
  path run;
  std::optional<std::uint64_t> step;
  bool json = false;
  std::string a;
  std::string b;
};

std::string_view name_of(FileKind kind) { return kind == FileKind::kScheduled ? "scheduled" : "recovery"; }

void list(const CheckpointFlags& flags) {
  const path folder = checkpoint_folder(flags.run);
  const checkpoints::FolderScan scan = checkpoints::scan_checkpoints(folder);
  std::set<std::uint64_t> pruned_moments;
  for (const checkpoints::PrunedCheckpoint& gone : checkpoints::read_pruned(folder)) {
    if (!gone.whole_file) pruned_moments.insert(gone.step);
  }
  const auto moments_of = [&](const CheckpointInfo& info) {
    return info.has_moments ? "yes" : pruned_moments.contains(info.header.step) ? "pruned" : "no";
  };
  ordered_json json = ordered_json::array();
  for (const CheckpointInfo& info : scan.complete) {
    json.push_back({{"step", info.header.step},
                    {"root", info.root.hex()},
                    {"has_moments", info.has_moments},
                    {"moments", moments_of(info)},
                    {"bytes", info.file_bytes},
                    {"path", info.path.string()},
                    {"kind", name_of(info.kind)}});
    if (info.anchor) json.back()["anchor_step"] = info.anchor->step;
  }
  if (flags.json) {
    fmt::print("{}\n", json_text(json));
  } else {
    fmt::print("{:>8}  {:<9}  {:<7}  {:>12}  {:>6}  {}\n", "step", "kind", "moments", "bytes", "anchor", "root");
    for (const CheckpointInfo& info : scan.complete) {
      fmt::print("{:>8}  {:<9}  {:<7}  {:>12}  {:>6}  {}\n", info.header.step, name_of(info.kind), moments_of(info),
                 info.file_bytes, info.anchor ? std::to_string(info.anchor->step) : "", info.root.hex());
    }
  }
  for (const checkpoints::SkippedFile& file : scan.skipped) print_note("left out: {}\n", file.reason.what());
}

ordered_json header_json(const CheckpointInfo& info) {
  const checkpoints::Header& h = info.header;
  ordered_json json = {{"step", h.step},
                       {"kind", name_of(info.kind)},
                       {"root", info.root.hex()},
                       {"previous_root", h.previous_root.hex()},
                       {"tokens_seen", h.tokens_seen},
                       {"next_sample", h.next_sample},
                       {"adam_step", h.adam_step},
                       {"beta1_power", h.beta1_power},
                       {"beta2_power", h.beta2_power},
                       {"seed", h.seed},
                       {"contract_version", h.contract_version},
                       {"recipe_hash", h.recipe_hash.hex()},
                       {"data_root", h.data_root.hex()},
                       {"has_moments", info.has_moments},
                       {"bytes", info.file_bytes},
                       {"path", info.path.string()}};
  if (info.anchor) {
    json["anchor_step"] = info.anchor->step;
    json["anchor_root"] = info.anchor->root.hex();
  }
  return json;
}

ordered_json tensors_json(const CheckpointDescription& description) {
  const std::vector<Digest> weights = tensor_digests(description.layout, description.digests.weights);
  const std::vector<Digest> first = tensor_digests(description.layout, description.digests.first_moments);
  const std::vector<Digest> second = tensor_digests(description.layout, description.digests.second_moments);
  ordered_json tensors = ordered_json::array();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const TensorSpec& spec = description.layout.entries()[i].spec;
    tensors.push_back({{"name", spec.name},
                       {"shape", spec.shape},
                       {"dtype", "float32"},
                       {"weight", weights[i].hex()},
                       {"first_moment", first[i].hex()},
                       {"second_moment", second[i].hex()}});
  }
  return tensors;
}

void show(const CheckpointFlags& flags) {
  const bool is_file = std::filesystem::is_regular_file(flags.run);
  if (!is_file) checkpoint_folder(flags.run);  // throws where it is no run either
  REPRISE_REQUIRE(is_file || flags.step, ErrorKind::kUsage, fmt::format("which checkpoint of {}?", flags.run.string()),
                  "give --step N, or a file in place of the run");
  REPRISE_REQUIRE(
      !is_file || !flags.step, ErrorKind::kUsage,
      fmt::format("--step {} chooses among the checkpoints of a run; {} is one file", *flags.step, flags.run.string()),
      "leave --step out, or name the run");
  const path file = is_file ? flags.run : checkpoint_file_of_step(flags.run, *flags.step);
  if (checkpoints::is_average(file)) return show_average(file, flags.json);
  const CheckpointDescription description = checkpoints::read_description(file);
  ordered_json json = header_json(description.info);
  const ordered_json tensors = tensors_json(description);
  if (flags.json) {
    json["tensors"] = tensors;
    fmt::print("{}\n", json_text(json));
    return;
  }
  for (const auto& [key, value] : json.items()) {
    fmt::print("{:<17} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  fmt::print("\n{:<48} {:<14} {:<16}  {:<16}  {}\n", "tensor", "shape", "weight", "first moment", "second moment");
  for (const ordered_json& tensor : tensors) {
    const auto start_of = [&](const char* key) { return tensor[key].get<std::string>().substr(0, 16); };
    fmt::print("{:<48} {:<14} {}  {}  {}\n", tensor["name"].get<std::string>(), tensor["shape"].dump(),
               start_of("weight"), start_of("first_moment"), start_of("second_moment"));
  }
}

std::string with_bits(float value) { return fmt::format("{} (0x{:08x})", value, std::bit_cast<std::uint32_t>(value)); }

/// Null where there is nothing to say: of models that differ, and of values that a file does not store.
ordered_json to_json(const checkpoints::Difference& difference) {
  const bool is_layout = difference.where == checkpoints::Difference::Where::kLayout;
  const bool has_element = difference.element >= 0;
  const auto known = [](bool is_known, const auto& value) { return is_known ? ordered_json(value) : ordered_json(); };
  ordered_json json = {{"where", to_string(difference.where)},
                       {"tensor", known(!is_layout, difference.tensor)},
                       {"chunk", known(!is_layout, difference.chunk)},
                       {"element", known(has_element, difference.element)},
                       {"bits_a", known(has_element, std::bit_cast<std::uint32_t>(difference.a))},
                       {"bits_b", known(has_element, std::bit_cast<std::uint32_t>(difference.b))},
                       {"differing_chunks", known(!is_layout, difference.differing_chunks)}};
  if (is_layout) json["detail"] = difference.tensor;
  return json;
}

void print_difference(const checkpoints::Difference& difference) {
  if (difference.where == checkpoints::Difference::Where::kLayout) {
    fmt::print("the models differ: {}\n", difference.tensor);
    return;
  }
  fmt::print("first difference: {} {}, chunk {}", to_string(difference.where), difference.tensor, difference.chunk);
  if (difference.element >= 0) {
    fmt::print(", element {}: {} and {}\n", difference.element, with_bits(difference.a), with_bits(difference.b));
  } else {
    fmt::print(" (by its digest: one of the files does not store these values)\n");
  }
  fmt::print("{} chunks differ\n", difference.differing_chunks);
}

void diff(const CheckpointFlags& flags, Context& context) {
  const checkpoints::LoadedCheckpoint a = checkpoints::read_checkpoint(checkpoint_file(flags.a));
  const checkpoints::LoadedCheckpoint b = checkpoints::read_checkpoint(checkpoint_file(flags.b));
  const std::optional<checkpoints::Difference> difference = checkpoints::first_difference(a, b);
  context.status = difference ? 1 : 0;
  if (flags.json) {
    ordered_json json = {{"same", !difference}, {"root_a", a.info.root.hex()}, {"root_b", b.info.root.hex()}};
    if (difference) json.update(to_json(*difference));
    fmt::print("{}\n", json_text(json));
    return;
  }
  if (difference) {
    print_difference(*difference);
  } else {
    fmt::print("the same state{}\n", a.info.root == b.info.root ? fmt::format(", root {}", a.info.root.hex())
                                                                : " (the headers differ, and so do the roots)");
  }
}

}  // namespace

void add_checkpoint_command(CLI::App& app, Context& context) {
  const auto flags = std::make_shared<CheckpointFlags>();
  CLI::App* verb = app.add_subcommand("checkpoint", "List, show, verify, store, average and export checkpoints");
  verb->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, const char* json, const char* footer) {
    CLI::App* action = verb->add_subcommand(name, what);
    action->add_flag("--json", flags->json, json);
    action->footer(footer);
    return action;
  };
  const auto add_run = [&](CLI::App* action) {
    action->add_option("RUN", flags->run, "Run folder, such as runs/tiny")->required();
  };

  CLI::App* listing = add("list", "List the complete checkpoints of a run", "Print an array with one object for each",
                          "Example:\n  reprise checkpoint list runs/tiny --json");
  add_run(listing);
  listing->callback([flags] { list(*flags); });

  CLI::App* showing =
      add("show", "Show the header and the tensors of one checkpoint, with their digests",
          "Print one object, digests in full", "Example:\n  reprise checkpoint show runs/tiny --step 128");
  showing->add_option("RUN", flags->run, "Run folder, such as runs/tiny, or one file")->required();
  showing->add_option("--step", flags->step, "Step of the checkpoint");
  showing->callback([flags] { show(*flags); });

  CLI::App* comparing = add("diff", "Find the first tensor, chunk and element in which two checkpoints differ",
                            "Print the answer as JSON",
                            "Exit code 0: the same state; 1: they differ.\n\n"
                            "Example:\n  reprise checkpoint diff runs/tiny@128 runs/other@128");
  comparing->add_option("A", flags->a, "RUN@STEP, or a checkpoint file")->required();
  comparing->add_option("B", flags->b, "RUN@STEP, or a checkpoint file")->required();
  comparing->callback([flags, &context] { diff(*flags, context); });
  add_verify_verb(*verb, context);
  add_pack_verbs(*verb, context);
  add_average_verb(*verb);
  add_export_verb(*verb);
  add_prune_verb(*verb);
  add_ema_verb(*verb, context);
  add_materialize_verb(*verb, context);
}

}  // namespace reprise::app
