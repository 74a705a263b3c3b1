#include "reprise/core/hash.h"

#include <gtest/gtest.h>

#include "reprise/core/merkle.h"

namespace reprise {
namespace {

// FIPS 180-4 examples, as NIST publishes them.
TEST(Sha256, AgreesWithTheStandardsExamples) {
  EXPECT_EQ(sha256("abc").hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("").hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, DoesNotDependOnHowTheBytesArrive) {
  EXPECT_EQ(Sha256().update("a").update("").update("bc").finish(), sha256("abc"));
}

TEST(Sha256, StartsAgainAfterFinish) {
  Sha256 hash;
  hash.update("x").finish();
  EXPECT_EQ(hash.update("abc").finish(), sha256("abc"));
}

TEST(Digest, ReadsItsOwnHex) {
  const Digest digest = sha256("abc");
  EXPECT_EQ(Digest::from_hex(digest.hex()).value_or_throw(), digest);
}

TEST(Digest, RefusesWrongLengthAndWrongDigits) {
  EXPECT_FALSE(Digest::from_hex("abc"));
  EXPECT_FALSE(Digest::from_hex(std::string(63, '0') + "g"));
}

TEST(CanonicalHasher, HashesTheDocumentedBytes) {
  // u64 domain length, domain, tag 'u', u32 name length, name, u64 value: all little-endian.
  std::string bytes("\x01\0\0\0\0\0\0\0d", 9);
  bytes += std::string("u\x01\0\0\0n", 6) + std::string("\x02\x01\0\0\0\0\0\0", 8);
  EXPECT_EQ(CanonicalHasher("d").u64("n", 0x0102).finish(), sha256(bytes));
}

TEST(CanonicalHasher, TellsFieldsApartThatConcatenateAlike) {
  EXPECT_NE(CanonicalHasher("d").string("a", "bc").finish(), CanonicalHasher("d").string("ab", "c").finish());
  EXPECT_NE(CanonicalHasher("d").u64("a", 1).finish(), CanonicalHasher("d").i64("a", 1).finish());
  EXPECT_NE(CanonicalHasher("d").f64("a", 0.0).finish(), CanonicalHasher("d").f64("a", -0.0).finish());
}

Digest leaf(const Digest& data) {
  return Sha256().update(std::string_view("\0", 1)).update(std::as_bytes(std::span(data.bytes))).finish();
}
Digest node(const Digest& left, const Digest& right) {
  return Sha256()
      .update(std::string_view("\1", 1))
      .update(std::as_bytes(std::span(left.bytes)))
      .update(std::as_bytes(std::span(right.bytes)))
      .finish();
}

TEST(MerkleRoot, OfNothingIsTheHashOfNothing) { EXPECT_EQ(merkle_root({}), sha256("")); }

TEST(MerkleRoot, SplitsAtTheLargestPowerOfTwoBelowTheSize) {
  const std::vector<Digest> d = {sha256("0"), sha256("1"), sha256("2"), sha256("3"), sha256("4")};
  const Digest four = node(node(leaf(d[0]), leaf(d[1])), node(leaf(d[2]), leaf(d[3])));
  EXPECT_EQ(merkle_root(std::span(d).first(4)), four);
  EXPECT_EQ(merkle_root(d), node(four, leaf(d[4])));
}

TEST(MerkleRoot, ChangesWithOrder) {
  const std::vector<Digest> ab = {sha256("a"), sha256("b")};
  const std::vector<Digest> ba = {sha256("b"), sha256("a")};
  EXPECT_NE(merkle_root(ab), merkle_root(ba));
}

}  // namespace
}  // namespace reprise
