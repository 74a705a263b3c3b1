#pragma once
// Writes weights as a safetensors file: u64 length of a JSON header, the header, then the tensors' values one behind
// the other (https://huggingface.co/docs/safetensors). One way only: Reprise reads its own checkpoints.

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>

#include "reprise/core/tensor_layout.h"

namespace reprise::checkpoints {

/// Writes the tensors of `layout` from a flat buffer as F32 under their names, in order, atomically. The bytes are a
/// function of the arguments; text that is not UTF-8 gets U+FFFD in its place. `before_replacing` is called when they are
/// written, before a file that is at `path` goes. Throws kIo.
void write_safetensors(const std::filesystem::path& path, const TensorLayout& layout, std::span<const float> flat,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<void()>& before_replacing = {});

}  // namespace reprise::checkpoints
