#pragma once
// Token ids in a NumPy file (.npy): one dimension of unsigned 32-bit little-endian numbers. Other integer types and
// version 1 to 3 headers are read too. Thread-safe.

#include <filesystem>
#include <span>
#include <vector>

#include "reprise/data_pipeline/tokenizer.h"

namespace reprise::data {

/// Writes the ids atomically. Throws kIo.
void write_token_file(const std::filesystem::path& path, std::span<const TokenId> ids);

/// Reads the ids. Throws kData (path, what is wrong, the value found) for anything but a list of integers that are
/// ids; kIo.
std::vector<TokenId> read_token_file(const std::filesystem::path& path);

}  // namespace reprise::data
