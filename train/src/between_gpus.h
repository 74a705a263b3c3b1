#pragma once
// Whether ranks can exchange between the memories of their GPUs.

#include "reprise/dist/communicator.h"
#include "reprise/numerics/device.h"

namespace reprise::train {

/// Whether each rank computes on the GPU whose memory its communicator moves. If so they have exchanged a little once:
/// links that do not work end a run here, and what the transport wants of the GPU's memory is taken before models and
/// passes take the rest. `device` may be in use by nobody else meanwhile. Collective. Throws kDistributed.
bool exchanges_between_gpus(numerics::Device& device, dist::Communicator& communicator);

}  // namespace reprise::train
