#include "nccl_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <vector>

#include "reprise/core/error.h"
#include "reprise/dist/nccl.h"

namespace reprise::dist {
namespace {

constexpr char kHint[] =
    "install NCCL 2 and the CUDA runtime (PyPI: nvidia-nccl-cu13, nvidia-cuda-runtime) where the loader finds them, or "
    "name the files in REPRISE_NCCL_LIBRARY and REPRISE_CUDART_LIBRARY; or unset REPRISE_BACKEND";

/// The oldest NCCL with communicators that do not block the caller.
constexpr int kOldestVersion = NCCL_VERSION(2, 18, 0);

class SharedLibrary {
 public:
  /// Opens the file that `variable` names, or else the first of `names` that is there.
  SharedLibrary(const char* variable, std::vector<const char*> names) {
    if (const char* const named = std::getenv(variable); named != nullptr) names = {named};
    std::string reason;
    for (const char* name : names) {
      handle_ = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
      name_ = name;
      if (handle_ != nullptr) return;
      if (reason.empty()) reason = ::dlerror();
    }
    throw Error(ErrorKind::kDevice, fmt::format("cannot load {}", reason), kHint);
  }

  template <typename Function>
  void find(Function& function, const char* name) const {
    function = reinterpret_cast<Function>(::dlsym(handle_, name));
    REPRISE_REQUIRE(function != nullptr, ErrorKind::kDevice, fmt::format("{} has no function {}", name_, name), kHint);
  }

  const std::string& name() const { return name_; }

 private:
  void* handle_ = nullptr;  // stays open: its functions are used until the process ends
  std::string name_;
};

void find_cuda(NcclLibrary& library) {
  const SharedLibrary file("REPRISE_CUDART_LIBRARY", {"libcudart.so.13", "libcudart.so.12", "libcudart.so"});
  library.cuda_path = file.name();
  file.find(library.cuda.get_device_count, "cudaGetDeviceCount");
  file.find(library.cuda.set_device, "cudaSetDevice");
  file.find(library.cuda.malloc, "cudaMalloc");
  file.find(library.cuda.free, "cudaFree");
  file.find(library.cuda.memcpy_async, "cudaMemcpyAsync");
  file.find(library.cuda.stream_priorities, "cudaDeviceGetStreamPriorityRange");
  file.find(library.cuda.stream_create, "cudaStreamCreateWithPriority");
  file.find(library.cuda.stream_destroy, "cudaStreamDestroy");
  file.find(library.cuda.stream_query, "cudaStreamQuery");
  file.find(library.cuda.get_last_error, "cudaGetLastError");
  file.find(library.cuda.get_error_string, "cudaGetErrorString");
}

void find_nccl(NcclLibrary& library) {
  const SharedLibrary file("REPRISE_NCCL_LIBRARY", {"libnccl.so.2", "libnccl.so"});
  library.nccl_path = file.name();
  file.find(library.nccl.get_version, "ncclGetVersion");
  file.find(library.nccl.get_unique_id, "ncclGetUniqueId");
  file.find(library.nccl.comm_init_rank_config, "ncclCommInitRankConfig");
  file.find(library.nccl.comm_finalize, "ncclCommFinalize");
  file.find(library.nccl.comm_destroy, "ncclCommDestroy");
  file.find(library.nccl.comm_abort, "ncclCommAbort");
  file.find(library.nccl.comm_get_async_error, "ncclCommGetAsyncError");
  file.find(library.nccl.get_error_string, "ncclGetErrorString");
  file.find(library.nccl.get_last_error, "ncclGetLastError");
  file.find(library.nccl.group_start, "ncclGroupStart");
  file.find(library.nccl.group_end, "ncclGroupEnd");
  file.find(library.nccl.send, "ncclSend");
  file.find(library.nccl.recv, "ncclRecv");
  file.find(library.nccl.all_gather, "ncclAllGather");
  file.find(library.nccl.broadcast, "ncclBroadcast");
}

NcclLibrary load_both() {
  NcclLibrary library;
  find_cuda(library);
  find_nccl(library);
  const ncclResult_t result = library.nccl.get_version(&library.version);
  REPRISE_REQUIRE(
      result == ncclSuccess, ErrorKind::kDevice,
      fmt::format("{} does not say its version: {}", library.nccl_path, library.nccl.get_error_string(result)), kHint);
  REPRISE_REQUIRE(library.version >= kOldestVersion, ErrorKind::kDevice,
                  fmt::format("{} is NCCL {}, which is older than {}", library.nccl_path,
                              nccl_version_text(library.version), nccl_version_text(kOldestVersion)),
                  kHint);
  return library;
}

}  // namespace

std::string nccl_version_text(int version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

const NcclLibrary& load_nccl() {
  static const NcclLibrary library = load_both();  // tried again after a failure
  return library;
}

std::string describe_nccl() {
  try {
    const NcclLibrary& library = load_nccl();
    int devices = 0;
    const int code = library.cuda.get_device_count(&devices);
    const std::string gpus = code == kCudaSuccess ? fmt::format("{} GPU{}", devices, devices == 1 ? "" : "s")
                                                  : fmt::format("no GPU: {}", library.cuda.get_error_string(code));
    return fmt::format("{} ({}, {}), {}", nccl_version_text(library.version), library.nccl_path, library.cuda_path,
                       gpus);
  } catch (const Error& error) {
    return fmt::format("not usable: {}", error.what());
  }
}

}  // namespace reprise::dist
