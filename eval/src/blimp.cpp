#include "reprise/eval/blimp.h"

#include <fmt/core.h>
#include <simdjson.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>

#include "reprise/core/byte_order_mark.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::eval {
namespace {

constexpr const char* kDataHint =
    "give the folder of BLiMP's *.jsonl or *.jsonl.zst files with --data DIR, or set REPRISE_EVAL_DATA";

std::string decompress(const std::string& bytes, const std::filesystem::path& path) {
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
  REPRISE_CHECK(stream != nullptr);
  std::string text;
  std::array<char, 1 << 16> buffer;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::size_t left = 1;
  bool full = false;
  while (in.pos < in.size || full) {
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    left = ZSTD_decompressStream(stream.get(), &out, &in);
    REPRISE_REQUIRE(!ZSTD_isError(left), ErrorKind::kData,
                    fmt::format("{} is not a zstd file: {} at byte {}", path.string(), ZSTD_getErrorName(left), in.pos),
                    "fetch the file again");
    text.append(buffer.data(), out.pos);
    full = out.pos == out.size;
  }
  REPRISE_REQUIRE(left == 0, ErrorKind::kData, fmt::format("{} ends inside a zstd frame", path.string()),
                  "fetch the file again");
  return text;
}

bool is_compressed(const std::filesystem::path& path) { return path.extension() == ".zst"; }

/// The name without .jsonl and .zst.
std::string stem_of(const std::filesystem::path& path) {
  const std::filesystem::path name = is_compressed(path) ? path.stem() : path.filename();
  return name.extension() == ".jsonl" ? name.stem().string() : std::string();
}

/// A subtask that was passed over would be missing in the mean.
void refuse_other_packing(const std::filesystem::path& path) {
  static constexpr std::string_view kOther[] = {".gz", ".bz2", ".xz", ".zip"};
  const bool packed = path.stem().extension() == ".jsonl" &&
                      std::find(std::begin(kOther), std::end(kOther), path.extension()) != std::end(kOther);
  REPRISE_REQUIRE(!packed, ErrorKind::kData, fmt::format("a file of BLiMP is not read: {}", path.string()),
                  "unpack it, or pack it with zstd: *.jsonl and *.jsonl.zst are read");
}

MinimalPair parse_pair(simdjson::dom::parser& parser, std::string_view line, const std::filesystem::path& path,
                       std::size_t number) {
  const auto fail = [&](std::string_view what) {
    throw Error(ErrorKind::kData, fmt::format("a line of BLiMP cannot be read: {}:{}: {}", path.string(), number, what),
                "each line is an object with sentence_good and sentence_bad");
  };
  simdjson::dom::element element;
  if (const auto code = parser.parse(line.data(), line.size()).get(element)) fail(simdjson::error_message(code));
  const auto text = [&](const char* field) {
    std::string_view value;
    if (element[field].get(value) != simdjson::SUCCESS) fail(fmt::format("{} is missing or no text", field));
    return std::string(value);
  };
  MinimalPair pair{stem_of(path), text("sentence_good"), text("sentence_bad")};
  std::string_view uid;
  if (element["UID"].get(uid) == simdjson::SUCCESS) {
    pair.phenomenon = std::string(uid);
  } else if (!simdjson::validate_utf8(pair.phenomenon)) {
    fail("UID is missing, and the file's name, which stands for it, is not UTF-8: rename the file");
  }
  return pair;
}

void read_pairs(const std::filesystem::path& path, std::vector<MinimalPair>& pairs) {
  std::string content = read_file(path);
  if (is_compressed(path)) content = decompress(content, path);
  const std::string_view text = without_byte_order_mark(content);
  simdjson::dom::parser parser;
  std::size_t number = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    ++number;
    if (line.find_first_not_of(" \t\r") != std::string_view::npos)
      pairs.push_back(parse_pair(parser, line, path, number));
    start = end + 1;
  }
}

/// A file that was unpacked beside its archive would count twice.
void require_one_of_each(const std::vector<std::filesystem::path>& files) {
  std::map<std::string, std::filesystem::path> by_stem;
  for (const std::filesystem::path& file : files) {
    const auto [found, is_new] = by_stem.emplace(stem_of(file), file);
    REPRISE_REQUIRE(
        is_new, ErrorKind::kData,
        fmt::format("BLiMP's folder holds {} twice: {} and {}", found->first, found->second.string(), file.string()),
        "remove one of the two");
  }
}

}  // namespace

std::vector<MinimalPair> read_blimp(const std::filesystem::path& folder) {
  REPRISE_REQUIRE(std::filesystem::is_directory(folder), ErrorKind::kUsage,
                  fmt::format("BLiMP's folder does not exist: {}", folder.string()), kDataHint);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    refuse_other_packing(entry.path());
    if (entry.is_regular_file() && !stem_of(entry.path()).empty()) files.push_back(entry.path());
  }
  REPRISE_REQUIRE(!files.empty(), ErrorKind::kUsage,
                  fmt::format("BLiMP's folder holds no *.jsonl or *.jsonl.zst file: {}", folder.string()), kDataHint);
  std::sort(files.begin(), files.end());
  require_one_of_each(files);
  std::vector<MinimalPair> pairs;
  for (const std::filesystem::path& file : files) read_pairs(file, pairs);
  REPRISE_REQUIRE(!pairs.empty(), ErrorKind::kData, fmt::format("BLiMP's files hold no pair: {}", folder.string()),
                  kDataHint);
  return pairs;
}

std::filesystem::path blimp_folder(const std::optional<std::filesystem::path>& given) {
  if (given) return *given;
  const char* const variable = std::getenv("REPRISE_EVAL_DATA");
  REPRISE_REQUIRE(variable != nullptr && *variable != '\0', ErrorKind::kUsage, "BLiMP's folder is not given",
                  kDataHint);
  return variable;
}

}  // namespace reprise::eval
