#pragma once
// Normalisation form C (UAX #15) with the tables of Unicode 9.0: those of the reference's normaliser NFC. Characters
// that are younger have combining class 0 and no decomposition there, and here.

#include <string>
#include <string_view>

namespace reprise::data {

/// Returns well-formed `text` where it is in form C already; otherwise fills `storage` with its form C and returns a
/// view of it.
std::string_view nfc(std::string_view text, std::string& storage);

}  // namespace reprise::data
