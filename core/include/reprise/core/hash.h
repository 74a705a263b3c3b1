#pragma once
// SHA-256 (FIPS 180-4, computed by OpenSSL) and the canonical encoding that every root of the project hashes.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "reprise/core/result.h"

namespace reprise {

/// A SHA-256 value.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  std::string hex() const;
  static Result<Digest> from_hex(std::string_view hex);
  auto operator<=>(const Digest&) const = default;
};

/// Streaming SHA-256. Not thread-safe; one object per stream.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);

  /// Returns the digest of everything so far; the object starts again empty.
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Digest sha256(std::span<const std::byte> bytes);
Digest sha256(std::string_view text);

template <typename T>
std::span<const std::byte> as_byte_span(std::span<const T> values) {
  return std::as_bytes(values);
}

/// Hashes typed, named fields without ambiguity. Layout (docs/formats/canonical_encoding.md): the domain string,
/// then per field: u8 type tag, u32 name length, name, payload. Integers are little-endian; floats are their
/// IEEE-754 bits; strings and bytes carry a u64 length.
class CanonicalHasher {
 public:
  /// `domain` names what is hashed and its version, such as "reprise.checkpoint.v1".
  explicit CanonicalHasher(std::string_view domain);

  CanonicalHasher& u64(std::string_view name, std::uint64_t value);
  CanonicalHasher& i64(std::string_view name, std::int64_t value);
  CanonicalHasher& f64(std::string_view name, double value);
  CanonicalHasher& f32(std::string_view name, float value);
  CanonicalHasher& boolean(std::string_view name, bool value);
  CanonicalHasher& string(std::string_view name, std::string_view value);
  CanonicalHasher& digest(std::string_view name, const Digest& value);

  Digest finish();

 private:
  void field(char tag, std::string_view name);
  void raw_u64(std::uint64_t value);
  Sha256 hash_;
};

}  // namespace reprise
