#include "machine.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <new>
#include <numeric>
#include <random>
#include <string>

#include "races.h"
#include "warp.h"

namespace reprise::ptx {
namespace {

constexpr std::byte kPoison{0xff};  // four of them are a NaN
constexpr std::size_t kAlignment = 64;

struct FreeRegisters {
  void operator()(std::uint32_t* registers) const {
    ::operator delete[](static_cast<void*>(registers), std::align_val_t{kAlignment});
  }
};
using Registers = std::unique_ptr<std::uint32_t[], FreeRegisters>;

std::uint32_t of_axis(const Extent& extent, char axis) {
  return axis == 'x' ? extent.x : axis == 'y' ? extent.y : extent.z;
}

/// All blocks of a launch. Registers of a warp keep what the block before left there, as on a GPU.
class Grid {
 public:
  Grid(const Launch& launch, const FindRange& find_range, Uses& uses, bool measures_traffic, Races* races)
      : launch_(launch),
        find_range_(find_range),
        uses_(uses),
        measures_traffic_(measures_traffic),
        races_(races),
        last_ranges_(launch.kernel.code.size()) {
    uses_.resize(launch.kernel.code.size());
    if (races_ != nullptr) races_->begin_launch(launch.kernel, shared_bytes());
    num_threads_ = launch.block.x * launch.block.y * launch.block.z;
    const std::uint32_t num_warps = (num_threads_ + kLanes - 1) / kLanes;
    const std::size_t num_values = std::size_t{launch.kernel.num_rows} * kLanes;
    for (std::uint32_t warp = 0; warp < num_warps; ++warp) {
      registers_.emplace_back(new (std::align_val_t{kAlignment}) std::uint32_t[std::max<std::size_t>(num_values, 1)]());
      set_constants(registers_.back().get(), warp * kLanes);
    }
  }

  void run_block(const Extent& block) {
    BlockMemory memory{launch_.kernel, launch_.parameters, find_range_, last_ranges_,
                       uses_,          measures_traffic_,  races_,      {}};
    memory.shared.assign(shared_bytes(), kPoison);
    if (races_ != nullptr) races_->begin_block(block);
    std::deque<Warp> warps;
    for (std::size_t i = 0; i < registers_.size(); ++i) {
      set_block(registers_[i].get(), block);
      const std::uint32_t first = static_cast<std::uint32_t>(i) * kLanes;
      const std::uint32_t threads = std::min<std::uint32_t>(num_threads_ - first, kLanes);
      warps.emplace_back(memory, registers_[i].get(), first,
                         threads == kLanes ? ~LaneSet{0} : (LaneSet{1} << threads) - 1);
    }
    while (true) {
      for (const std::size_t place : next_order(warps.size())) warps[place].run();
      if (std::all_of(warps.begin(), warps.end(), [](const Warp& warp) { return warp.has_ended(); })) return;
      for (const Warp& warp : warps) {
        if (warp.waits_for_block()) continue;
        throw Fault(launch_.kernel.name + ": a barrier that not all threads reach (" + warp.whereabouts() + ")");
      }
      for (Warp& warp : warps) warp.pass_barrier();
      if (races_ != nullptr) races_->pass_block_barrier();
    }
  }

 private:
  /// Places of warps in the order in which they run until the next barrier.
  const std::vector<std::size_t>& next_order(std::size_t count) {
    if (order_.size() != count) {
      order_.resize(count);
      std::iota(order_.begin(), order_.end(), std::size_t{0});
      if (launch_.order == Order::kBackward) std::reverse(order_.begin(), order_.end());
    }
    if (launch_.order == Order::kRandom) std::shuffle(order_.begin(), order_.end(), random_);
    return order_;
  }

  std::size_t shared_bytes() const { return std::size_t{launch_.kernel.static_shared} + launch_.dynamic_shared; }

  void set_constants(std::uint32_t* registers, std::uint32_t first_thread) const {
    for (const ConstantRow& constant : launch_.kernel.constants) {
      std::uint32_t* const values = row(registers, constant.row);
      if (constant.wide) {
        std::fill_n(reinterpret_cast<std::uint64_t*>(values), kLanes, constant.value);
      } else {
        std::fill_n(values, kLanes, static_cast<std::uint32_t>(constant.value));
      }
    }
    const Extent& size = launch_.block;
    for (const SpecialRow& special : launch_.kernel.specials) {
      const char axis = special.name.back();
      std::uint32_t* const values = row(registers, special.row);
      if (special.name.starts_with("%ntid")) std::fill_n(values, kLanes, of_axis(size, axis));
      if (special.name.starts_with("%nctaid")) std::fill_n(values, kLanes, of_axis(launch_.grid, axis));
      for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
        const std::uint32_t thread = first_thread + lane;
        const Extent place{thread % size.x, thread / size.x % size.y, thread / size.x / size.y};
        if (special.name.starts_with("%tid")) values[lane] = of_axis(place, axis);
        if (special.name == "%laneid") values[lane] = lane;
      }
    }
  }

  void set_block(std::uint32_t* registers, const Extent& block) const {
    for (const SpecialRow& special : launch_.kernel.specials) {
      if (!special.name.starts_with("%ctaid")) continue;
      std::fill_n(row(registers, special.row), kLanes, of_axis(block, special.name.back()));
    }
  }

  const Launch& launch_;
  const FindRange& find_range_;
  Uses& uses_;
  bool measures_traffic_;
  Races* races_;
  std::vector<Range> last_ranges_;
  std::uint32_t num_threads_ = 0;
  std::mt19937 random_{launch_.seed};
  std::vector<std::size_t> order_;
  std::vector<Registers> registers_;
};

}  // namespace

void execute(const Launch& launch, const FindRange& find_range, Uses& uses, bool measures_traffic, Races* races) {
  const std::uint32_t num_threads = launch.block.x * launch.block.y * launch.block.z;
  if (num_threads == 0 || num_threads > launch.kernel.most_threads) {
    throw Fault(launch.kernel.name + ": a block of " + std::to_string(num_threads) + " threads, compiled for " +
                std::to_string(launch.kernel.most_threads));
  }
  Grid grid(launch, find_range, uses, measures_traffic, races);
  const std::uint64_t row = launch.grid.x, plane = row * launch.grid.y, count = plane * launch.grid.z;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t block = launch.order == Order::kBackward ? count - 1 - i : i;
    grid.run_block({static_cast<std::uint32_t>(block % row), static_cast<std::uint32_t>(block % plane / row),
                    static_cast<std::uint32_t>(block / plane)});
  }
}

}  // namespace reprise::ptx
