// runtime.h over the CUDA runtime.

#include "runtime.h"

#include <cuda_runtime.h>

#include "reprise/core/error.h"

namespace reprise::numerics::cuda {
namespace {

void check(cudaError_t code, const char* what) {
  if (code == cudaSuccess) return;
  cudaGetLastError();  // else the next launch would report it again
  const std::string message =
      std::string("the GPU refuses: ") + what + ": " + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) + ")";
  if (code == cudaErrorMemoryAllocation) {
    throw Error(
        ErrorKind::kOutOfMemory, message,
        "runtime.recompute_layers, or fewer grains at once (runtime.grains_per_forward, exact profile) need less "
        "memory");
  }
  throw Error(ErrorKind::kDevice, message, "nvidia-smi shows the state of the GPU and its driver");
}

cudaStream_t of(void* handle) { return static_cast<cudaStream_t>(handle); }

std::string version_text(int version) {  // 13000 is 13.0
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

class CudaGraph final : public Graph {
 public:
  CudaGraph(cudaGraph_t graph, cudaStream_t stream) : stream_(stream) {
    const cudaError_t code = cudaGraphInstantiate(&executable_, graph, 0);
    cudaGraphDestroy(graph);
    check(code, "cudaGraphInstantiate");
  }
  ~CudaGraph() override { cudaGraphExecDestroy(executable_); }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;
  void launch() override { check(cudaGraphLaunch(executable_, stream_), "cudaGraphLaunch"); }

 private:
  cudaGraphExec_t executable_ = nullptr;
  cudaStream_t stream_;
};

/// A place in a stream's work. One that goes away before the stream has come to it takes nothing with it.
class Event {
 public:
  Event() {
    // A thread that waits sleeps: other ranks, and the one that feeds the GPU, need the core.
    check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming | cudaEventBlockingSync), "cudaEventCreate");
  }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(cudaStream_t stream) { check(cudaEventRecord(event_, stream), "cudaEventRecord"); }
  void make_wait(cudaStream_t stream) { check(cudaStreamWaitEvent(stream, event_, 0), "cudaStreamWaitEvent"); }
  /// Any thread, also one that has not spoken to `device`.
  void wait(int device) {
    check(cudaSetDevice(device), "cudaSetDevice");
    check(cudaEventSynchronize(event_), "a kernel, or a copy");
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

void check_launch(int code, const char* what) { check(static_cast<cudaError_t>(code), what); }

DeviceCount device_count() {
  DeviceCount found;
  const cudaError_t code = cudaGetDeviceCount(&found.count);
  if (code == cudaSuccess) return found;
  cudaGetLastError();
  return {0, std::string(cudaGetErrorString(code)) + " (" + cudaGetErrorName(code) + ")"};
}

DeviceProperties device_properties(int device) {
  cudaDeviceProp found{};
  check(cudaGetDeviceProperties(&found, device), "cudaGetDeviceProperties");
  int driver = 0, runtime = 0;
  check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  DeviceProperties properties;
  properties.name = found.name;
  properties.versions = "compute capability " + std::to_string(found.major) + "." + std::to_string(found.minor) +
                        ", CUDA driver " + version_text(driver) + ", runtime " + version_text(runtime);
  properties.num_multiprocessors = found.multiProcessorCount;
  properties.memory_bytes = found.totalGlobalMem;
  properties.shared_bytes_per_block = found.sharedMemPerBlockOptin;
  return properties;
}

Stream::Stream(int device, WorkOrder order) : device_(device), order_(order) {
  use();
  if (order == WorkOrder::kLibTorch) {
    handle_ = cudaStreamLegacy;
    return;
  }
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  handle_ = stream;
}

Stream::~Stream() {
  if (order_ == WorkOrder::kLibTorch) return;
  cudaSetDevice(device_);
  cudaStreamDestroy(of(handle_));
}

void Stream::use() const { check(cudaSetDevice(device_), "cudaSetDevice"); }

void* Stream::allocate(std::size_t num_bytes) {
  use();
  void* memory = nullptr;
  check(cudaMalloc(&memory, num_bytes), ("cudaMalloc of " + std::to_string(num_bytes) + " bytes").c_str());
  return memory;
}

void Stream::free(void* memory) {  // in destructors: what fails here failed before
  cudaSetDevice(device_);
  cudaFree(memory);
}

void Stream::write(void* to, const void* from_host, std::size_t num_bytes) {
  use();
  if (num_bytes == 0) return;
  check(cudaMemcpyAsync(to, from_host, num_bytes, cudaMemcpyHostToDevice, of(handle_)), "copy to the GPU");
  synchronize();  // a copy from the host's memory may be under way when the runtime returns
}

void Stream::read(void* to_host, const void* from, std::size_t num_bytes) {
  use();
  if (num_bytes == 0) return;
  check(cudaMemcpyAsync(to_host, from, num_bytes, cudaMemcpyDeviceToHost, of(handle_)), "copy from the GPU");
  synchronize();
}

void Stream::copy(void* to, const void* from, std::size_t num_bytes) {
  use();
  if (num_bytes == 0) return;  // a graph may have no such node
  check(cudaMemcpyAsync(to, from, num_bytes, cudaMemcpyDeviceToDevice, of(handle_)), "copy on the GPU");
}

void Stream::clear(void* to, std::size_t num_bytes) {
  use();
  if (num_bytes == 0) return;
  check(cudaMemsetAsync(to, 0, num_bytes, of(handle_)), "cudaMemsetAsync");
}

void Stream::synchronize() {
  use();
  check(cudaStreamSynchronize(of(handle_)), "a kernel, or a copy");
}

std::function<void()> Stream::mark() {
  use();
  const auto reached = std::make_shared<Event>();
  reached->record(of(handle_));
  return [device = device_, reached] { reached->wait(device); };
}

void Stream::begin_capture() {
  use();
  check(cudaStreamBeginCapture(of(handle_), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
}

std::unique_ptr<Graph> Stream::end_capture() {
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(of(handle_), &graph), "cudaStreamEndCapture");
  return std::make_unique<CudaGraph>(graph, of(handle_));
}

void* Stream::allocate_pinned(std::size_t num_bytes) const {
  use();
  void* memory = nullptr;
  const cudaError_t code = cudaMallocHost(&memory, num_bytes);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw Error(ErrorKind::kOutOfMemory,
                "the host has no " + std::to_string(num_bytes) + " bytes left that a GPU can copy to (pinned memory)",
                "free memory of the host, raise its limit of locked memory, or start fewer ranks on this machine");
  }
  check(code, "cudaMallocHost");
  return memory;
}

void Stream::free_pinned(void* memory) const {
  cudaSetDevice(device_);
  cudaFreeHost(memory);
}

ReadStream::ReadStream(const Stream& work) : work_(work) {
  work_.use();
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  handle_ = stream;
}

ReadStream::~ReadStream() {
  cudaSetDevice(work_.device());
  cudaStreamSynchronize(of(handle_));
  cudaStreamDestroy(of(handle_));
}

std::function<void()> ReadStream::begin(void* to_host, const void* from, std::size_t num_bytes) {
  if (num_bytes == 0) return [] {};
  work_.use();
  Event written;
  written.record(of(work_.handle()));
  written.make_wait(of(handle_));
  const auto copied = std::make_shared<Event>();
  check(cudaMemcpyAsync(to_host, from, num_bytes, cudaMemcpyDeviceToHost, of(handle_)), "copy to the host");
  copied->record(of(handle_));
  return [device = work_.device(), copied] { copied->wait(device); };
}

}  // namespace reprise::numerics::cuda
