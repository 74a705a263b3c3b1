#include "reprise/core/philox.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

// Known answers of the authors' own distribution (Random123, kat_vectors, philox 4x32 10).
TEST(Philox, AgreesWithTheAuthorsKnownAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (PhiloxCounter{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  EXPECT_EQ(philox4x32_10({0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu}, {0xffffffffu, 0xffffffffu}),
            (PhiloxCounter{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  EXPECT_EQ(philox4x32_10({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}),
            (PhiloxCounter{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

TEST(Philox, SplitsTheSeedLowWordFirst) {
  EXPECT_EQ(philox_key(0x1122334455667788ull), (PhiloxKey{0x55667788u, 0x11223344u}));
}

}  // namespace
}  // namespace reprise
