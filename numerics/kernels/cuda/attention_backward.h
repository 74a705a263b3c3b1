#pragma once
// What the kernels of attention's backward share.

#include "attention_rule.h"
#include "attention_tiles.h"
#include "queue.h"

namespace reprise::numerics::cuda {

struct BackwardArrays {
  const float *q, *k, *v, *out, *row_max, *row_sum, *dout;
  float *dq, *dk, *dv;
  float* slopes;               // z: [unit, query head of it, tile of keys, tile of queries, key, query] of one part
  float* g;                    // dout / row_sum, as dout
  float* delta;                // [B,H,T]
  float *dk_total, *dv_total;  // as dk: sums of query heads behind the first of their group
};

/// What one pair of launches does: some key-value heads (units, counted over the sequences) with their query heads, and
/// some tiles of keys, beginning where a segment begins.
struct BackwardPart {
  Index first_unit, num_units;
  int first_tile, num_tiles;
};

/// The part as large as its slopes may be; the first of them.
inline BackwardPart largest_part(Index units, Index group, Index tiles, Index slopes_at_a_time) {
  const Index per_tile = group * tiles * kTile * kTile;
  if (per_tile * tiles <= slopes_at_a_time) {
    const Index fitting = slopes_at_a_time / (per_tile * tiles);
    return {0, fitting < units ? fitting : units, 0, static_cast<int>(tiles)};
  }
  const Index segments = slopes_at_a_time / (per_tile * kSegmentTiles);
  return {0, 1, 0, static_cast<int>(segments < 1 ? 1 : segments) * kSegmentTiles};
}

/// dq of the part, from its slopes; a part that begins behind key 0 goes on with what the one before left.
template <bool kPlain>
void query_gradient(Queue& queue, const AttentionCall& call, const BackwardArrays& arrays, const BackwardPart& part);

}  // namespace reprise::numerics::cuda
