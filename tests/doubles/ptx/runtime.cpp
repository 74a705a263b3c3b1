// The CUDA runtime's functions that this project calls, over host memory: linked in place of NVIDIA's library, so that
// a program that nvcc compiled runs as it is where there is no GPU. Work is done when it is waited for (work_stream.h).

#include <cuda_runtime_api.h>

#include <cstring>
#include <string>
#include <utility>

#include "emulated_memory.h"
#include "gpu.h"
#include "reprise/core/error.h"
#include "stream.h"

namespace reprise::ptx {
namespace {

thread_local int chosen_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

cudaError_t remembered(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

/// What handles point to.
using StreamHandle = std::shared_ptr<emulation::WorkStream>;
using Event = emulation::WorkStream::Mark;
struct RecordedGraph {
  std::vector<emulation::Work> work;
};

Event& event_of(cudaEvent_t handle) { return *reinterpret_cast<Event*>(handle); }

}  // namespace

int current_device() { return chosen_device; }

emulation::WorkStream& stream_of(cudaStream_t handle) {
  static const StreamHandle legacy = emulation::WorkStream::make();
  if (handle == nullptr || handle == cudaStreamLegacy) return *legacy;
  return **reinterpret_cast<StreamHandle*>(handle);
}

}  // namespace reprise::ptx

using namespace reprise::ptx;
namespace emulation = reprise::emulation;

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = reprise::ptx::kNumDevices;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= reprise::ptx::kNumDevices) return remembered(cudaErrorInvalidDevice);
  reprise::ptx::chosen_device = device;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  *properties = {};
  std::strcpy(properties->name, "PTX on the host");
  properties->major = 9;
  properties->multiProcessorCount = reprise::ptx::multiprocessors_of(device);
  properties->totalGlobalMem = std::size_t{4} << 30;
  properties->sharedMemPerBlockOptin = reprise::ptx::shared_bytes_of(device);
  return cudaSuccess;
}
const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation" : "an error";
}
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "out of memory" : "no GPU's own: the runtime of the tests refuses";
}
cudaError_t cudaGetLastError() { return std::exchange(reprise::ptx::last_error, cudaSuccess); }

cudaError_t cudaMalloc(void** memory, std::size_t num_bytes) {
  try {
    *memory = emulation::allocate(num_bytes);
    return cudaSuccess;
  } catch (const reprise::Error&) {
    return remembered(cudaErrorMemoryAllocation);
  }
}
cudaError_t cudaFree(void* memory) {
  emulation::finish_all_streams();  // as CUDA does
  if (memory != nullptr) emulation::free(memory);
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** memory, std::size_t num_bytes) {
  *memory = std::malloc(num_bytes);
  return remembered(*memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}
cudaError_t cudaFreeHost(void* memory) {
  emulation::finish_all_streams();
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t num_bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (stream_of(stream).capturing() && kind != cudaMemcpyDeviceToDevice) stop("the host's memory is captured");
  stream_of(stream).add([=] { std::memmove(to, from, num_bytes); });
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t num_bytes, cudaStream_t stream) {
  stream_of(stream).add([=] { std::memset(to, value, num_bytes); });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = reinterpret_cast<cudaStream_t>(new StreamHandle(emulation::WorkStream::make()));
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  emulation::finish(stream_of(stream).mark());
  delete reinterpret_cast<StreamHandle*>(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (stream_of(stream).capturing()) stop("the host waits for a stream that is being captured");
  emulation::finish(stream_of(stream).mark());
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  stream_of(stream).wait_for(event_of(event));
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream == nullptr || stream == cudaStreamLegacy) return remembered(cudaErrorStreamCaptureUnsupported);
  stream_of(stream).begin_capture();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = reinterpret_cast<cudaGraph_t>(new RecordedGraph{stream_of(stream).end_capture()});
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = reinterpret_cast<cudaGraphExec_t>(new RecordedGraph(*reinterpret_cast<RecordedGraph*>(graph)));
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete reinterpret_cast<RecordedGraph*>(graph);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete reinterpret_cast<RecordedGraph*>(executable);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (const emulation::Work& work : reinterpret_cast<RecordedGraph*>(executable)->work) stream_of(stream).add(work);
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = reinterpret_cast<cudaEvent_t>(new Event);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete &event_of(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (stream_of(stream).capturing()) stop("an event is captured");
  event_of(event) = stream_of(stream).mark();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  emulation::finish(event_of(event));
  return cudaSuccess;
}
}
