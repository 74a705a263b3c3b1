// Vectors of one target: the fused multiply-add, loads and stores of row ends, and the 32 virtual lanes of row
// reductions [C-4]. Included once per target.

#if defined(REPRISE_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_VECTOR_INL_H_
#undef REPRISE_VECTOR_INL_H_
#else
#define REPRISE_VECTOR_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace reprise::numerics {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Index = std::int64_t;
using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using Vector = hn::Vec<FloatTag>;
using IntVector = hn::Vec<IntTag>;
using Mask = hn::Mask<FloatTag>;

/// Floats per vector.
inline constexpr Index kWidth = HWY_LANES(float);
inline constexpr Index kVirtualLanes = 32;
inline constexpr Index kLaneVectors = kVirtualLanes / kWidth;

HWY_INLINE Vector zero() { return hn::Zero(FloatTag()); }
HWY_INLINE Vector broadcast(float x) { return hn::Set(FloatTag(), x); }
HWY_INLINE Vector load(const float* from) { return hn::LoadU(FloatTag(), from); }
HWY_INLINE void store(Vector x, float* to) { hn::StoreU(x, FloatTag(), to); }

/// Returns a * b + c with one rounding. The portable target has no such instruction and must not round twice.
HWY_INLINE Vector fma(Vector a, Vector b, Vector c) {
#if HWY_TARGET == HWY_SCALAR
  return Vector(__builtin_fmaf(a.raw, b.raw, c.raw));
#else
  return hn::MulAdd(a, b, c);
#endif
}

/// Returns -(a * b) + c with one rounding.
HWY_INLINE Vector negated_fma(Vector a, Vector b, Vector c) {
#if HWY_TARGET == HWY_SCALAR
  return Vector(__builtin_fmaf(-a.raw, b.raw, c.raw));
#else
  return hn::NegMulAdd(a, b, c);
#endif
}

HWY_INLINE float scalar_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

/// Returns the first `count` floats (any integer) and `fill` in the other lanes; reads nothing beyond them.
HWY_INLINE Vector load_some(const float* from, Index count, float fill = 0.0f) {
  if (count >= kWidth) return load(from);
  if (count <= 0) return broadcast(fill);
#if HWY_TARGET == HWY_SCALAR
  return load(from);
#elif HWY_TARGET == HWY_NEON  // which has no masked load: Highway's would read the whole vector
  HWY_ALIGN float lanes[kWidth];
  for (Index lane = 0; lane < kWidth; ++lane) lanes[lane] = lane < count ? from[lane] : fill;
  return load(lanes);
#else
  const Mask mask = hn::FirstN(FloatTag(), static_cast<size_t>(count));
  return hn::IfThenElse(mask, hn::MaskedLoad(mask, FloatTag(), from), broadcast(fill));
#endif
}

/// Stores the first `count` lanes (any integer).
HWY_INLINE void store_some(Vector x, float* to, Index count) {
  if (count >= kWidth) {
    store(x, to);
  } else if (count > 0) {
#if HWY_TARGET == HWY_NEON  // nor a masked store: Highway's would write the whole vector
    HWY_ALIGN float lanes[kWidth];
    store(x, lanes);
    for (Index lane = 0; lane < count; ++lane) to[lane] = lanes[lane];
#else
    hn::BlendedStore(x, hn::FirstN(FloatTag(), static_cast<size_t>(count)), FloatTag(), to);
#endif
  }
}

/// Returns candidate > best ? candidate : best, so that a NaN never becomes the maximum [C-5].
HWY_INLINE Vector greater_of(Vector candidate, Vector best) {
#if HWY_TARGET == HWY_SCALAR
  return Vector(candidate.raw > best.raw ? candidate.raw : best.raw);
#elif HWY_TARGET == HWY_NEON
  return hn::IfThenElse(hn::Gt(candidate, best), candidate, best);  // FMAX would give a NaN
#else
  return hn::Max(candidate, best);  // MAXPS gives its second operand when the first is not greater
#endif
}

/// Combines the lanes of x pairwise at distances kWidth / 2, ..., 2, 1: lane l with lane l + distance.
template <class Tag, class Combine>
HWY_INLINE float fold_lanes([[maybe_unused]] Tag tag, hn::Vec<Tag> x, [[maybe_unused]] const Combine& combine) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(Tag()) > 4) {
    const hn::Half<Tag> half;
    return fold_lanes(half, combine(hn::LowerHalf(half, x), hn::UpperHalf(half, x)), combine);
  } else {
    x = combine(x, hn::Shuffle1032(x));
    x = combine(x, hn::Shuffle2301(x));
  }
#endif
  return hn::GetLane(x);
}

/// Ends a lane sum: vectors, then lanes, pairwise at distances 16, 8, 4, 2, 1 [C-4].
HWY_INLINE float sum_lanes(Vector (&lanes)[kLaneVectors]) {
#pragma GCC unroll 32
  for (Index distance = kLaneVectors / 2; distance >= 1; distance /= 2) {
#pragma GCC unroll 32
    for (Index i = 0; i < distance; ++i) lanes[i] = hn::Add(lanes[i], lanes[i + distance]);
  }
  return fold_lanes(FloatTag(), lanes[0], [](auto low, auto high) HWY_ATTR { return hn::Add(low, high); });
}

/// Returns the greatest lane; they hold no NaN.
HWY_INLINE float greatest_lane(Vector x) {
  return fold_lanes(FloatTag(), x, [](auto low, auto high) HWY_ATTR {
#if HWY_TARGET == HWY_SCALAR
    return decltype(low)(high.raw > low.raw ? high.raw : low.raw);
#else
    return hn::Max(low, high);
#endif
  });
}

/// Returns the greatest of x[0, count), NaNs left out, zero as +0, -infinity for none [C-5].
HWY_INLINE float row_maximum(const float* x, Index count) {
  constexpr float kLowest = -__builtin_inff();
  Vector best[4] = {broadcast(kLowest), broadcast(kLowest), broadcast(kLowest), broadcast(kLowest)};
  Index i = 0;
  for (; i + 4 * kWidth <= count; i += 4 * kWidth) {
    for (Index v = 0; v < 4; ++v) best[v] = greater_of(load(x + i + v * kWidth), best[v]);
  }
  for (; i < count; i += kWidth) best[0] = greater_of(load_some(x + i, count - i, kLowest), best[0]);
  best[0] = greater_of(greater_of(best[3], best[2]), greater_of(best[1], best[0]));
  return greatest_lane(best[0]) + 0.0f;
}

}  // namespace HWY_NAMESPACE
}  // namespace reprise::numerics
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_VECTOR_INL_H_
