#include "sword_module.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "assembly_text.h"
#include "markup_text.h"
#include "reprise/core/error.h"

namespace reprise::data {
namespace {

constexpr std::size_t kEntryBytes = 12;  // offset, compressed size, size: little-endian
constexpr std::size_t kMinBlock = 201;   // characters
constexpr std::size_t kPiece = 1 << 16;

std::uint32_t little_endian(std::string_view bytes, std::size_t position) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i > 0; --i) value = value << 8 | static_cast<std::uint8_t>(bytes[position + i - 1]);
  return value;
}

/// A zlib stream, or nothing when it is damaged or does not end.
std::optional<std::string> inflate_block(std::string_view compressed) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw Error(ErrorKind::kOutOfMemory, "cannot start zlib", "free some memory");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string content;
  int status = Z_OK;
  while (status == Z_OK) {
    const std::size_t size = content.size();
    content.resize(size + kPiece);
    stream.next_out = reinterpret_cast<Bytef*>(content.data() + size);
    stream.avail_out = static_cast<uInt>(kPiece);
    status = inflate(&stream, Z_NO_FLUSH);
    content.resize(size + kPiece - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) return std::nullopt;
  return content;
}

const PackageMember* find_ending(const std::vector<PackageMember>& members, std::string_view ending) {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const PackageMember& member) { return member.path.ends_with(ending); });
  return found == members.end() ? nullptr : &*found;
}

void extract_testament(const PackageMember& index, const std::string& blocks, const TakeText& take) {
  for (std::size_t at = 0; at < index.bytes.size(); at += kEntryBytes) {
    const std::size_t start = std::min<std::size_t>(little_endian(index.bytes, at), blocks.size());
    const auto content = inflate_block(std::string_view(blocks).substr(start, little_endian(index.bytes, at + 4)));
    if (!content) continue;
    std::string text = sword_text(decode_text(*content));
    if (num_characters(text) >= kMinBlock) take({fmt::format("{}#{}", index.path, at / kEntryBytes), std::move(text)});
  }
}

}  // namespace

void extract_sword(std::vector<PackageMember> members, const TakeText& take) {
  for (const std::string_view ending : {"/ot.bzs", "/nt.bzs"}) {
    const PackageMember* index = find_ending(members, ending);
    if (index == nullptr) continue;
    const std::string name = index->path.substr(0, index->path.size() - 1) + "z";
    const auto blocks =
        std::find_if(members.begin(), members.end(), [&](const PackageMember& member) { return member.path == name; });
    REPRISE_REQUIRE(blocks != members.end() && index->bytes.size() % kEntryBytes == 0, ErrorKind::kData,
                    fmt::format("damaged SWORD module: {}: {} bytes, blocks in {}", index->path, index->bytes.size(),
                                blocks == members.end() ? "no file" : name),
                    "the index needs 12 bytes per block, and a .bzz file beside it");
    extract_testament(*index, blocks->bytes, take);
  }
}

}  // namespace reprise::data
