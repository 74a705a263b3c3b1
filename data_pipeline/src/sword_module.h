#pragma once
// Bibles as SWORD modules store them: ot.bzs and nt.bzs list compressed blocks, ot.bzz and nt.bzz hold them.

#include "extractors.h"

namespace reprise::data {

/// One text per block of a book, whose path is that of the .bzs file and "#INDEX". Blocks that do not decompress and
/// texts of 200 characters or less are passed over. Throws kData for a .bzs without its .bzz or of a broken length.
void extract_sword(std::vector<PackageMember> members, const TakeText& take);

}  // namespace reprise::data
