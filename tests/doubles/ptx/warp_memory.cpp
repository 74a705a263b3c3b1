// What the lanes of a warp read and write.

#include <array>
#include <cstring>
#include <span>
#include <sstream>

#include "warp.h"

namespace reprise::ptx {
namespace {

std::uint64_t* wide_row(std::uint32_t* registers, Row index) {
  return reinterpret_cast<std::uint64_t*>(row(registers, index));
}

std::string text_of(std::uint64_t address) {
  std::ostringstream text;
  text << "0x" << std::hex << address;
  return text.str();
}

std::uint64_t with_sign(std::uint64_t value, int bytes) {
  const int unused = 64 - 8 * bytes;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused) >> unused);
}

}  // namespace

std::byte* BlockMemory::at(const Instruction& instruction, Space space, std::uint64_t address, int bytes) {
  const auto index = static_cast<std::size_t>(&instruction - kernel.code.data());
  const auto fail = [&](const std::string& problem) {
    throw Fault(kernel.name + ", line " + std::to_string(instruction.line) + ": " + std::to_string(bytes) +
                " bytes at " + text_of(address) + problem + ": " + kernel.lines[index]);
  };
  const auto length = static_cast<std::uint64_t>(bytes);
  if (address % length != 0) fail(", which is not aligned to them");
  if (space == Space::kShared) {
    if (address > shared.size() || shared.size() - address < length) {
      fail(" of " + std::to_string(shared.size()) + " bytes of shared memory");
    }
    return shared.data() + address;
  }
  Range& range = last_ranges[index];
  if (address < range.begin || address + length > range.end) {
    range = find_range(address);
    if (address < range.begin || address + length > range.end) fail(", which are in no allocation");
  }
  return reinterpret_cast<std::byte*>(address);
}

std::uint64_t Warp::address(Row base, bool wide, std::int64_t displacement, int lane) const {
  if (base == kNoRow) return static_cast<std::uint64_t>(displacement);
  if (wide) return wide_row(registers_, base)[lane] + static_cast<std::uint64_t>(displacement);
  return row(registers_, base)[lane] + static_cast<std::uint32_t>(displacement);  // wraps
}

void Warp::measure(const Instruction& instruction, LaneSet lanes, Space space, Row base, bool wide,
                   std::int64_t displacement) {
  if (!memory_.measures_traffic || lanes == 0 || space == Space::kParam) return;
  std::array<std::uint64_t, kLanes> addresses{};
  std::size_t count = 0;
  for_each_lane(lanes, [&](int lane) { addresses[count++] = address(base, wide, displacement, lane); });
  const int bytes = instruction.bytes * instruction.values;
  const std::span<const std::uint64_t> all(addresses.data(), count);
  const auto index = static_cast<std::size_t>(&instruction - memory_.kernel.code.data());
  Use& use = memory_.uses[index];
  if (space == Space::kShared) {
    use.shared.add(shared_traffic(all, bytes));
  } else {
    use.global.add(global_traffic(all, bytes));
  }
}

void Warp::load(const Instruction& instruction, LaneSet lanes) {
  const int all_bytes = instruction.bytes * instruction.values;
  measure(instruction, lanes, instruction.space, instruction.address, instruction.wide_address,
          instruction.displacement);
  for_each_lane(lanes, [&](int lane) {
    const std::uint64_t from = address(instruction.address, instruction.wide_address, instruction.displacement, lane);
    const std::byte* place = nullptr;
    if (instruction.space == Space::kParam) {
      if (from + static_cast<std::uint64_t>(all_bytes) > memory_.parameters.size()) fail(instruction, "no parameter");
      place = memory_.parameters.data() + from;
    } else {
      place = memory_.at(instruction, instruction.space, from, all_bytes);
    }
    for (int i = 0; i < instruction.values; ++i) {
      std::uint64_t value = 0;
      std::memcpy(&value, place + i * instruction.bytes, static_cast<std::size_t>(instruction.bytes));
      if (instruction.is_signed) value = with_sign(value, instruction.bytes);
      if (instruction.wide) {
        wide_row(registers_, instruction.vector[i])[lane] = value;
      } else {
        row(registers_, instruction.vector[i])[lane] = static_cast<std::uint32_t>(value);
      }
    }
  });
}

void Warp::store(const Instruction& instruction, LaneSet lanes) {
  const int all_bytes = instruction.bytes * instruction.values;
  measure(instruction, lanes, instruction.space, instruction.address, instruction.wide_address,
          instruction.displacement);
  for_each_lane(lanes, [&](int lane) {
    const std::uint64_t to = address(instruction.address, instruction.wide_address, instruction.displacement, lane);
    if (instruction.space == Space::kParam) fail(instruction, "a parameter is written");
    std::byte* const place = memory_.at(instruction, instruction.space, to, all_bytes);
    for (int i = 0; i < instruction.values; ++i) {
      const std::uint64_t value = instruction.wide ? wide_row(registers_, instruction.vector[i])[lane]
                                                   : row(registers_, instruction.vector[i])[lane];
      std::memcpy(place + i * instruction.bytes, &value, static_cast<std::size_t>(instruction.bytes));
    }
  });
}

void Warp::begin_copies(const Instruction& instruction, LaneSet lanes) {
  measure(instruction, lanes, Space::kShared, instruction.address, instruction.wide_address, instruction.displacement);
  measure(instruction, lanes, Space::kGlobal, instruction.operands[0], true, instruction.from_displacement);
  for_each_lane(lanes, [&](int lane) {
    const std::uint64_t to = address(instruction.address, instruction.wide_address, instruction.displacement, lane);
    const std::uint64_t from = address(instruction.operands[0], true, instruction.from_displacement, lane);
    const std::byte* const source = memory_.at(instruction, Space::kGlobal, from, instruction.bytes);
    copies_[lane].push_back(
        {memory_.at(instruction, Space::kShared, to, instruction.bytes), source, instruction.bytes, num_groups_[lane]});
  });
}

// Groups are numbered by each lane from 0; those before num_groups_ are committed.
void Warp::finish_copies(int lane, std::uint32_t groups_left) {
  std::vector<Copy>& copies = copies_[lane];
  auto copy = copies.begin();
  for (; copy != copies.end() && copy->group + groups_left < num_groups_[lane]; ++copy) {
    std::memcpy(copy->to, copy->from, static_cast<std::size_t>(copy->bytes));
  }
  copies.erase(copies.begin(), copy);
}

}  // namespace reprise::ptx
