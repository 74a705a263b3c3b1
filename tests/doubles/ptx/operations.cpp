#include "operations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "lanes.h"

namespace reprise::ptx {
namespace {

using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;
using S32 = std::int32_t;
using S64 = std::int64_t;
using Table = std::unordered_map<std::string, Operation>;

constexpr U32 kSign = 0x80000000u;

// min and max [9.7.3.11]: of a number and a NaN the number, and -0 is less than +0.
float lesser(float a, float b) {
  const U32 of_equals = std::bit_cast<U32>(a) | std::bit_cast<U32>(b);
  return a != a ? b : b != b ? a : a == b ? std::bit_cast<float>(of_equals) : a < b ? a : b;
}
float greater(float a, float b) {
  const U32 of_equals = std::bit_cast<U32>(a) & std::bit_cast<U32>(b);
  return a != a ? b : b != b ? a : a == b ? std::bit_cast<float>(of_equals) : a > b ? a : b;
}

/// cvt.rn.bf16x2.f32 of one value: to nearest even, every NaN 0x7fff.
U32 as_bfloat16(float x) {
  const U32 bits = std::bit_cast<U32>(x);
  return x == x ? (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16 : 0x7fffu;
}

/// prmt.b32 [9.7.9.7], default mode: each byte of the result is one of eight, or its sign.
U32 permuted(U32 a, U32 b, U32 selector) {
  const U64 bytes = U64{b} << 32 | a;
  U32 result = 0;
  for (int i = 0; i < 4; ++i) {
    const U32 choice = selector >> 4 * i & 0xf;
    U32 byte = static_cast<U32>(bytes >> (choice & 7) * 8 & 0xff);
    if ((choice & 8) != 0) byte = (byte & 0x80) != 0 ? 0xff : 0;
    result |= byte << 8 * i;
  }
  return result;
}

/// bfi [9.7.1.21]: b with `length` bits from `position` on replaced by the lowest of a.
template <typename T>
T inserted(T a, T b, U32 position, U32 length) {
  constexpr U32 kBits = sizeof(T) * 8;
  position &= 0xff;
  length &= 0xff;
  if (length == 0 || position >= kBits) return b;
  const T ones = length >= kBits ? ~T{0} : static_cast<T>((T{1} << length) - 1);
  return (b & ~(ones << position)) | ((a & ones) << position);
}

// Lanes that do not take part may hold anything: what has no quotient is all ones.
template <typename T>
bool has_quotient(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (a == std::numeric_limits<T>::min() && b == T{-1}) return false;
  }
  return b != 0;
}
template <typename T>
T quotient(T a, T b) {
  return has_quotient(a, b) ? static_cast<T>(a / b) : static_cast<T>(-1);
}
template <typename T>
T remainder(T a, T b) {
  return has_quotient(a, b) ? static_cast<T>(a % b) : static_cast<T>(-1);
}

template <typename T>
void add_comparisons(Table& table, const std::string& type) {
  table["setp.eq." + type] = operation<Truth, T, T>([](T a, T b) { return Truth{a == b}; });
  table["setp.ne." + type] = operation<Truth, T, T>([](T a, T b) { return Truth{a < b || a > b}; });
  table["setp.lt." + type] = operation<Truth, T, T>([](T a, T b) { return Truth{a < b}; });
  table["setp.le." + type] = operation<Truth, T, T>([](T a, T b) { return Truth{a <= b}; });
  table["setp.gt." + type] = operation<Truth, T, T>([](T a, T b) { return Truth{a > b}; });
  table["setp.ge." + type] = operation<Truth, T, T>([](T a, T b) { return Truth{a >= b}; });
}

// With a u also true of NaNs [9.3.2].
void add_unordered_comparisons(Table& table) {
  table["setp.equ.f32"] = operation<Truth, float, float>([](float a, float b) { return Truth{!(a < b || a > b)}; });
  table["setp.neu.f32"] = operation<Truth, float, float>([](float a, float b) { return Truth{!(a == b)}; });
  table["setp.ltu.f32"] = operation<Truth, float, float>([](float a, float b) { return Truth{!(a >= b)}; });
  table["setp.leu.f32"] = operation<Truth, float, float>([](float a, float b) { return Truth{!(a > b)}; });
  table["setp.gtu.f32"] = operation<Truth, float, float>([](float a, float b) { return Truth{!(a <= b)}; });
  table["setp.geu.f32"] = operation<Truth, float, float>([](float a, float b) { return Truth{!(a < b)}; });
  table["setp.num.f32"] = operation<Truth, float, float>([](float a, float b) { return Truth{a == a && b == b}; });
  table["setp.nan.f32"] = operation<Truth, float, float>([](float a, float b) { return Truth{a != a || b != b}; });
}

template <typename T>
void add_moves(Table& table, const std::string& type) {
  table["mov." + type] = operation<T, T>([](T a) { return a; });
  table["selp." + type] = operation<T, T, T, Truth>([](T a, T b, Truth first) { return first.value ? a : b; });
}

template <typename T>
void add_bits(Table& table, const std::string& type) {
  table["and." + type] = operation<T, T, T>([](T a, T b) { return static_cast<T>(a & b); });
  table["or." + type] = operation<T, T, T>([](T a, T b) { return static_cast<T>(a | b); });
  table["xor." + type] = operation<T, T, T>([](T a, T b) { return static_cast<T>(a ^ b); });
  table["not." + type] = operation<T, T>([](T a) { return static_cast<T>(~a); });
}

void add_predicates(Table& table) {
  table["mov.pred"] = operation<Truth, Truth>([](Truth a) { return a; });
  table["not.pred"] = operation<Truth, Truth>([](Truth a) { return Truth{!a.value}; });
  table["and.pred"] = operation<Truth, Truth, Truth>([](Truth a, Truth b) { return Truth{a.value && b.value}; });
  table["or.pred"] = operation<Truth, Truth, Truth>([](Truth a, Truth b) { return Truth{a.value || b.value}; });
  table["xor.pred"] = operation<Truth, Truth, Truth>([](Truth a, Truth b) { return Truth{a.value != b.value}; });
}

/// What is the same for numbers with and without a sign: sums wrap.
template <typename T>
void add_sums(Table& table, const std::string& type) {
  using U = std::make_unsigned_t<T>;
  table["add." + type] = operation<U, U, U>([](U a, U b) { return static_cast<U>(a + b); });
  table["sub." + type] = operation<U, U, U>([](U a, U b) { return static_cast<U>(a - b); });
  table["neg." + type] = operation<U, U>([](U a) { return static_cast<U>(U{0} - a); });
  table["mul.lo." + type] = operation<U, U, U>([](U a, U b) { return static_cast<U>(a * b); });
  table["mad.lo." + type] = operation<U, U, U, U>([](U a, U b, U c) { return static_cast<U>(a * b + c); });
  table["min." + type] = operation<T, T, T>([](T a, T b) { return b < a ? b : a; });
  table["max." + type] = operation<T, T, T>([](T a, T b) { return b > a ? b : a; });
  table["div." + type] = operation<T, T, T>([](T a, T b) { return quotient(a, b); });
  table["rem." + type] = operation<T, T, T>([](T a, T b) { return remainder(a, b); });
  add_comparisons<T>(table, type);
}

/// Shifts by at least the width give the sign, or nothing [9.7.8.8].
template <typename T>
void add_right_shift(Table& table, const std::string& type) {
  constexpr U32 kBits = sizeof(T) * 8;
  table["shr." + type] = operation<T, T, U32>([](T a, U32 by) {
    if (by >= kBits) return static_cast<T>(a < 0 ? -1 : 0);
    return static_cast<T>(a >> by);
  });
}
template <typename T>
void add_left_shift(Table& table, const std::string& type) {
  constexpr U32 kBits = sizeof(T) * 8;
  table["shl." + type] = operation<T, T, U32>([](T a, U32 by) { return by >= kBits ? T{0} : T{a << by}; });
}

void add_integers(Table& table) {
  add_sums<S32>(table, "s32");
  add_sums<U32>(table, "u32");
  add_sums<S64>(table, "s64");
  add_sums<U64>(table, "u64");
  add_comparisons<U16>(table, "u16");
  add_comparisons<std::int16_t>(table, "s16");
  add_comparisons<U32>(table, "b32");
  table["mul.hi.u32"] = operation<U32, U32, U32>([](U32 a, U32 b) { return static_cast<U32>(U64{a} * b >> 32); });
  table["mul.wide.u32"] = operation<U64, U32, U32>([](U32 a, U32 b) { return U64{a} * b; });
  table["mul.wide.s32"] = operation<S64, S32, S32>([](S32 a, S32 b) { return S64{a} * b; });
  add_right_shift<S32>(table, "s32");
  add_right_shift<U32>(table, "u32");
  add_right_shift<S64>(table, "s64");
  add_right_shift<U64>(table, "u64");
  add_left_shift<U32>(table, "b32");
  add_left_shift<U64>(table, "b64");
  // The upper half of b:a shifted left: a rotation where they are the same.
  table["shf.l.wrap.b32"] = operation<U32, U32, U32, U32>(
      [](U32 a, U32 b, U32 by) { return static_cast<U32>((U64{b} << 32 | a) << (by & 31) >> 32); });
  table["prmt.b32"] = operation<U32, U32, U32, U32>([](U32 a, U32 b, U32 by) { return permuted(a, b, by); });
  table["bfi.b32"] = operation<U32, U32, U32, U32, U32>(
      [](U32 a, U32 b, U32 position, U32 length) { return inserted(a, b, position, length); });
  table["bfi.b64"] = operation<U64, U64, U64, U32, U32>(
      [](U64 a, U64 b, U32 position, U32 length) { return inserted(a, b, position, length); });
}

void add_conversions(Table& table) {
  table["cvt.s64.s32"] = operation<S64, S32>([](S32 a) { return S64{a}; });
  table["cvt.u64.u32"] = operation<U64, U32>([](U32 a) { return U64{a}; });
  table["cvt.u32.u64"] = operation<U32, U64>([](U64 a) { return static_cast<U32>(a); });
  table["cvt.u32.u16"] = operation<U32, U16>([](U16 a) { return U32{a}; });
  // Of the lower half of a register of 64 bits, as nvcc writes it now and then.
  table["cvt.s64.s32 of b64"] = operation<S64, U64>([](U64 a) { return S64{static_cast<S32>(a)}; });
  table["cvt.u64.u32 of b64"] = operation<U64, U64>([](U64 a) { return a & 0xffffffffu; });
  table["cvt.u16.u32"] = operation<U16, U32>([](U32 a) { return static_cast<U16>(a); });
  table["cvt.rn.f32.s32"] = operation<float, S32>([](S32 a) { return static_cast<float>(a); });
  table["cvt.rn.bf16x2.f32"] = operation<U32, float, float>(
      [](float upper, float lower) { return as_bfloat16(upper) << 16 | as_bfloat16(lower); });
}

// Each rounded once, to nearest even, subnormal numbers kept. Without .rn nvcc's compiler could join a product and a
// sum, and with .ftz or .approx bits would be lost: those opcodes are not here.
void add_floats(Table& table) {
  table["add.rn.f32"] = operation<float, float, float>([](float a, float b) { return a + b; });
  table["sub.rn.f32"] = operation<float, float, float>([](float a, float b) { return a - b; });
  table["mul.rn.f32"] = operation<float, float, float>([](float a, float b) { return a * b; });
  table["div.rn.f32"] = operation<float, float, float>([](float a, float b) { return a / b; });
  table["fma.rn.f32"] =
      operation<float, float, float, float>([](float a, float b, float c) { return std::fma(a, b, c); });
  table["sqrt.rn.f32"] = operation<float, float>([](float a) { return std::sqrt(a); });
  table["min.f32"] = operation<float, float, float>([](float a, float b) { return lesser(a, b); });
  table["max.f32"] = operation<float, float, float>([](float a, float b) { return greater(a, b); });
  table["neg.f32"] = operation<U32, U32>([](U32 a) { return a ^ kSign; });
  table["abs.f32"] = operation<U32, U32>([](U32 a) { return a & ~kSign; });
  table["copysign.f32"] = operation<U32, U32, U32>([](U32 sign, U32 a) { return (a & ~kSign) | (sign & kSign); });
  add_comparisons<float>(table, "f32");
  add_unordered_comparisons(table);
}

Table make_table() {
  Table table;
  for (const char* type : {"b16", "u16", "s16"}) add_moves<U16>(table, type);
  for (const char* type : {"b32", "u32", "s32", "f32"}) add_moves<U32>(table, type);
  for (const char* type : {"b64", "u64", "s64"}) add_moves<U64>(table, type);
  table["cvta.to.global.u64"] = table.at("mov.u64");  // kernels have no other generic addresses
  add_bits<U16>(table, "b16");
  add_bits<U32>(table, "b32");
  add_bits<U64>(table, "b64");
  add_predicates(table);
  add_integers(table);
  add_conversions(table);
  add_floats(table);
  return table;
}

}  // namespace

const Operation* operation_named(std::string_view opcode) {
  static const Table table = make_table();
  const auto found = table.find(std::string(opcode));
  return found == table.end() ? nullptr : &found->second;
}

}  // namespace reprise::ptx
