#pragma once
// The transport over NCCL: GPUs move the bytes. Messages still begin and end in host memory, so every one is copied to
// the GPU and back. It sends, receives, gathers and broadcasts; it never reduces
// (docs/decisions/0013-nccl-at-run-time.md). Tested against a double of NCCL in host memory; it has not run on GPUs
// yet.

#include <memory>
#include <string>

#include "reprise/dist/communicator.h"

namespace reprise::dist {

/// Wraps `bootstrap`, which tells the ranks of each other: it carries NCCL's unique id, the barriers, what a second
/// thread sends, and the end of a run. Each rank takes the GPU of its place on its machine. Throws on every rank when
/// one cannot take part: kDevice where NCCL or a GPU is missing, kDistributed on the others. Collective.
std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator> bootstrap);

/// Says whether NCCL and the CUDA runtime can be loaded, which, and how many GPUs there are; for `reprise doctor`.
std::string describe_nccl();

}  // namespace reprise::dist
