// Bytes and balance of one step at any number of ranks, beside a ring all-reduce; under mpirun, the same counted and
// timed on the trainer's own exchange.
//
//   exchange_volume [--grains 64] [--ranks 1,2,3] [--chunks N] [--cost LEAF:GRADIENT] [--json]
//   mpirun -n R exchange_volume [--grains 64] [--chunks N] [--rounds 20] [--json]
//
// Ends with 1 when a rank has not sent what was predicted.

#include "reprise/dist/exchange_volume.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>

#include "reprise/core/error.h"
#include "reprise/core/tensor_layout.h"
#include "reprise/dist/communicator.h"
#include "slice_exchange.h"

namespace {

using namespace reprise;
using Json = nlohmann::ordered_json;

struct Flags {
  std::int64_t grains = 64;
  std::vector<int> ranks;
  std::int64_t chunks = 0;
  std::string cost = "1:2";
  int rounds = 20;
  bool as_json = false;
};

dist::ExchangeCost parse_cost(const std::string& text) {
  const std::size_t colon = text.find(':');
  REPRISE_REQUIRE(colon != std::string::npos, ErrorKind::kUsage, fmt::format("--cost {} has no colon", text),
                  "give two whole numbers, as in --cost 1:2");
  return {.leaf = std::stoll(text.substr(0, colon)), .gradient = std::stoll(text.substr(colon + 1))};
}

Json describe(std::int64_t grains, int num_ranks, std::int64_t chunks, const dist::ExchangeCost& cost) {
  const dist::ExchangeVolume volume = dist::exchange_volume(grains, num_ranks, chunks, cost);
  std::int64_t subtrees = 0;
  std::int64_t most_subtrees = 0;
  for (const dist::RankVolume& rank : volume.ranks) {
    subtrees += rank.num_subtrees;
    most_subtrees = std::max(most_subtrees, rank.num_subtrees);
  }
  return {{"grains", grains},
          {"ranks", num_ranks},
          {"gradient_bytes", volume.gradient_bytes},
          {"most_grains", volume.most_leaves()},
          {"fair_grains", volume.fair_leaves},
          {"partial_sums", subtrees},
          {"most_partial_sums", most_subtrees},
          {"total_bytes_sent", volume.total_bytes_sent()},
          {"most_bytes_sent", volume.most_bytes_sent()},
          {"average_over_ring", volume.average_over_ring()},
          {"worst_over_ring", volume.worst_over_ring()}};
}

void print_table(const Flags& flags) {
  Json rows = Json::array();
  for (const int num_ranks : flags.ranks) {
    // By default as many chunks as give every rank the same, so that nothing but the cuts shows.
    const std::int64_t chunks = flags.chunks > 0 ? flags.chunks : num_ranks;
    rows.push_back(describe(flags.grains, num_ranks, chunks, parse_cost(flags.cost)));
  }
  if (flags.as_json) {
    fmt::print("{}\n", rows.dump(1));
    return;
  }
  fmt::print("ranks  grains: most (fair)  partial sums: mean  most   bytes over ring: mean  worst\n");
  for (const Json& row : rows) {
    fmt::print("{:5}  {:12} {:6}  {:18.2f}  {:4}  {:21.2f}  {:5.2f}\n", row["ranks"].get<int>(),
               row["most_grains"].get<int>(), fmt::format("({})", row["fair_grains"].get<int>()),
               row["partial_sums"].get<double>() / row["ranks"].get<double>(), row["most_partial_sums"].get<int>(),
               row["average_over_ring"].get<double>(), row["worst_over_ring"].get<double>());
  }
}

/// One rank's part: sums of the right sizes, exchanged and gathered `rounds` times. Returns the seconds of each,
/// ascending.
std::vector<double> run_exchange(const Flags& flags, dist::Communicator& communicator) {
  const TensorLayout layout({TensorSpec{.name = "weights", .shape = {flags.chunks * kChunkElements}}});
  const ChunkRange whole{0, layout.num_chunks()};
  train::SliceExchange exchange(flags.grains, layout, {&whole, 1}, communicator);
  const auto elements = static_cast<std::size_t>(layout.num_elements());
  const auto memory = dist::GradientMemory::create();
  std::vector<dist::TreeAdder::Partial> partials;
  const dist::LeafRange leaves = dist::leaves_of_rank(flags.grains, communicator.rank(), communicator.size());
  for (const dist::LeafRange& node : dist::maximal_subtrees(flags.grains, leaves)) {
    dist::GradientBuffer buffer = memory->take(layout.num_elements());
    std::fill_n(buffer.get(), elements, 0.0f);
    partials.push_back({node, std::move(buffer)});
  }
  std::vector<float> flat(elements);
  std::vector<double> seconds;
  for (int round = 0; round < flags.rounds; ++round) {
    communicator.barrier();
    const auto start = std::chrono::steady_clock::now();
    exchange.run(whole, partials);
    exchange.gather_slices(flat);
    communicator.barrier();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

int count_and_time(Flags flags) {
  const auto communicator = dist::make_communicator();
  if (flags.chunks == 0) flags.chunks = 256;
  const std::uint64_t before = communicator->bytes_sent();
  const std::vector<double> seconds = run_exchange(flags, *communicator);
  const double median = seconds[seconds.size() / 2];
  const std::uint64_t counted = (communicator->bytes_sent() - before) / static_cast<std::uint64_t>(flags.rounds);
  std::vector<std::uint64_t> all(static_cast<std::size_t>(communicator->size()));
  std::vector<std::span<std::byte>> receive;
  for (std::uint64_t& one : all) receive.push_back(std::as_writable_bytes(std::span(&one, 1)));
  communicator->all_gather(std::as_bytes(std::span(&counted, 1)), receive);
  const dist::ExchangeVolume volume = dist::exchange_volume(flags.grains, communicator->size(), flags.chunks);
  bool same = true;
  for (std::size_t rank = 0; rank < all.size(); ++rank) same = same && all[rank] == volume.ranks[rank].bytes_sent;
  if (communicator->rank() == 0) {
    Json json = describe(flags.grains, communicator->size(), flags.chunks, {});
    json["counted_bytes_sent"] = all;
    json["as_predicted"] = same;
    json["median_seconds"] = median;
    json["least_seconds"] = seconds.front();
    if (flags.as_json) {
      fmt::print("{}\n", json.dump(1));
    } else {
      fmt::print("{} ranks, {} bytes of gradient: {} bytes sent, predicted {}; {:.3f} ms\n", all.size(),
                 volume.gradient_bytes, std::accumulate(all.begin(), all.end(), std::uint64_t{0}),
                 volume.total_bytes_sent(), median * 1e3);
    }
  }
  return same ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  for (int ranks = 1; ranks <= 64; ++ranks) flags.ranks.push_back(ranks);
  CLI::App app{"Bytes that a step moves between ranks"};
  app.add_option("--grains", flags.grains)->check(CLI::PositiveNumber);
  app.add_option("--ranks", flags.ranks)->delimiter(',')->check(CLI::PositiveNumber);
  app.add_option("--chunks", flags.chunks, "Chunks of 4,096 float32 in the gradient")->check(CLI::PositiveNumber);
  app.add_option("--cost", flags.cost, "Time of a grain and of sending a gradient, e.g. 1:2");
  app.add_option("--rounds", flags.rounds)->check(CLI::PositiveNumber);
  app.add_flag("--json", flags.as_json);
  CLI11_PARSE(app, argc, argv);
  try {
    if (dist::launched_by_mpi()) return count_and_time(flags);
    print_table(flags);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.formatted());
    return exit_code(error.kind());
  }
}
