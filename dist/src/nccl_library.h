#pragma once
// NCCL and the CUDA runtime as tables of the few functions that the transport uses, found in shared libraries at run
// time, so that one binary serves machines with and without GPUs. None of NCCL's reductions is in it: they add in an
// order of their own.

#include <nccl.h>

#include <cstddef>
#include <string>

namespace reprise::dist {

/// Functions of the CUDA runtime; cudaError_t and cudaMemcpyKind are int-sized enums.
struct CudaFunctions {
  int (*get_device_count)(int* count) = nullptr;
  int (*set_device)(int device) = nullptr;
  int (*malloc)(void** pointer, std::size_t bytes) = nullptr;
  int (*free)(void* pointer) = nullptr;
  int (*memcpy_async)(void* to, const void* from, std::size_t bytes, int kind, cudaStream_t stream) = nullptr;
  int (*stream_priorities)(int* least, int* greatest) = nullptr;
  int (*stream_create)(cudaStream_t* stream, unsigned flags, int priority) = nullptr;
  int (*stream_destroy)(cudaStream_t stream) = nullptr;
  int (*stream_query)(cudaStream_t stream) = nullptr;
  int (*get_last_error)() = nullptr;  // and forgets it
  const char* (*get_error_string)(int code) = nullptr;
};

inline constexpr int kCudaSuccess = 0;
inline constexpr int kCudaErrorNotReady = 600;
inline constexpr int kCudaMemcpyHostToDevice = 1;
inline constexpr int kCudaMemcpyDeviceToHost = 2;
inline constexpr unsigned kCudaStreamNonBlocking = 1;

/// Typed by the pinned nccl.h: a function that changes its signature no longer compiles.
struct NcclFunctions {
  decltype(&ncclGetVersion) get_version = nullptr;
  decltype(&ncclGetUniqueId) get_unique_id = nullptr;
  decltype(&ncclCommInitRankConfig) comm_init_rank_config = nullptr;
  decltype(&ncclCommFinalize) comm_finalize = nullptr;
  decltype(&ncclCommDestroy) comm_destroy = nullptr;
  decltype(&ncclCommAbort) comm_abort = nullptr;
  decltype(&ncclCommGetAsyncError) comm_get_async_error = nullptr;
  decltype(&ncclGetErrorString) get_error_string = nullptr;
  decltype(&ncclGetLastError) get_last_error = nullptr;
  decltype(&ncclGroupStart) group_start = nullptr;
  decltype(&ncclGroupEnd) group_end = nullptr;
  decltype(&ncclSend) send = nullptr;
  decltype(&ncclRecv) recv = nullptr;
  decltype(&ncclAllGather) all_gather = nullptr;
  decltype(&ncclBroadcast) broadcast = nullptr;
};

struct NcclLibrary {
  CudaFunctions cuda;
  NcclFunctions nccl;
  std::string nccl_path;
  std::string cuda_path;
  int version = 0;  // as in NCCL_VERSION_CODE
};

/// Loads both libraries, once a process. The variables REPRISE_NCCL_LIBRARY and REPRISE_CUDART_LIBRARY name other files
/// than libnccl.so.2 and libcudart.so.13 (or .12). Throws kDevice when one is missing, is too old or lacks a function.
const NcclLibrary& load_nccl();

/// "2.28.9" of 22809.
std::string nccl_version_text(int version);

}  // namespace reprise::dist
