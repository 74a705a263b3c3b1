#pragma once
// Fields of temporary records as bytes: integers big-endian, strings behind their length unless they are ordered.

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "byte_order.h"
#include "reprise/core/error.h"
#include "reprise/core/hash.h"

namespace reprise::data {

class RecordBuilder {
 public:
  RecordBuilder& u64(std::uint64_t value) {
    append_big_endian(bytes_, value);
    return *this;
  }
  RecordBuilder& f64(double value) { return u64(std::bit_cast<std::uint64_t>(value)); }
  RecordBuilder& string(std::string_view value) {
    u64(value.size());
    bytes_.append(value);
    return *this;
  }
  /// A string without zero bytes, whose records are in the order of its bytes.
  RecordBuilder& ordered_string(std::string_view value) {
    bytes_.append(value).push_back('\0');
    return *this;
  }
  RecordBuilder& digest(const Digest& value) {
    bytes_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
    return *this;
  }
  RecordBuilder& u32s(std::span<const std::uint32_t> values) {
    u64(values.size());
    for (const std::uint32_t value : values) append_big_endian(bytes_, value);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Takes the fields back in the same order. A record that is too short is a mistake of the program: files of records
/// are whole or not there.
class RecordParser {
 public:
  explicit RecordParser(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t u64() { return read_big_endian<std::uint64_t>(take(sizeof(std::uint64_t))); }
  double f64() { return std::bit_cast<double>(u64()); }
  std::string_view view() { return take(u64()); }
  std::string string() { return std::string(view()); }
  std::string ordered_string() {
    std::string value(take(rest_.find('\0')));
    take(1);
    return value;
  }
  Digest digest() {
    Digest value;
    std::memcpy(value.bytes.data(), take(value.bytes.size()).data(), value.bytes.size());
    return value;
  }
  std::vector<std::uint32_t> u32s() {
    std::vector<std::uint32_t> values(u64());
    for (std::uint32_t& value : values) value = read_big_endian<std::uint32_t>(take(sizeof(std::uint32_t)));
    return values;
  }

 private:
  std::string_view take(std::size_t size) {
    REPRISE_CHECK(size <= rest_.size());
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

}  // namespace reprise::data
