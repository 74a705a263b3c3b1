// runtime.h over host memory, for the emulated GPU.

#include <cstdlib>
#include <cstring>
#include <mutex>

#include "emulated_cuda.h"
#include "emulated_device.h"
#include "emulated_memory.h"
#include "emulated_races.h"
#include "emulated_reads.h"
#include "emulated_stream.h"
#include "reprise/core/error.h"
#include "runtime.h"

namespace reprise::numerics::cuda {
namespace {

emulation::WorkStream& of(void* handle) { return *static_cast<emulation::Stream*>(handle)->work; }

class EmulatedGraph final : public Graph {
 public:
  EmulatedGraph(std::vector<emulation::Work> work, emulation::WorkStream& stream)
      : work_(std::move(work)), stream_(stream) {}
  void launch() override {
    for (const emulation::Work& work : work_) stream_.add(work);
  }

 private:
  std::vector<emulation::Work> work_;
  emulation::WorkStream& stream_;
};

}  // namespace

DeviceCount device_count() { return {emulation::kNumDevices, {}}; }

DeviceProperties device_properties(int device) {
  return {"emulated GPU", "on the host", 4, std::size_t{1} << 30, emulation::shared_bytes_of(device)};
}

Stream::Stream(int device, WorkOrder order) : device_(device), order_(order), handle_(new emulation::Stream(device)) {
  use();
}
Stream::~Stream() { delete static_cast<emulation::Stream*>(handle_); }
void Stream::use() const { emulation::current_device = device_; }

void* Stream::allocate(std::size_t num_bytes) {
  if (of(handle_).capturing()) emulation::stop("memory is allocated while a graph is captured");
  return emulation::allocate(num_bytes);
}

void Stream::free(void* memory) {
  emulation::finish_all_streams();  // as CUDA does
  emulation::free(memory);
}

void Stream::write(void* to, const void* from_host, std::size_t num_bytes) {
  if (of(handle_).capturing()) emulation::stop("a copy from the host is captured");
  if (num_bytes == 0) return;  // memory of nothing may be null
  synchronize();
  std::memcpy(to, from_host, num_bytes);
}
void Stream::read(void* to_host, const void* from, std::size_t num_bytes) {
  if (of(handle_).capturing()) emulation::stop("a copy to the host is captured");
  if (num_bytes == 0) return;
  synchronize();
  std::memcpy(to_host, from, num_bytes);
}
void Stream::copy(void* to, const void* from, std::size_t num_bytes) {
  of(handle_).add([=] { std::memmove(to, from, num_bytes); });
}
void Stream::clear(void* to, std::size_t num_bytes) {
  of(handle_).add([=] { std::memset(to, 0, num_bytes); });
}
void Stream::synchronize() {
  if (of(handle_).capturing()) emulation::stop("the host waits for a stream that is being captured");
  emulation::finish(of(handle_).mark());
}
std::function<void()> Stream::mark() {
  if (of(handle_).capturing()) emulation::stop("the host waits for a stream that is being captured");
  return [mark = of(handle_).mark()] { emulation::finish(mark); };
}

void Stream::begin_capture() {
  if (order_ == WorkOrder::kLibTorch) emulation::stop("the default stream is captured");
  of(handle_).begin_capture();
}
std::unique_ptr<Graph> Stream::end_capture() {
  return std::make_unique<EmulatedGraph>(of(handle_).end_capture(), of(handle_));
}

void* Stream::allocate_pinned(std::size_t num_bytes) const {
  if (of(handle_).capturing()) emulation::stop("pinned memory is allocated while a graph is captured");
  return emulation::allocate_pinned(num_bytes);
}
void Stream::free_pinned(void* memory) const { emulation::free_pinned(memory); }

ReadStream::ReadStream(const Stream& work) : work_(work), handle_(this) {}
ReadStream::~ReadStream() { emulation::finish_reads_of(handle_); }
std::function<void()> ReadStream::begin(void* to_host, const void* from, std::size_t num_bytes) {
  emulation::WorkStream& work = of(work_.handle());
  if (work.capturing()) emulation::stop("a copy to the host is captured");
  work_.use();
  const std::shared_ptr<emulation::Read> read = emulation::begin_read(handle_, to_host, from, num_bytes, work);
  return [read, device = work_.device()] {
    emulation::current_device = device;
    emulation::finish(*read);
  };
}

}  // namespace reprise::numerics::cuda
