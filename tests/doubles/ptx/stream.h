#pragma once
// The streams of the GPU that the runtime pretends to have.

#include <driver_types.h>

#include "work_stream.h"

namespace reprise::ptx {

emulation::WorkStream& stream_of(cudaStream_t handle);

}  // namespace reprise::ptx
