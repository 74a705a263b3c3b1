// The compressor baseline.
#include "xz_size.h"

#include <gtest/gtest.h>

#include <string>

#include "reprise/core/philox.h"

namespace reprise::eval {
namespace {

std::string random_text(std::size_t size) {
  std::string text;
  for (std::uint32_t i = 0; text.size() < size; ++i) {
    const auto words = philox4x32_10({static_cast<std::uint32_t>(RandomPurpose::kTest), i, 9, 0}, philox_key(5));
    for (const std::uint32_t word : words) text += static_cast<char>('a' + word % 16);
  }
  return text;
}

/// Compresses to itself, and fast.
std::string random_bytes(std::size_t size) {
  std::string text;
  for (std::uint32_t i = 0; text.size() < size; ++i) {
    const auto words = philox4x32_10({static_cast<std::uint32_t>(RandomPurpose::kTest), i, 10, 0}, philox_key(5));
    for (const std::uint32_t word : words) text.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  return text;
}

TEST(Xz, PaysHalfAByteForALetterOfSixteen) {
  const std::string text = random_text(100000);
  const std::uint64_t size = xz_size(text, xz_dictionary(text.size()));
  EXPECT_GT(size, 50000u);
  EXPECT_LT(size, 56000u);
}

TEST(Xz, PaysAlmostNothingForTextItHasSeenFarBack) {
  const std::string text = random_bytes(3 << 19);
  const std::string again = text + text.substr(0, 50000);
  const std::uint64_t dictionary = xz_dictionary(again.size());
  EXPECT_LT(xz_size(again, dictionary) - xz_size(text, dictionary), 1500u);
}

TEST(Xz, SpansTheTextWithItsDictionary) {
  EXPECT_EQ(xz_dictionary(10), std::uint64_t{1} << 20);
  EXPECT_EQ(xz_dictionary((std::uint64_t{1} << 23) + 1), std::uint64_t{1} << 24);
  EXPECT_EQ(xz_dictionary(std::uint64_t{1} << 40), std::uint64_t{1} << 30);
}

}  // namespace
}  // namespace reprise::eval
