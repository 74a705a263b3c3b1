#include "reprise/data_pipeline/token_file.h"

#include <fmt/core.h>

#include <bit>
#include <cstring>
#include <limits>
#include <regex>
#include <string>

#include "mapped_file.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::data {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64;  // of the data, as NumPy writes it
constexpr std::size_t kLongestHeader = 4096;

struct Layout {
  char sign = 'u';
  std::size_t item_bytes = 4;
  std::uint64_t count = 0;
  std::size_t data_begin = 0;
};

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorKind::kData, fmt::format("token file {}: {}", path.string(), what),
              "give a .npy file of one dimension of integers, such as `reprise tokenizer encode --out` writes");
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t k = bytes.size(); k > 0; --k) value = value << 8 | static_cast<std::uint8_t>(bytes[k - 1]);
  return value;
}

/// Where the header's text begins and ends.
std::pair<std::size_t, std::size_t> header_bounds(const std::filesystem::path& path, std::string_view file) {
  if (!file.starts_with(kMagic) || file.size() < 12) fail(path, "does not begin as a .npy file");
  const int version = file[6];
  if (version < 1 || version > 3) fail(path, fmt::format("version {} of the format is not known", version));
  const std::size_t begin = version == 1 ? 10 : 12;
  const std::uint64_t size = little_endian(file.substr(8, begin - 8));
  if (size > kLongestHeader || begin + size > file.size())
    fail(path, fmt::format("a header of {} bytes is cut short", size));
  return {begin, begin + static_cast<std::size_t>(size)};
}

Layout read_layout(const std::filesystem::path& path, std::string_view file) {
  const auto [begin, end] = header_bounds(path, file);
  const std::string header(file.substr(begin, end - begin));
  static const std::regex kType(R"('descr': *'([<|])([iu])([1248])')");
  static const std::regex kShape(R"('shape': *\((\d{1,18}),? *\))");
  std::smatch type;
  std::smatch shape;
  if (!std::regex_search(header, type, kType) || !std::regex_search(header, shape, kShape)) {
    fail(path, fmt::format("does not hold one dimension of little-endian integers: {}", header));
  }
  return {type[2].str()[0], static_cast<std::size_t>(std::stoul(type[3])), std::stoull(shape[1]), end};
}

TokenId read_id(const std::filesystem::path& path, const Layout& layout, std::string_view bytes, std::uint64_t index) {
  const std::uint64_t value = little_endian(bytes);
  // A negative number has its highest bit set, and is too large too.
  const bool negative = layout.sign == 'i' && (value >> (8 * layout.item_bytes - 1)) != 0;
  if (negative || value > static_cast<std::uint64_t>(std::numeric_limits<TokenId>::max())) {
    fail(path, fmt::format("number {} is no token id: 0x{:x}", index, value));
  }
  return static_cast<TokenId>(value);
}

static_assert(std::endian::native == std::endian::little, "ids are written as they lie in memory");

/// Of the same length for any number of ids.
std::string header_of(std::uint64_t count) {
  std::string header = fmt::format("{{'descr': '<u4', 'fortran_order': False, 'shape': ({},), }}", count);
  const std::size_t unpadded = kMagic.size() + 4 + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';
  std::string file(kMagic);
  file += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF), static_cast<char>(header.size() >> 8)};
  return file + header;
}

}  // namespace

void write_token_file(const std::filesystem::path& path, std::span<const TokenId> ids) {
  TokenFileWriter writer(path);
  writer.append(ids);
  writer.finish();
}

TokenFileWriter::TokenFileWriter(const std::filesystem::path& path) : file_(path) {
  file_.write(header_of(0));  // holds the place
}

void TokenFileWriter::append(std::span<const TokenId> ids) {
  file_.write({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()});
  count_ += ids.size();
}

std::uint64_t TokenFileWriter::finish() {
  file_.rewind();
  file_.write(header_of(count_));
  file_.commit();
  return count_;
}

std::uint64_t encode_text_file(const Tokenizer& tokenizer, const std::filesystem::path& text,
                               const EncodeOptions& options, const std::filesystem::path& out) {
  TokenFileWriter writer(out);
  const IdSink sink = [&](std::span<const TokenId> ids) { writer.append(ids); };
  if (std::filesystem::is_regular_file(text)) {
    const MappedFile file(text);  // threads read it where they need it
    tokenizer.encode({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, options, sink);
  } else {
    tokenizer.encode(read_file(text), options, sink);
  }
  return writer.finish();
}

std::vector<TokenId> read_token_file(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  const Layout layout = read_layout(path, file);
  const std::uint64_t num_bytes = file.size() - layout.data_begin;
  if (layout.count > num_bytes || layout.count * layout.item_bytes != num_bytes) {
    fail(path, fmt::format("{} numbers of {} bytes were promised, {} bytes are there", layout.count, layout.item_bytes,
                           num_bytes));
  }
  std::vector<TokenId> ids;
  ids.reserve(static_cast<std::size_t>(layout.count));
  const std::string_view data = std::string_view(file).substr(layout.data_begin);
  for (std::uint64_t k = 0; k < layout.count; ++k) {
    ids.push_back(
        read_id(path, layout, data.substr(static_cast<std::size_t>(k) * layout.item_bytes, layout.item_bytes), k));
  }
  return ids;
}

}  // namespace reprise::data
