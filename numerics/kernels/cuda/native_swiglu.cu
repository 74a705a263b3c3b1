#include "launch.h"
#include "native.h"
#include "native_functions.h"
#include "operand.h"

namespace reprise::numerics::cuda {
namespace {

constexpr int kThreads = 256;

/// Calls compute(Width<kPackWidth>(), i) for this thread's pack, or compute(Width<1>(), i) for each element of what
/// is left behind the last whole one.
template <int kWidth>
struct Width {
  static constexpr int kCount = kWidth;
};
template <typename Compute>
__device__ __forceinline__ void visit_pack(Index count, const Compute& compute) {
  const Index first = (Index{blockIdx.x} * kThreads + threadIdx.x) * kPackWidth;
  if (first + kPackWidth <= count) {
    compute(Width<kPackWidth>(), first);
  } else {
#pragma unroll 1
    for (Index i = first; i < count; ++i) compute(Width<1>(), i);
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) swiglu_forward_kernel(Index count, const T* gate, const T* up, T* y) {
  visit_pack(count, [=](auto width, Index first) {
    constexpr int kWidth = decltype(width)::kCount;
    float gates[kWidth], ups[kWidth];
    load_values<kWidth>(gate + first, gates);
    load_values<kWidth>(up + first, ups);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) {
      gates[j] = __fmul_rn(__fmul_rn(gates[j], quick_sigmoid(gates[j])), ups[j]);
    }
    store_values<kWidth>(y + first, gates);
  });
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    swiglu_backward_kernel(Index count, const T* gate, const T* up, const T* dy, T* dgate, T* dup) {
  visit_pack(count, [=](auto width, Index first) {
    constexpr int kWidth = decltype(width)::kCount;
    float gates[kWidth], ups[kWidth], gradients[kWidth];
    load_values<kWidth>(gate + first, gates);
    load_values<kWidth>(up + first, ups);
    load_values<kWidth>(dy + first, gradients);
#pragma unroll
    for (int j = 0; j < kWidth; ++j) {
      const float x = gates[j], sigmoid = quick_sigmoid(x);
      const float slope = __fmul_rn(sigmoid, __fmaf_rn(x, __fsub_rn(1.0f, sigmoid), 1.0f));
      gates[j] = __fmul_rn(__fmul_rn(gradients[j], ups[j]), slope);
      ups[j] = __fmul_rn(gradients[j], __fmul_rn(x, sigmoid));
    }
    store_values<kWidth>(dgate + first, gates);
    store_values<kWidth>(dup + first, ups);
  });
}

unsigned blocks_of(Index count) { return blocks_for(count, Index{kThreads} * kPackWidth); }

}  // namespace

void swiglu_forward(Queue& queue, OperandType type, Index count, const void* gate, const void* up, void* y) {
  with_operand(type, [&](auto operand) {
    using T = typename decltype(operand)::Type;
    launch(queue, swiglu_forward_kernel<T>, blocks_of(count), kThreads, 0, count, static_cast<const T*>(gate),
           static_cast<const T*>(up), static_cast<T*>(y));
  });
}

void swiglu_backward(Queue& queue, OperandType type, Index count, const void* gate, const void* up, const void* dy,
                     void* dgate, void* dup) {
  with_operand(type, [&](auto operand) {
    using T = typename decltype(operand)::Type;
    launch(queue, swiglu_backward_kernel<T>, blocks_of(count), kThreads, 0, count, static_cast<const T*>(gate),
           static_cast<const T*>(up), static_cast<const T*>(dy), static_cast<T*>(dgate), static_cast<T*>(dup));
  });
}

}  // namespace reprise::numerics::cuda
