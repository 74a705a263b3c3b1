#pragma once
// PTX, the assembly that nvcc makes of a kernel and keeps in a program beside the machine code, read into what
// machine.h executes. Understood is what the kernels of this project need; everything else is a Fault by name.
//
// Source: NVIDIA, "Parallel Thread Execution ISA", version 9.0. In brackets: its chapters.

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::ptx {

inline constexpr int kLanes = 32;

/// What ends the execution, or the reading, of a kernel: names the kernel, the line of the PTX and what is wrong.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A register of a warp is one row of 32 values of 32 bits; one of 64 bits takes two rows. A predicate is a row of
/// zeros and ones in all bits. Constants and special registers are rows too, so that every operand is one.
using Row = std::uint32_t;
inline constexpr Row kNoRow = ~Row{0};

enum class Space : std::uint8_t { kGeneric, kGlobal, kShared, kParam };

enum class Kind : std::uint8_t {
  kCompute,    // each lane for itself: `apply`
  kLoad,       // ld
  kStore,      // st
  kCopy,       // cp.async
  kCommit,     // cp.async.commit_group
  kWait,       // cp.async.wait_group
  kShuffle,    // shfl.sync
  kWarpWait,   // bar.warp.sync
  kBlockWait,  // bar.sync 0
  kBranch,     // bra
  kExit,       // ret, exit
};

struct Instruction;

/// Computes all lanes of the operands and keeps those whose mask is set.
using Apply = void (*)(std::uint32_t* registers, const Instruction& instruction, const std::uint32_t* mask);

struct Instruction {
  Kind kind = Kind::kCompute;
  Apply apply = nullptr;
  Row predicate = kNoRow;  // executed where it holds
  bool negated = false;    // ... or does not
  Row result = kNoRow;
  Row result_predicate = kNoRow;  // of a shuffle
  Row operands[4] = {kNoRow, kNoRow, kNoRow, kNoRow};

  Space space = Space::kGeneric;
  int bytes = 0;   // of one value in memory
  int values = 1;  // of a vector
  bool is_signed = false;
  bool wide = false;  // registers of 64 bits
  Row vector[4] = {kNoRow, kNoRow, kNoRow, kNoRow};
  Row address = kNoRow;  // none: the displacement alone
  bool wide_address = false;
  std::int64_t displacement = 0;
  std::int64_t from_displacement = 0;  // of a copy, whose source is the address in operands[0]

  bool by_index = false;     // a shuffle: idx, else bfly
  std::uint32_t target = 0;  // of a branch
  std::uint32_t groups = 0;  // that a wait leaves under way
  std::uint32_t line = 0;    // in the PTX, from 1
};

/// A row that holds the same value in all lanes, or what differs from block to block.
struct ConstantRow {
  Row row;
  bool wide;
  std::uint64_t value;
};
struct SpecialRow {
  Row row;
  std::string name;  // %tid.x
};

struct Kernel {
  std::string name;
  std::vector<std::uint32_t> parameter_offsets;  // in the parameters' space
  std::vector<std::uint32_t> parameter_bytes;
  std::uint32_t parameter_space = 0;
  std::uint32_t static_shared = 0;  // bytes; dynamic shared memory begins behind them
  std::uint32_t most_threads = 1024;
  Row num_rows = 0;
  std::vector<ConstantRow> constants;
  std::vector<SpecialRow> specials;
  std::vector<Instruction> code;
  std::vector<std::string> lines;  // of the source, for faults
};

using Module = std::map<std::string, Kernel>;

/// Reads all kernels of a PTX file.
Module parse_module(std::string_view text);

}  // namespace reprise::ptx
