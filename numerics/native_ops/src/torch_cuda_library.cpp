#include "torch_cuda_library.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>
#include <torch/version.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "free_memory_callback.h"
#include "reprise/core/error.h"

namespace reprise::native_ops {
namespace {

constexpr char kVariable[] = "REPRISE_TORCH_CUDA_LIBRARY";
constexpr char kFile[] = "libtorch_cuda.so";

std::string hint() {
  return fmt::format(
      "unpack a whole LibTorch {} with its CUDA libraries (`pip install --target DIR torch=={}`) and set "
      "{}=DIR/torch/lib/{}; or compute on the CPU",
      TORCH_VERSION, TORCH_VERSION, kVariable, kFile);
}

/// The folder of the LibTorch that this process runs with.
std::filesystem::path torch_folder() {
  void* const handle = ::dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
  link_map* map = nullptr;
  if (handle == nullptr || ::dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) return {};
  return std::filesystem::path(map->l_name).parent_path();
}

/// The version in "__version__ = '2.11.0+cu130'" or "2.11.0+cu130"; empty where there is no such file.
std::string version_in(const std::filesystem::path& file) {
  constexpr std::string_view kName = "__version__ = ";
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind(kName, 0) == 0) line = line.substr(kName.size() + 1);
    if (!line.empty() && line[0] >= '0' && line[0] <= '9') return line.substr(0, line.find_first_of("+'\" "));
  }
  return {};
}

}  // namespace

std::filesystem::path torch_cuda_library() {
  const char* const named = std::getenv(kVariable);
  return named != nullptr ? std::filesystem::path(named) : torch_folder() / kFile;
}

void expect_same_version(const std::filesystem::path& library) {
  const std::filesystem::path root = library.parent_path().parent_path();
  std::string version = version_in(root / "version.py");
  if (version.empty()) version = version_in(root / "build-version");
  REPRISE_REQUIRE(!version.empty(), ErrorKind::kDevice,
                  fmt::format("{}: neither version.py nor build-version in {} says which LibTorch it is of",
                              library.string(), root.string()),
                  hint());
  REPRISE_REQUIRE(version == TORCH_VERSION, ErrorKind::kDevice,
                  fmt::format("{} is of LibTorch {}; this program has {}", library.string(), version, TORCH_VERSION),
                  hint());
}

void load_torch_cuda() {
  const std::filesystem::path library = torch_cuda_library();
  REPRISE_REQUIRE(std::filesystem::exists(library), ErrorKind::kDevice,
                  fmt::format("no CUDA part of LibTorch: there is no file {}", library.string()), hint());
  expect_same_version(library);
  // Global, because the libraries beside it look for its symbols. It stays open: its operators are LibTorch's now.
  void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr) {
    const std::string problem = fmt::format("cannot load {}", ::dlerror());
    throw Error(ErrorKind::kDevice, problem,
                hint() +
                    "; with REPRISE_BACKEND=nccl, name the NCCL of the same DIR in REPRISE_NCCL_LIBRARY: the one that "
                    "was loaded before is used");
  }
  // LibTorch asks for this part once, at its first use of a device. (hasCUDA() is false where there is no GPU, too.)
  REPRISE_REQUIRE(at::detail::getCUDAHooks().hasCUDART(), ErrorKind::kDevice,
                  fmt::format("{} was loaded, but LibTorch goes on without it", library.string()), hint());
  register_free_memory_callback(handle);
}

}  // namespace reprise::native_ops
