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

std::uint64_t value_at(const std::byte* place, int bytes) {
  if (std::uint32_t word = 0; bytes == sizeof word) {  // mostly
    std::memcpy(&word, place, sizeof word);
    return word;
  }
  std::uint64_t value = 0;
  std::memcpy(&value, place, static_cast<std::size_t>(bytes));
  return value;
}

}  // namespace

Region BlockMemory::region_of(const Instruction& instruction, Space space, std::uint64_t address, int bytes) {
  const auto index = static_cast<std::size_t>(&instruction - kernel.code.data());
  const auto fail = [&](const std::string& problem) {
    throw Fault(kernel.name + ", line " + std::to_string(instruction.line) + ": " + std::to_string(bytes) +
                " bytes at " + text_of(address) + problem + ": " + kernel.lines[index]);
  };
  const auto length = static_cast<std::uint64_t>(bytes);
  if (address % length != 0) fail(", which is not aligned to them");
  const auto expect_in = [&](const std::vector<std::byte>& memory, const std::string& name) {
    if (address > memory.size() || memory.size() - address < length)
      fail(" of " + std::to_string(memory.size()) + " bytes of " + name);
  };
  if (space == Space::kShared) {
    expect_in(shared, "shared memory");
    return {{0, shared.size()}, shared.data()};
  }
  if (space == Space::kParam) {
    expect_in(parameters, "parameters");
    return {{0, parameters.size()}, parameters.data()};
  }
  Range& range = last_ranges[index];
  if (!range.holds(address, length)) {
    range = find_range(address);
    if (!range.holds(address, length)) fail(", which are in no allocation");
  }
  return {range, reinterpret_cast<std::byte*>(range.begin)};
}

Warp::Places Warp::find(const Instruction& instruction, LaneSet lanes, const Place& place) {
  Places found;
  Region region;
  const auto displacement = static_cast<std::uint64_t>(place.displacement);
  const int bytes = instruction.bytes * instruction.values;
  const auto length = static_cast<std::uint64_t>(bytes);
  for_each_lane(lanes, [&](int lane) {
    std::uint64_t address = displacement;
    if (place.base != kNoRow) {
      address = place.wide ? wide_row(registers_, place.base)[lane] + displacement
                           : row(registers_, place.base)[lane] + static_cast<std::uint32_t>(displacement);  // wraps
    }
    if ((address & (length - 1)) != 0 || !region.holds(address, length))
      region = memory_.region_of(instruction, place.space, address, bytes);
    found.addresses[lane] = address;
    found.bytes[lane] = region.host + (address - region.begin);
  });
  measure(instruction, lanes, place.space, found.addresses);
  return found;
}

Warp::Place Warp::place_of(const Instruction& instruction) {
  return {instruction.space, instruction.address, instruction.wide_address, instruction.displacement};
}

void Warp::measure(const Instruction& instruction, LaneSet lanes, Space space, const Addresses& addresses) {
  if (!memory_.measures_traffic || lanes == 0 || space == Space::kParam) return;
  Addresses used{};
  std::size_t count = 0;
  for_each_lane(lanes, [&](int lane) { used[count++] = addresses[lane]; });
  const int bytes = instruction.bytes * instruction.values;
  const std::span<const std::uint64_t> all(used.data(), count);
  const auto index = static_cast<std::size_t>(&instruction - memory_.kernel.code.data());
  Use& use = memory_.uses[index];
  if (space == Space::kShared) {
    use.shared.add(shared_traffic(all, bytes));
  } else {
    use.global.add(global_traffic(all, bytes));
  }
}

Races::Access Warp::access(const Instruction& instruction, LaneSet lanes, Space space,
                           const Addresses& addresses) const {
  return {instruction, space, instruction.bytes * instruction.values, first_thread_, lanes, addresses};
}

// By values, since a row holds one of each lane.
void Warp::take(const Instruction& instruction, LaneSet lanes, const Places& from) {
  for (int i = 0; i < instruction.values; ++i) {
    std::uint32_t* const values = row(registers_, instruction.vector[i]);
    for_each_lane(lanes, [&](int lane) {
      std::uint64_t value = value_at(from.bytes[lane] + i * instruction.bytes, instruction.bytes);
      if (instruction.is_signed) value = with_sign(value, instruction.bytes);
      if (instruction.wide) {
        reinterpret_cast<std::uint64_t*>(values)[lane] = value;
      } else {
        values[lane] = static_cast<std::uint32_t>(value);
      }
    });
  }
}

void Warp::load(const Instruction& instruction, LaneSet lanes) {
  const Places from = find(instruction, lanes, place_of(instruction));
  if (memory_.races != nullptr && instruction.space != Space::kParam) {
    memory_.races->read(access(instruction, lanes, instruction.space, from.addresses));
  }
  take(instruction, lanes, from);
}

void Warp::store(const Instruction& instruction, LaneSet lanes) {
  if (instruction.space == Space::kParam) fail(instruction, "a parameter is written");
  const Places to = find(instruction, lanes, place_of(instruction));
  if (memory_.races != nullptr) memory_.races->write(access(instruction, lanes, instruction.space, to.addresses));
  for_each_lane(lanes, [&](int lane) {
    for (int i = 0; i < instruction.values; ++i) {
      const std::uint64_t value = instruction.wide ? wide_row(registers_, instruction.vector[i])[lane]
                                                   : row(registers_, instruction.vector[i])[lane];
      std::memcpy(to.bytes[lane] + i * instruction.bytes, &value, static_cast<std::size_t>(instruction.bytes));
    }
  });
}

void Warp::begin_copies(const Instruction& instruction, LaneSet lanes) {
  const Places to = find(instruction, lanes, {Space::kShared, instruction.address, false, instruction.displacement});
  const Places from =
      find(instruction, lanes, {Space::kGlobal, instruction.operands[0], true, instruction.from_displacement});
  Races::Time begun = 0;
  if (memory_.races != nullptr) {
    begun = memory_.races->begin_copies(access(instruction, lanes, Space::kGlobal, from.addresses),
                                        access(instruction, lanes, Space::kShared, to.addresses));
  }
  for_each_lane(lanes, [&](int lane) {
    copies_[lane].push_back({to.bytes[lane], from.bytes[lane], &instruction, num_groups_[lane], begun});
  });
}

// Groups are numbered by each lane from 0; those before num_groups_ are committed.
void Warp::finish_copies(const Instruction& wait, int lane) {
  std::vector<Copy>& copies = copies_[lane];
  auto copy = copies.begin();
  for (; copy != copies.end() && copy->group + wait.groups < num_groups_[lane]; ++copy) {
    if (memory_.races != nullptr) {
      memory_.races->end_copy({*copy->instruction, first_thread_ + static_cast<std::uint32_t>(lane),
                               reinterpret_cast<std::uint64_t>(copy->from),
                               static_cast<std::uint64_t>(copy->to - memory_.shared.data()), copy->begun},
                              wait);
    }
    std::memcpy(copy->to, copy->from, static_cast<std::size_t>(copy->instruction->bytes));
  }
  copies.erase(copies.begin(), copy);
}

}  // namespace reprise::ptx
