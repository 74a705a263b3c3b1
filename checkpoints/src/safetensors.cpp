#include "reprise/checkpoints/safetensors.h"

#include <bit>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "reprise/core/error.h"
#include "reprise/core/partial_file.h"

namespace reprise::checkpoints {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors holds little-endian numbers");

constexpr std::size_t kAlignment = 8;  // of the first value in the file

std::string header_text(const TensorLayout& layout, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json json = {{"__metadata__", metadata}};
  std::uint64_t offset = 0;
  for (const TensorLayout::Entry& entry : layout.entries()) {
    const std::uint64_t end = offset + static_cast<std::uint64_t>(entry.spec.num_elements()) * sizeof(float);
    json[entry.spec.name] = {{"dtype", "F32"}, {"shape", entry.spec.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  // U+FFFD for what is not UTF-8, which metadata such as a path may hold.
  std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const TensorLayout& layout, std::span<const float> flat,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<void()>& before_replacing) {
  REPRISE_CHECK_EQ(static_cast<std::int64_t>(flat.size()), layout.num_elements());
  const std::string header = header_text(layout, metadata);
  const std::uint64_t length = header.size();
  PartialFile file(path);
  file.write({reinterpret_cast<const char*>(&length), sizeof length});
  file.write(header);
  for (const TensorLayout::Entry& entry : layout.entries()) {
    file.write({reinterpret_cast<const char*>(flat.data() + entry.offset),
                static_cast<std::size_t>(entry.spec.num_elements()) * sizeof(float)});
  }
  if (before_replacing) before_replacing();
  file.commit();
}

}  // namespace reprise::checkpoints
