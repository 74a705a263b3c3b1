#include "reprise/core/hash.h"

#include <openssl/evp.h>

#include <bit>

namespace reprise {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Digest::hex() const {
  std::string text;
  text.reserve(64);
  for (std::uint8_t byte : bytes) {
    text.push_back(kHexDigits[byte >> 4]);
    text.push_back(kHexDigits[byte & 15]);
  }
  return text;
}

Result<Digest> Digest::from_hex(std::string_view hex) {
  Digest digest;
  if (hex.size() != 64) {
    return Error(ErrorKind::kCorrupt, fmt::format("a SHA-256 has 64 hexadecimal digits, this has {}", hex.size()));
  }
  for (std::size_t i = 0; i < 32; ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      return Error(ErrorKind::kCorrupt, fmt::format("not a hexadecimal digit at offset {} of '{}'", 2 * i, hex));
    }
    digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

struct Sha256::Context {
  EVP_MD_CTX* handle = EVP_MD_CTX_new();
  Context() {
    REPRISE_CHECK(handle != nullptr);
    start();
  }
  ~Context() { EVP_MD_CTX_free(handle); }
  void start() { REPRISE_CHECK(EVP_DigestInit_ex(handle, EVP_sha256(), nullptr) == 1); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::span<const std::byte> bytes) {
  REPRISE_CHECK(EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size()) == 1);
  return *this;
}

Sha256& Sha256::update(std::string_view text) {
  return update(std::as_bytes(std::span(text.data(), text.size())));
}

Digest Sha256::finish() {
  Digest digest;
  REPRISE_CHECK(EVP_DigestFinal_ex(context_->handle, digest.bytes.data(), nullptr) == 1);
  context_->start();
  return digest;
}

Digest sha256(std::span<const std::byte> bytes) { return Sha256().update(bytes).finish(); }
Digest sha256(std::string_view text) { return Sha256().update(text).finish(); }

CanonicalHasher::CanonicalHasher(std::string_view domain) {
  raw_u64(domain.size());
  hash_.update(domain);
}

void CanonicalHasher::raw_u64(std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes;
  for (int i = 0; i < 8; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> (8 * i));
  hash_.update(std::as_bytes(std::span(bytes)));
}

void CanonicalHasher::field(char tag, std::string_view name) {
  hash_.update(std::string_view(&tag, 1));
  std::array<std::uint8_t, 4> length;
  for (int i = 0; i < 4; ++i) {
    length[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(name.size() >> (8 * i));
  }
  hash_.update(std::as_bytes(std::span(length)));
  hash_.update(name);
}

CanonicalHasher& CanonicalHasher::u64(std::string_view name, std::uint64_t value) {
  field('u', name);
  raw_u64(value);
  return *this;
}

CanonicalHasher& CanonicalHasher::i64(std::string_view name, std::int64_t value) {
  field('i', name);
  raw_u64(static_cast<std::uint64_t>(value));
  return *this;
}

CanonicalHasher& CanonicalHasher::f64(std::string_view name, double value) {
  field('d', name);
  raw_u64(std::bit_cast<std::uint64_t>(value));
  return *this;
}

CanonicalHasher& CanonicalHasher::f32(std::string_view name, float value) {
  field('f', name);
  raw_u64(std::bit_cast<std::uint32_t>(value));
  return *this;
}

CanonicalHasher& CanonicalHasher::boolean(std::string_view name, bool value) {
  field('b', name);
  raw_u64(value ? 1 : 0);
  return *this;
}

CanonicalHasher& CanonicalHasher::string(std::string_view name, std::string_view value) {
  field('s', name);
  raw_u64(value.size());
  hash_.update(value);
  return *this;
}

CanonicalHasher& CanonicalHasher::digest(std::string_view name, const Digest& value) {
  field('h', name);
  hash_.update(std::as_bytes(std::span(value.bytes)));
  return *this;
}

Digest CanonicalHasher::finish() { return hash_.finish(); }

}  // namespace reprise
