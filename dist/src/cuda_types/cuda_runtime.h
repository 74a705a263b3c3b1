#pragma once
// All that nccl.h needs of CUDA's header of this name: size_t and the opaque stream. The functions are found at run time.

#include <stddef.h>

typedef struct CUstream_st* cudaStream_t;  // NOLINT(modernize-use-using): the C name of CUDA
