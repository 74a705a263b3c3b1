#pragma once
// Size of a text compressed by xz, with a dictionary that spans all of it.

#include <cstdint>
#include <string_view>

namespace reprise::eval {

/// Compresses `text` with preset 9 extreme and returns the number of bytes. `dictionary_bytes` is how far back a match
/// may lie; compare sizes made with the same value only. Throws kOutOfMemory.
std::uint64_t xz_size(std::string_view text, std::uint64_t dictionary_bytes);

/// The dictionary for texts of up to `text_bytes`: the power of two not below it, 1 MiB to 1 GiB.
std::uint64_t xz_dictionary(std::uint64_t text_bytes);

}  // namespace reprise::eval
