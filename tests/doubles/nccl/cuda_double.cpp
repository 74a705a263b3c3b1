// The few functions of the CUDA runtime that the transport calls. NCCL_DOUBLE_DEVICES is the number of GPUs (8).

#include "cuda_double.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

namespace {

constexpr int kSuccess = 0;
constexpr int kInvalidValue = 1;
constexpr int kNoDevice = 100;
constexpr int kInvalidDevice = 101;
constexpr int kNotReady = 600;
constexpr int kHostToDevice = 1;
constexpr int kDeviceToHost = 2;

struct Memory {
  std::mutex mutex;
  std::map<const std::byte*, std::size_t> blocks;
};

Memory& memory() {
  static Memory all;
  return all;
}

thread_local int this_threads_device = 0;
thread_local int last_error = kSuccess;

int num_devices() { return nccl_double::number_from_environment("NCCL_DOUBLE_DEVICES", 8); }

}  // namespace

CUstream_st::CUstream_st() : thread_([this] { work(); }) {}

CUstream_st::~CUstream_st() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void CUstream_st::add(std::function<void()> task) {
  ++pending_;
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_all();
}

void CUstream_st::wait() const {
  while (!idle()) std::this_thread::sleep_for(std::chrono::microseconds(50));
}

void CUstream_st::work() {
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
    --pending_;
  }
}

namespace nccl_double {

bool is_device_memory(const void* pointer, std::size_t bytes) {
  const auto* const first = static_cast<const std::byte*>(pointer);
  const std::lock_guard lock(memory().mutex);
  auto block = memory().blocks.upper_bound(first);
  if (block == memory().blocks.begin()) return false;
  --block;
  return first + bytes <= block->first + block->second;
}

int current_device() { return this_threads_device; }

int number_from_environment(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

}  // namespace nccl_double

extern "C" {

int cudaGetDeviceCount(int* count) {
  *count = num_devices();
  return *count == 0 ? kNoDevice : kSuccess;
}

int cudaSetDevice(int device) {
  if (device < 0 || device >= num_devices()) return kInvalidDevice;
  this_threads_device = device;
  return kSuccess;
}

int cudaMalloc(void** pointer, std::size_t bytes) {
  *pointer = std::malloc(bytes == 0 ? 1 : bytes);
  std::memset(*pointer, 0xa5, bytes);  // what was never written shows
  const std::lock_guard lock(memory().mutex);
  memory().blocks[static_cast<std::byte*>(*pointer)] = bytes;
  return kSuccess;
}

int cudaFree(void* pointer) {
  const std::lock_guard lock(memory().mutex);
  if (memory().blocks.erase(static_cast<std::byte*>(pointer)) == 0) return kInvalidValue;
  std::free(pointer);
  return kSuccess;
}

/// Host memory is pageable here: as with CUDA, a copy to it waits for all that the stream has to do before.
int cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, int kind, CUstream_st* stream) {
  const bool to_device = nccl_double::is_device_memory(to, bytes);
  const bool from_device = nccl_double::is_device_memory(from, bytes);
  if (kind != (to_device ? kHostToDevice : kDeviceToHost) || to_device == from_device) return kInvalidValue;
  if (to_device) {
    // The bytes are taken before the call returns, the copy is made when the stream comes to it.
    auto* const staged = static_cast<std::byte*>(std::malloc(bytes));
    std::memcpy(staged, from, bytes);
    stream->add([=] {
      std::memcpy(to, staged, bytes);
      std::free(staged);
    });
    return kSuccess;
  }
  stream->wait();
  std::memcpy(to, from, bytes);
  return kSuccess;
}

int cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return kSuccess;
}

int cudaStreamCreateWithPriority(CUstream_st** stream, unsigned, int priority) {
  if (priority < -5 || priority > 0) return kInvalidValue;
  *stream = new CUstream_st;
  return kSuccess;
}

int cudaStreamDestroy(CUstream_st* stream) {
  delete stream;
  return kSuccess;
}

int cudaStreamQuery(CUstream_st* stream) {
  if (stream->idle()) return kSuccess;
  last_error = kNotReady;  // as CUDA notes it
  return kNotReady;
}

int cudaGetLastError() { return std::exchange(last_error, kSuccess); }

const char* cudaGetErrorString(int code) {
  switch (code) {
    case kSuccess:
      return "no error";
    case kInvalidValue:
      return "invalid argument";
    case kNoDevice:
      return "no CUDA-capable device is detected";
    case kInvalidDevice:
      return "invalid device ordinal";
    case kNotReady:
      return "device not ready";
    default:
      return "unknown error";
  }
}

}  // extern "C"
