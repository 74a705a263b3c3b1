#pragma once
// Protobuf's wire format, written by hand: what protobuf's own serialiser happens to write today is not promised for
// tomorrow, and these bytes are hashed (a test compares the two). Fields must be added by ascending number.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace reprise::logs {

class WireWriter {
 public:
  WireWriter& varint(std::uint32_t field, std::uint64_t value);
  WireWriter& fixed64(std::uint32_t field, double value);
  WireWriter& fixed32(std::uint32_t field, float value);
  WireWriter& bytes(std::uint32_t field, std::string_view value);
  /// A packed list; an empty one leaves no bytes.
  WireWriter& packed(std::uint32_t field, std::span<const double> values);

  const std::string& data() const { return data_; }

 private:
  void tag(std::uint32_t field, std::uint32_t wire_type);
  void raw_varint(std::uint64_t value);
  void raw_little_endian(std::uint64_t value, int num_bytes);
  std::string data_;
};

}  // namespace reprise::logs
