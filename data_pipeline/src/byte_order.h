#pragma once
// Integers as big-endian bytes, whose order is that of the numbers.

#include <cstdint>
#include <string>
#include <string_view>

namespace reprise::data {

template <typename T>
void append_big_endian(std::string& bytes, T value) {
  for (unsigned shift = 8 * sizeof(T); shift > 0; shift -= 8) bytes.push_back(static_cast<char>(value >> (shift - 8)));
}

/// Reads the first sizeof(T) bytes.
template <typename T>
T read_big_endian(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(static_cast<T>(value << 8) | static_cast<unsigned char>(bytes[i]));
  }
  return value;
}

}  // namespace reprise::data
