#include "wire_writer.h"

#include <bit>

namespace reprise::logs {
namespace {

constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kFixed64 = 1;
constexpr std::uint32_t kLengthDelimited = 2;
constexpr std::uint32_t kFixed32 = 5;

}  // namespace

void WireWriter::raw_varint(std::uint64_t value) {
  while (value >= 0x80) {
    data_.push_back(static_cast<char>((value & 0x7f) | 0x80));
    value >>= 7;
  }
  data_.push_back(static_cast<char>(value));
}

void WireWriter::raw_little_endian(std::uint64_t value, int num_bytes) {
  for (int i = 0; i < num_bytes; ++i) data_.push_back(static_cast<char>(value >> (8 * i)));
}

void WireWriter::tag(std::uint32_t field, std::uint32_t wire_type) {
  raw_varint((std::uint64_t{field} << 3) | wire_type);
}

WireWriter& WireWriter::varint(std::uint32_t field, std::uint64_t value) {
  tag(field, kVarint);
  raw_varint(value);
  return *this;
}

WireWriter& WireWriter::fixed64(std::uint32_t field, double value) {
  tag(field, kFixed64);
  raw_little_endian(std::bit_cast<std::uint64_t>(value), 8);
  return *this;
}

WireWriter& WireWriter::fixed32(std::uint32_t field, float value) {
  tag(field, kFixed32);
  raw_little_endian(std::bit_cast<std::uint32_t>(value), 4);
  return *this;
}

WireWriter& WireWriter::bytes(std::uint32_t field, std::string_view value) {
  tag(field, kLengthDelimited);
  raw_varint(value.size());
  data_ += value;
  return *this;
}

WireWriter& WireWriter::packed(std::uint32_t field, std::span<const double> values) {
  if (values.empty()) return *this;
  tag(field, kLengthDelimited);
  raw_varint(8 * values.size());
  for (const double value : values) raw_little_endian(std::bit_cast<std::uint64_t>(value), 8);
  return *this;
}

}  // namespace reprise::logs
