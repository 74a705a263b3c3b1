#pragma once
// The file of LibTorch's CUDA part. It needs gigabytes of libraries beside it, so only a run that asks for it loads it.

#include <filesystem>

namespace reprise::native_ops {

/// The file that REPRISE_TORCH_CUDA_LIBRARY names, or else the one beside the LibTorch in use.
std::filesystem::path torch_cuda_library();

/// Throws Error(kDevice) unless the LibTorch that `library` is a part of is of the version this is compiled for, by the
/// text that its wheel (version.py) or archive (build-version) has.
void expect_same_version(const std::filesystem::path& library);

/// Loads the library, whose operators LibTorch then has. Throws Error(kDevice).
void load_torch_cuda();

}  // namespace reprise::native_ops
