#pragma once
// One shard as the bytes of an HDF5 file. HDF5 works in memory only (its core driver), so that every error of the
// operating system comes from core/files.h, and a broken file is never a half-open one. HDF5 is not thread-safe
// here: one thread of the process owns these calls.

#include <string>

#include "shard_content.h"

namespace reprise::data {

/// Returns the file: the same columns and attributes give the same bytes.
std::string write_shard_image(const ShardColumns& columns, const ShardAttributes& attributes);

/// Reads what a file says of itself: the attributes alone, checked against nothing. Throws kCorrupt like
/// read_shard_image().
ShardAttributes read_shard_attributes(const std::string& image, const std::string& name);

/// Reads a file back. Throws kCorrupt: `name`, the dataset or attribute, and what is wrong with it. Checks every
/// dataset against its SHA-256 and that the columns fit each other, not the root.
void read_shard_image(const std::string& image, const std::string& name, ShardColumns& columns,
                      ShardAttributes& attributes);

}  // namespace reprise::data
