#include "weight_delta.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "reprise/core/error.h"

namespace reprise::checkpoints {
namespace {

/// Values of one compressed frame: bounds the memory beside the tensor itself.
constexpr std::size_t kPieceValues = std::size_t{1} << 20;
constexpr std::size_t kPlanes = sizeof(float);
/// Higher levels gain 0.1 % of the size and take several times as long (docs/benchmarks.md).
constexpr int kLevel = 1;

std::size_t exponent_of(float value) { return (std::bit_cast<std::uint32_t>(value) >> 23) & 0xff; }

/// Where the first value of each exponent goes: values are put in order of their anchor's exponent, because values of
/// one magnitude move by about the same number of units in the last place, so that bytes of one group look alike.
std::array<std::size_t, 256> first_places(std::span<const float> anchor) {
  std::array<std::size_t, 256> places{};
  for (const float value : anchor) ++places[exponent_of(value)];
  std::size_t sum = 0;
  for (std::size_t& place : places) sum += std::exchange(place, sum);
  return places;
}

/// Small differences of either sign become small numbers.
std::uint32_t fold_sign(std::uint32_t difference) { return (difference << 1) ^ (0u - (difference >> 31)); }
std::uint32_t unfold_sign(std::uint32_t folded) { return (folded >> 1) ^ (0u - (folded & 1u)); }

void split_into_planes(std::span<const float> values, std::span<const float> anchor, std::span<std::uint8_t> planes) {
  std::array<std::size_t, 256> places = first_places(anchor);
  const std::size_t count = values.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = places[exponent_of(anchor[i])]++;
    const std::uint32_t folded =
        fold_sign(std::bit_cast<std::uint32_t>(values[i]) - std::bit_cast<std::uint32_t>(anchor[i]));
    for (std::size_t plane = 0; plane < kPlanes; ++plane) {
      planes[plane * count + place] = static_cast<std::uint8_t>(folded >> (8 * plane));
    }
  }
}

void join_planes(std::span<const std::uint8_t> planes, std::span<float> values) {
  std::array<std::size_t, 256> places = first_places(values);
  const std::size_t count = values.size();
  for (float& value : values) {
    const std::size_t place = places[exponent_of(value)]++;
    std::uint32_t folded = 0;
    for (std::size_t plane = 0; plane < kPlanes; ++plane) {
      folded |= static_cast<std::uint32_t>(planes[plane * count + place]) << (8 * plane);
    }
    value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) + unfold_sign(folded));
  }
}

void append_frame(std::span<const std::uint8_t> planes, std::vector<std::byte>& bytes) {
  const std::size_t start = bytes.size();
  bytes.resize(start + ZSTD_compressBound(planes.size()));
  const std::size_t size =
      ZSTD_compress(bytes.data() + start, bytes.size() - start, planes.data(), planes.size(), kLevel);
  REPRISE_CHECK(ZSTD_isError(size) == 0);  // with room for the worst case, only memory can be missing
  bytes.resize(start + size);
}

}  // namespace

std::vector<std::byte> encode_delta(std::span<const float> values, std::span<const float> anchor) {
  REPRISE_CHECK_EQ(values.size(), anchor.size());
  std::vector<std::byte> bytes;
  std::vector<std::uint8_t> planes;
  for (std::size_t start = 0; start < values.size(); start += kPieceValues) {
    const std::size_t count = std::min(kPieceValues, values.size() - start);
    planes.resize(count * kPlanes);
    split_into_planes(values.subspan(start, count), anchor.subspan(start, count), planes);
    append_frame(planes, bytes);
  }
  return bytes;
}

bool apply_delta(std::span<const std::byte> bytes, std::span<float> values) {
  std::vector<std::uint8_t> planes;
  for (std::size_t start = 0; start < values.size(); start += kPieceValues) {
    const std::size_t count = std::min(kPieceValues, values.size() - start);
    const std::size_t frame = ZSTD_findFrameCompressedSize(bytes.data(), bytes.size());
    if (ZSTD_isError(frame) != 0) return false;
    planes.resize(count * kPlanes);
    if (ZSTD_decompress(planes.data(), planes.size(), bytes.data(), frame) != planes.size()) return false;
    join_planes(planes, values.subspan(start, count));
    bytes = bytes.subspan(frame);
  }
  return bytes.empty();
}

}  // namespace reprise::checkpoints
