#pragma once
// The native profile's operands: float, or bfloat16, the upper half of a float. Kernels compute in float32; what they
// store is rounded once, to nearest even. A pack is kWidth neighbours that one thread loads or stores: one, or eight in
// accesses of 16 bytes, to which they are then aligned.

#include "language.h"
#include "reprise/numerics/native_kernels.h"

namespace reprise::numerics::cuda {

struct Bfloat16 {
  std::uint16_t bits;
};

/// Elements of a pack that goes in accesses of 16 bytes.
inline constexpr int kPackWidth = 8;

template <typename T, int kWidth>
struct Pack {
  static_assert(kWidth == 1);
  T value;
};
template <>
struct Pack<float, kPackWidth> {
  float4 low, high;
};
template <>
struct Pack<Bfloat16, kPackWidth> {
  float4 pairs;  // four words; the element that comes first is the lower half
};

template <int kWidth, typename T>
__device__ __forceinline__ Pack<T, kWidth> load_pack(const T* from) {
  if constexpr (kWidth == 1) {
    return {*from};
  } else if constexpr (sizeof(T) == sizeof(float)) {
    return {load4(from), load4(from + 4)};
  } else {
    return {load4(reinterpret_cast<const float*>(from))};
  }
}

template <int kWidth, typename T>
__device__ __forceinline__ void store_pack(T* to, const Pack<T, kWidth>& pack) {
  if constexpr (kWidth == 1) {
    *to = pack.value;
  } else if constexpr (sizeof(T) == sizeof(float)) {
    store4(to, pack.low);
    store4(to + 4, pack.high);
  } else {
    store4(reinterpret_cast<float*>(to), pack.pairs);
  }
}

__device__ __forceinline__ void unpack_pair(float pair, float* values) {
  const unsigned bits = __float_as_uint(pair);
  values[0] = __uint_as_float(bits << 16);
  values[1] = __uint_as_float(bits & 0xffff0000u);
}

__device__ __forceinline__ void unpack(const Pack<float, 1>& pack, float* values) { values[0] = pack.value; }
__device__ __forceinline__ void unpack(const Pack<Bfloat16, 1>& pack, float* values) {
  values[0] = __uint_as_float(static_cast<unsigned>(pack.value.bits) << 16);
}
__device__ __forceinline__ void unpack(const Pack<float, kPackWidth>& pack, float* values) {
  values[0] = pack.low.x, values[1] = pack.low.y, values[2] = pack.low.z, values[3] = pack.low.w;
  values[4] = pack.high.x, values[5] = pack.high.y, values[6] = pack.high.z, values[7] = pack.high.w;
}
__device__ __forceinline__ void unpack(const Pack<Bfloat16, kPackWidth>& pack, float* values) {
  unpack_pair(pack.pairs.x, values);
  unpack_pair(pack.pairs.y, values + 2);
  unpack_pair(pack.pairs.z, values + 4);
  unpack_pair(pack.pairs.w, values + 6);
}

__device__ __forceinline__ float pack_pair(float first, float second) {
  return __uint_as_float(bfloat16_pair(first, second));
}

__device__ __forceinline__ void pack(const float* values, Pack<float, 1>& packed) { packed.value = values[0]; }
__device__ __forceinline__ void pack(const float* values, Pack<Bfloat16, 1>& packed) {
  packed.value.bits = static_cast<std::uint16_t>(bfloat16_pair(values[0], 0.0f) & 0xffffu);
}
__device__ __forceinline__ void pack(const float* values, Pack<float, kPackWidth>& packed) {
  packed.low = make_float4(values[0], values[1], values[2], values[3]);
  packed.high = make_float4(values[4], values[5], values[6], values[7]);
}
__device__ __forceinline__ void pack(const float* values, Pack<Bfloat16, kPackWidth>& packed) {
  packed.pairs = make_float4(pack_pair(values[0], values[1]), pack_pair(values[2], values[3]),
                             pack_pair(values[4], values[5]), pack_pair(values[6], values[7]));
}

template <int kWidth, typename T>
__device__ __forceinline__ void load_values(const T* from, float* values) {
  unpack(load_pack<kWidth>(from), values);
}
template <int kWidth, typename T>
__device__ __forceinline__ void store_values(T* to, const float* values) {
  Pack<T, kWidth> packed;
  pack(values, packed);
  store_pack<kWidth>(to, packed);
}

/// Names the C++ type of an operand.
template <typename T>
struct OperandOf {
  using Type = T;
};
/// Calls visit(OperandOf<T>()) with the operand's type.
template <typename Visit>
void with_operand(OperandType type, const Visit& visit) {
  if (type == OperandType::kBfloat16) {
    visit(OperandOf<Bfloat16>());
  } else {
    visit(OperandOf<float>());
  }
}

}  // namespace reprise::numerics::cuda
