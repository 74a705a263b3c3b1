#pragma once
// How a function of one lane's values becomes an instruction of a warp.

#include <bit>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "operations.h"

namespace reprise::ptx {

/// A predicate as an operand or a result.
struct Truth {
  bool value;
};

template <typename T>
using Stored = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

template <typename T>
T loaded(Stored<T> bits) {
  if constexpr (std::is_same_v<T, Truth>) {
    return {bits != 0};
  } else if constexpr (std::is_same_v<T, float>) {
    return std::bit_cast<float>(bits);
  } else {
    return static_cast<T>(bits);
  }
}

/// The bits of a result. A NaN that is computed is 0x7fffffff, as on NVIDIA's GPUs.
template <typename T>
Stored<T> stored(T value) {
  if constexpr (std::is_same_v<T, Truth>) {
    return value.value ? ~std::uint32_t{0} : 0;
  } else if constexpr (std::is_same_v<T, float>) {
    return value == value ? std::bit_cast<std::uint32_t>(value) : 0x7fffffffu;
  } else {
    return static_cast<Stored<T>>(static_cast<std::make_unsigned_t<T>>(value));
  }
}

template <typename T>
Stored<T>* row_of(std::uint32_t* registers, Row row) {
  return reinterpret_cast<Stored<T>*>(registers + std::size_t{row} * kLanes);
}

template <typename Function, typename Out, typename... In, std::size_t... kOperand>
void apply_to_lanes(std::uint32_t* registers, const Instruction& instruction, const std::uint32_t* mask,
                    std::index_sequence<kOperand...>) {
  Stored<Out>* const result = row_of<Out>(registers, instruction.result);
  const std::tuple<const Stored<In>*...> operands{row_of<In>(registers, instruction.operands[kOperand])...};
  // A result may be an operand, lane by lane, and no other way.
#pragma GCC ivdep
  for (int lane = 0; lane < kLanes; ++lane) {
    const Stored<Out> value = stored<Out>(Function{}(loaded<In>(std::get<kOperand>(operands)[lane])...));
    const auto keep = static_cast<Stored<Out>>(static_cast<std::int64_t>(static_cast<std::int32_t>(mask[lane])));
    result[lane] = (value & keep) | (result[lane] & ~keep);
  }
}

template <typename Function, typename Out, typename... In>
void apply(std::uint32_t* registers, const Instruction& instruction, const std::uint32_t* mask) {
  apply_to_lanes<Function, Out, In...>(registers, instruction, mask, std::index_sequence_for<In...>{});
}

template <typename T>
constexpr int bytes_of() {
  return std::is_same_v<T, Truth> ? 0 : static_cast<int>(sizeof(T));
}

/// `function` without captures: of one value of each type of In, gives an Out.
template <typename Out, typename... In, typename Function>
Operation operation(Function) {
  return {&apply<Function, Out, In...>, {bytes_of<Out>(), bytes_of<In>()...}};
}

}  // namespace reprise::ptx
