#include "reprise/core/merkle.h"

#include <bit>

namespace reprise {
namespace {

Digest leaf_hash(const Digest& leaf) {
  return Sha256().update(std::string_view("\x00", 1)).update(std::as_bytes(std::span(leaf.bytes))).finish();
}

Digest node_hash(const Digest& left, const Digest& right) {
  return Sha256()
      .update(std::string_view("\x01", 1))
      .update(std::as_bytes(std::span(left.bytes)))
      .update(std::as_bytes(std::span(right.bytes)))
      .finish();
}

}  // namespace

Digest merkle_root(std::span<const Digest> leaves) {
  if (leaves.empty()) return sha256(std::string_view());
  if (leaves.size() == 1) return leaf_hash(leaves[0]);
  const std::size_t split = std::bit_floor(leaves.size() - 1);
  return node_hash(merkle_root(leaves.first(split)), merkle_root(leaves.subspan(split)));
}

}  // namespace reprise
