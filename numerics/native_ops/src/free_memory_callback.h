#pragma once
// What LibTorch's allocator of GPUs does before it asks one for memory.

namespace reprise::native_ops {

/// Has that allocator call give_back_for_tensors(). `cuda_part`: what dlopen() returned for LibTorch's CUDA part. One
/// that has no list of such callbacks is left as it is.
void register_free_memory_callback(void* cuda_part);

}  // namespace reprise::native_ops
