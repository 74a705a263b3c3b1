#include "warp.h"

#include <algorithm>
#include <limits>

namespace reprise::ptx {
namespace {

constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

}  // namespace

void Warp::fail(const Instruction& instruction, const std::string& problem) const {
  const auto index = static_cast<std::size_t>(&instruction - memory_.kernel.code.data());
  throw Fault(memory_.kernel.name + ", line " + std::to_string(instruction.line) + ": " + problem + ": " +
              memory_.kernel.lines[index]);
}

std::string Warp::whereabouts() const {
  const auto count = [](LaneSet lanes) { return std::to_string(__builtin_popcount(lanes)); };
  return count(at_barrier_) + " lanes at a barrier, " + count(gathering_) + " wait for others of their warp, " +
         count(ended_) + " have ended";
}

void Warp::set_mask(LaneSet lanes) {
  for (int lane = 0; lane < kLanes; ++lane) mask_[lane] = (lanes >> lane & 1) != 0 ? ~std::uint32_t{0} : 0;
}

bool Warp::choose_lanes() {
  pc_ = next_pc_of_others_ = kNowhere;
  chosen_ = 0;
  for_each_lane(ready_, [&](int lane) { pc_ = std::min(pc_, pcs_[lane]); });
  for_each_lane(ready_, [&](int lane) {
    if (pcs_[lane] == pc_) {
      chosen_ |= LaneSet{1} << lane;
    } else {
      next_pc_of_others_ = std::min(next_pc_of_others_, pcs_[lane]);
    }
  });
  set_mask(chosen_);
  return chosen_ != 0;
}

void Warp::run() {
  while (choose_lanes()) {
    run_chosen();
    for_each_lane(chosen_, [&](int lane) { pcs_[lane] = pc_; });
  }
  if (gathering_ != 0) {
    const int lane = __builtin_ctz(gathering_);
    fail(memory_.kernel.code[pcs_[lane]], "lanes that it names never come (" + whereabouts() + ")");
  }
}

// Returns where others are to be chosen: at the place of lanes that stood behind, or where lanes part, wait or end.
void Warp::run_chosen() {
  const std::vector<Instruction>& code = memory_.kernel.code;
  while (chosen_ != 0 && pc_ < next_pc_of_others_) {
    if (pc_ >= code.size()) throw Fault(memory_.kernel.name + ": execution runs over the end");
    const Instruction& instruction = code[pc_];
    Use& use = memory_.uses[pc_];
    ++use.times;
    use.lanes += static_cast<std::uint64_t>(__builtin_popcount(chosen_));
    switch (instruction.kind) {
      case Kind::kCompute:
        compute(instruction);
        break;
      case Kind::kBranch:
        branch(instruction);
        continue;
      case Kind::kExit:
        end_lanes(instruction);
        continue;
      case Kind::kLoad:
        load(instruction, executing(instruction));
        break;
      case Kind::kStore:
        store(instruction, executing(instruction));
        break;
      case Kind::kCopy:
        begin_copies(instruction, executing(instruction));
        break;
      case Kind::kCommit:
        for_each_lane(executing(instruction), [&](int lane) { ++num_groups_[lane]; });
        break;
      case Kind::kWait:
        for_each_lane(executing(instruction), [&](int lane) { finish_copies(instruction, lane); });
        break;
      case Kind::kShuffle:
      case Kind::kWarpWait: {
        if (instruction.predicate != kNoRow) fail(instruction, "a shuffle under a condition");
        if (!gather(row(registers_, instruction.operands[3])[__builtin_ctz(chosen_)])) continue;
        if (instruction.kind == Kind::kShuffle) {
          shuffle(instruction);
        } else if (memory_.races != nullptr) {
          memory_.races->pass_warp_barrier(first_thread_, chosen_);
        }
        break;
      }
      case Kind::kBlockWait:
        if (instruction.predicate != kNoRow) fail(instruction, "a barrier under a condition");
        for_each_lane(chosen_, [&](int lane) { pcs_[lane] = pc_ + 1; });
        at_barrier_ |= chosen_;
        ready_ &= ~chosen_;
        chosen_ = 0;
        continue;
    }
    ++pc_;
  }
}

LaneSet Warp::executing(const Instruction& instruction) const {
  if (instruction.predicate == kNoRow) return chosen_;
  const std::uint32_t* const holds = row(registers_, instruction.predicate);
  LaneSet lanes = 0;
  for (int lane = 0; lane < kLanes; ++lane) lanes |= (holds[lane] & 1) << lane;
  return chosen_ & (instruction.negated ? ~lanes : lanes);
}

void Warp::compute(const Instruction& instruction) {
  if (instruction.predicate == kNoRow) {
    instruction.apply(registers_, instruction, mask_.data());
    return;
  }
  alignas(64) std::uint32_t mask[kLanes];
  const std::uint32_t* const holds = row(registers_, instruction.predicate);
  const std::uint32_t flip = instruction.negated ? ~std::uint32_t{0} : 0;
  for (int lane = 0; lane < kLanes; ++lane) mask[lane] = mask_[lane] & (holds[lane] ^ flip);
  instruction.apply(registers_, instruction, mask);
}

void Warp::branch(const Instruction& instruction) {
  const LaneSet taken = executing(instruction);
  if (taken == chosen_) {
    pc_ = instruction.target;
  } else if (taken == 0) {
    ++pc_;
  } else {  // they part: all are chosen from again
    for_each_lane(chosen_, [&](int lane) { pcs_[lane] = (taken >> lane & 1) != 0 ? instruction.target : pc_ + 1; });
    chosen_ = 0;
  }
}

void Warp::end_lanes(const Instruction& instruction) {
  const LaneSet ending = executing(instruction);
  for_each_lane(ending, [&](int lane) {
    if (!copies_[lane].empty()) fail(instruction, "an asynchronous copy was not waited for");
  });
  for_each_lane(chosen_, [&](int lane) { pcs_[lane] = pc_ + 1; });
  ended_ |= ending;
  ready_ &= ~ending;
  chosen_ = 0;
}

bool Warp::gather(LaneSet named) {
  LaneSet here = chosen_;
  for_each_lane(gathering_, [&](int lane) {
    if (pcs_[lane] == pc_) here |= LaneSet{1} << lane;
  });
  gathering_ &= ~here;
  if ((named & lanes_ & ~here) == 0) {
    ready_ |= here;
    if (here != chosen_) {
      chosen_ = here;
      set_mask(here);
    }
    return true;
  }
  for_each_lane(here, [&](int lane) { pcs_[lane] = pc_; });
  gathering_ |= here;
  ready_ &= ~here;
  chosen_ = 0;
  return false;
}

void Warp::shuffle(const Instruction& instruction) {
  const std::uint32_t* const value = row(registers_, instruction.operands[0]);
  const std::uint32_t* const by = row(registers_, instruction.operands[1]);
  const std::uint32_t* const clamp = row(registers_, instruction.operands[2]);
  std::array<std::uint32_t, kLanes> received{};
  LaneSet in_reach = 0;
  for_each_lane(chosen_, [&](int lane) {
    const std::uint32_t segment = clamp[lane] >> 8 & 31, own = static_cast<std::uint32_t>(lane);
    const std::uint32_t last = (own & segment) | (clamp[lane] & 31 & ~segment);
    std::uint32_t source = instruction.by_index ? (own & segment) | (by[lane] & 31 & ~segment) : own ^ (by[lane] & 31);
    if (source <= last) {
      in_reach |= LaneSet{1} << lane;
    } else {
      source = own;
    }
    if ((chosen_ >> source & 1) == 0) fail(instruction, "a value of a lane that takes no part");
    received[lane] = value[source];
  });
  for_each_lane(chosen_, [&](int lane) {
    row(registers_, instruction.result)[lane] = received[lane];
    if (instruction.result_predicate != kNoRow) {
      row(registers_, instruction.result_predicate)[lane] = (in_reach >> lane & 1) != 0 ? ~std::uint32_t{0} : 0;
    }
  });
}

void Warp::pass_barrier() {
  ready_ |= at_barrier_;
  at_barrier_ = 0;
}

}  // namespace reprise::ptx
