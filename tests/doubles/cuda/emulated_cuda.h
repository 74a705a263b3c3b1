#pragma once
// CUDA's language on the host: a kernel source compiled with this runs its blocks one after another, each thread of a
// block as a fiber that runs until it waits. So the arithmetic, the indices and the barriers of kernels are tested
// where there is no GPU. What a GPU's caches, schedulers and memory model do is not emulated.
//
// Faults that stop the program with a message: barriers that not all threads reach, shuffles with threads missing,
// accesses of 16 bytes and asynchronous copies that are not aligned, or not inside an allocation or the block's shared
// memory, any writes behind these, more shared memory for a block than its GPU has (emulated_device.h), or than 48 KiB
// where the launch has not asked for it. Shared memory and new memory hold NaNs. REPRISE_EMULATION_ORDER (forward,
// backward, or a number as a seed) is the order in which the threads of a block run: a result that depends on it lacks
// a barrier. In forward order all that kernels read and write is watched (emulated_races.h): it must lie in an
// allocation or in shared memory, and two threads that use a word, one of them writing it, must have a barrier between.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3() = default;
  dim3(unsigned width, unsigned height = 1, unsigned depth = 1) : x(width), y(height), z(depth) {}
};

struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }

namespace reprise::emulation {

/// The place of the running thread.
struct Place {
  dim3 thread, block, block_size, grid_size;
};
const Place& place();

[[noreturn]] void stop(const char* problem);

/// Waits for all threads of the block, or of the warp.
void wait_for_block();
void wait_for_warp();
/// Publishes a value and returns that of another lane of the warp.
std::uint64_t exchange(std::uint64_t mine, unsigned lane_of_other);
unsigned lane();

/// Memory of the block, the same for all threads that name the same place in the source; NaNs at first.
void* shared_variable(const char* file, int line, std::size_t num_bytes);
void* dynamic_shared();

/// Stops the program unless the bytes lie in the block's shared memory or in an allocation, aligned to their number.
void check_access(const void* begin, std::size_t num_bytes, const char* what);

/// Copies that are under way until the thread waits for them.
void copy_later(void* to, const void* from, std::size_t num_bytes);
void commit_copies();
void wait_for_copies(unsigned groups_left);

/// The dynamic memory of a launch, and whether the launch asks for it (cudaFuncSetAttribute).
struct DynamicShared {
  std::size_t num_bytes;
  bool asks = false;
};

/// Runs all blocks of a launch, or keeps it when the stream is being captured.
void launch(void* stream, dim3 grid, dim3 block, DynamicShared shared, std::function<void()> kernel);

template <typename T>
T exchange_value(T value, unsigned other) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t) && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = exchange(bits, other);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace reprise::emulation

#define threadIdx (::reprise::emulation::place().thread)
#define blockIdx (::reprise::emulation::place().block)
#define blockDim (::reprise::emulation::place().block_size)
#define gridDim (::reprise::emulation::place().grid_size)

inline void __syncthreads() { ::reprise::emulation::wait_for_block(); }
inline void __syncwarp() { ::reprise::emulation::wait_for_warp(); }

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, unsigned distance) {
  if (mask != 0xffffffffu) ::reprise::emulation::stop("a shuffle does not name the whole warp");
  return ::reprise::emulation::exchange_value(value, ::reprise::emulation::lane() ^ distance);
}
template <typename T>
T __shfl_sync(unsigned mask, T value, unsigned source) {
  if (mask != 0xffffffffu) ::reprise::emulation::stop("a shuffle does not name the whole warp");
  return ::reprise::emulation::exchange_value(value, source % 32);
}

inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline float __uint_as_float(unsigned bits) { return __builtin_bit_cast(float, bits); }
inline unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
inline float __int_as_float(int bits) { return __builtin_bit_cast(float, bits); }
inline int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const std::uint64_t bytes = std::uint64_t{y} << 32 | x;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) result |= static_cast<unsigned>(bytes >> (selector >> 4 * i & 7) * 8 & 0xff) << 8 * i;
  return result;
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<std::uint64_t>(a) * b) >> 32);
}
