#include "free_memory_callback.h"

#include <c10/util/Registry.h>
#include <dlfcn.h>

#include <memory>
#include <string>

#include "reprise/native_ops/device_tensors.h"

// As in c10/cuda/CUDACachingAllocator.h, which cannot be included without CUDA's own headers. The library is of the
// version that this is compiled for.
namespace c10 {
class FreeMemoryCallback {
 public:
  virtual ~FreeMemoryCallback() = default;
  virtual bool Execute() = 0;
};
}  // namespace c10

namespace reprise::native_ops {
namespace {

using CallbackRegistry = c10::Registry<std::string, std::unique_ptr<c10::FreeMemoryCallback>>;
constexpr char kRegistry[] = "_ZN3c1031FreeCudaMemoryCallbacksRegistryB5cxx11Ev";  // c10's function of that name

constexpr char kName[] = "reprise";

class GiveBack final : public c10::FreeMemoryCallback {
 public:
  bool Execute() override { return give_back_for_tensors(); }
};

}  // namespace

void register_free_memory_callback(void* cuda_part) {
  const auto registry = reinterpret_cast<CallbackRegistry* (*)()>(::dlsym(cuda_part, kRegistry));
  if (registry == nullptr || registry()->Has(kName)) return;
  registry()->Register(kName, [] { return std::make_unique<GiveBack>(); });
}

}  // namespace reprise::native_ops
