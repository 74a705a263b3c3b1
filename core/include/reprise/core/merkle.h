#pragma once
// Merkle tree hash of RFC 6962, section 2.1: leaves are hashed with a 0x00 prefix, inner nodes with 0x01, and a
// list of n leaves splits at the largest power of two below n. The empty list hashes to SHA-256 of nothing.

#include <span>

#include "reprise/core/hash.h"

namespace reprise {

/// Returns the root over `leaves` (each leaf's data is the 32 bytes of the digest), in the order given.
Digest merkle_root(std::span<const Digest> leaves);

}  // namespace reprise
