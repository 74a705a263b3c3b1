#include "same_on_ranks.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <sstream>

#include "gather.h"
#include "reprise/core/device_name.h"
#include "reprise/dist/host_place.h"

namespace reprise::train {
namespace {

constexpr char kRecipe[] = "recipe";

std::vector<std::string> gather_texts(dist::Communicator& communicator, const std::string& mine) {
  Message message;
  message.put(std::span<const char>(mine));
  std::vector<std::string> texts;
  for (const Message& one : gather_messages(communicator, message)) {
    texts.emplace_back(reinterpret_cast<const char*>(one.bytes().data()), one.bytes().size());
  }
  return texts;
}

/// The host, then a line for each fact.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// A rank of another build may have fewer.
std::string line_at(const std::vector<std::string>& lines, std::size_t i) {
  return i < lines.size() ? lines[i] : "nothing";
}

std::string line_of(const SharedFact& fact) { return fact.name + " " + fact.value; }

/// "cuda:N" may be another GPU on each rank, while "cuda" is found by an exchange. A name that is none is refused
/// later.
std::string device_kind(const std::string& name) {
  const std::optional<DeviceName> device = parse_device_name(name);
  if (!device) return "unknown";
  return device->is_cpu ? "cpu" : device->index ? "cuda:N" : "cuda";
}

/// The first field in which the recipe of `rank` differs from that of rank 0. Collective.
std::string difference_of_recipes(const configs::Recipe& mine, int rank, dist::Communicator& communicator) {
  const std::vector<std::string> all = gather_texts(communicator, mine.SerializeAsString());
  configs::Recipe first, theirs;
  if (!first.ParseFromString(all.front()) || !theirs.ParseFromString(all.at(static_cast<std::size_t>(rank)))) return "";
  const std::string difference = first_difference(first, theirs);
  return difference.empty() ? "" : fmt::format("; first difference (rank 0 -> rank {}): recipe.{}", rank, difference);
}

}  // namespace

void expect_same_on_ranks(const std::vector<SharedFact>& mine, dist::Communicator& communicator,
                          const Explain& explain) {
  if (communicator.size() == 1) return;
  std::string text = dist::host_name() + "\n";
  for (const SharedFact& fact : mine) text += line_of(fact) + "\n";
  const std::vector<std::string> all = gather_texts(communicator, text);
  const std::vector<std::string> first = lines_of(all.front());
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    const std::vector<std::string> theirs = lines_of(all[rank]);
    for (std::size_t line = 1; line < std::max(first.size(), theirs.size()); ++line) {
      const std::string here = line_at(first, line);
      const std::string there = line_at(theirs, line);
      if (here == there) continue;
      const SharedFact fact = line <= mine.size() ? mine[line - 1] : SharedFact{ErrorKind::kConfig, "", ""};
      const int number = static_cast<int>(rank);
      throw Error(fact.kind,
                  fmt::format("ranks were not given the same: rank {} (on {}) has {}, rank 0 (on {}) has {}{}", number,
                              theirs.front(), there, first.front(), here, explain ? explain(fact, number) : ""),
                  "give every rank the same program, CONFIG and --set, and a run folder that all machines share "
                  "(docs/reference/launch.md)");
    }
  }
}

void expect_one_run(const RunIdentity& identity, const TrainOptions& options, std::uint64_t last_step,
                    dist::Communicator& communicator) {
  const ErrorKind kind = ErrorKind::kConfig;
  const std::vector<SharedFact> facts = {// A later version may compare other things, so this one comes first.
                                         {kind, "Reprise", REPRISE_VERSION},
                                         {kind, kRecipe, identity.recipe_hash.hex()},
                                         {ErrorKind::kData, "token shards with root", identity.data_root.hex()},
                                         {ErrorKind::kData, "tokenizer", identity.tokenizer.hex()},
                                         {kind, "runtime.device", device_kind(options.compute.device)},
                                         {kind, "runtime.bucket_kib", std::to_string(options.compute.bucket_kib)},
                                         {kind, "a run to resume:", options.resume ? "yes" : "no"},
                                         {kind, "last step", std::to_string(last_step)},
                                         {kind, "whole last state:", options.save_whole_last_state ? "yes" : "no"}};
  expect_same_on_ranks(facts, communicator, [&](const SharedFact& fact, int rank) {
    return fact.name == kRecipe ? difference_of_recipes(identity.recipe, rank, communicator) : std::string();
  });
}

void expect_one_file(const std::filesystem::path& path, const Digest& root, ErrorKind kind,
                     dist::Communicator& communicator) {
  // Its folder may have a name of its own on each machine.
  expect_same_on_ranks({{kind, path.filename().string() + " with root", root.hex()}}, communicator);
}

}  // namespace reprise::train
