#pragma once
// The lanes of a warp, and the memory that they see.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lane_set.h"
#include "machine.h"
#include "module.h"
#include "races.h"

namespace reprise::ptx {

/// The values of a register.
inline std::uint32_t* row(std::uint32_t* registers, Row index) { return registers + std::size_t{index} * kLanes; }

/// Addresses, and the host's memory that they mean.
struct Region : Range {
  std::byte* host = nullptr;
};

/// What the warps of a block share.
struct BlockMemory {
  const Kernel& kernel;
  std::vector<std::byte> parameters;
  const FindRange& find_range;
  std::vector<Range>& last_ranges;  // of each instruction: mostly the next one too
  Uses& uses;
  bool measures_traffic;
  Races* races;  // or null
  std::vector<std::byte> shared;

  /// The memory that an instruction's access of `bytes` lies in, or a Fault.
  Region region_of(const Instruction& instruction, Space space, std::uint64_t address, int bytes);
};

class Warp {
 public:
  /// `registers`: kernel.num_rows rows of 32 values, kept by the caller. `lanes`: those that have a thread.
  Warp(BlockMemory& memory, std::uint32_t* registers, std::uint32_t first_thread, LaneSet lanes)
      : memory_(memory), registers_(registers), first_thread_(first_thread), ready_(lanes), lanes_(lanes) {}

  /// Until all lanes have ended or wait for the block. Throws Fault.
  void run();

  bool has_ended() const { return ended_ == lanes_; }
  bool waits_for_block() const { return at_barrier_ == lanes_; }
  /// Lets the lanes at the barrier go on.
  void pass_barrier();
  /// What stands where, for a fault.
  std::string whereabouts() const;

 private:
  struct Copy {
    std::byte* to;
    const std::byte* from;
    const Instruction* instruction;
    std::uint32_t group;  // of this lane
    Races::Time begun;
  };

  bool choose_lanes();
  void run_chosen();
  /// The lanes of the chosen that execute a predicated instruction.
  LaneSet executing(const Instruction& instruction) const;
  void set_mask(LaneSet lanes);
  void compute(const Instruction& instruction);
  void branch(const Instruction& instruction);
  /// True when all lanes that it names have come.
  bool gather(LaneSet named);
  void shuffle(const Instruction& instruction);
  void load(const Instruction& instruction, LaneSet lanes);
  void store(const Instruction& instruction, LaneSet lanes);
  void begin_copies(const Instruction& instruction, LaneSet lanes);
  void finish_copies(const Instruction& wait, int lane);
  struct Place {
    Space space;
    Row base;
    bool wide;
    std::int64_t displacement;
  };
  static Place place_of(const Instruction& instruction);
  struct Places {  // of each lane
    Addresses addresses;
    std::array<std::byte*, kLanes> bytes;
  };
  /// Where lanes access memory, or a Fault.
  Places find(const Instruction& instruction, LaneSet lanes, const Place& place);
  /// Reads into registers.
  void take(const Instruction& instruction, LaneSet lanes, const Places& from);
  /// Notes what the lanes' access to the memory of `space` costs.
  void measure(const Instruction& instruction, LaneSet lanes, Space space, const Addresses& addresses);
  Races::Access access(const Instruction& instruction, LaneSet lanes, Space space, const Addresses& addresses) const;
  void end_lanes(const Instruction& instruction);
  [[noreturn]] void fail(const Instruction& instruction, const std::string& problem) const;

  BlockMemory& memory_;
  std::uint32_t* registers_;
  std::uint32_t first_thread_;
  LaneSet ready_;  // can go on
  LaneSet lanes_;
  LaneSet at_barrier_ = 0;
  LaneSet gathering_ = 0;  // wait for other lanes of the warp
  LaneSet ended_ = 0;
  LaneSet chosen_ = 0;  // go together, from pc_ on
  std::uint32_t pc_ = 0;
  std::uint32_t next_pc_of_others_ = 0;
  std::array<std::uint32_t, kLanes> pcs_{};  // of lanes that are not chosen
  alignas(64) std::array<std::uint32_t, kLanes> mask_{};
  std::array<std::vector<Copy>, kLanes> copies_;
  std::array<std::uint32_t, kLanes> num_groups_{};  // committed by each lane
};

}  // namespace reprise::ptx
