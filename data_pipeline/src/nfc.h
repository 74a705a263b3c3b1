#pragma once
// Normalisation form C (UAX #15) with the tables of Unicode 9.0: those of the reference's normaliser NFC. Characters
// that are younger have combining class 0 and no decomposition there, and here.

#include <string>
#include <string_view>

namespace reprise::data {

/// Returns the form C of well-formed `text`: itself where a quick check of each character finds nothing to do, else a
/// view of `storage`.
std::string_view nfc(std::string_view text, std::string& storage);

}  // namespace reprise::data
