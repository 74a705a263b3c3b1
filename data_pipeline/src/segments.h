#pragma once
// Word and sentence boundaries of UAX #29, Unicode 15.0.0, without tailoring. A text falls into segments that leave
// nothing out: white space and punctuation are segments too, and the white space behind a sentence belongs to it.

#include <cstddef>
#include <string_view>

namespace reprise::data {

/// Returns where the segment ends that begins at `begin`, which must be a boundary and lie before the end of `text`
/// (well-formed UTF-8). From a boundary on, boundaries do not depend on what stands before.
std::size_t word_segment_end(std::string_view text, std::size_t begin);
std::size_t sentence_segment_end(std::string_view text, std::size_t begin);

}  // namespace reprise::data
