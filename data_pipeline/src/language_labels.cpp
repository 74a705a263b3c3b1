#include "reprise/data_pipeline/language_labels.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/parse_json.h"

namespace reprise::data {
namespace {

using nlohmann::ordered_json;

constexpr const char* kFormat = "reprise.language_labels.v1";

[[noreturn]] void fail(const std::filesystem::path& path, std::size_t line, const std::string& what) {
  throw Error(ErrorKind::kCorrupt, fmt::format("not a file of language labels: {}:{}: {}", path.string(), line, what),
              "compute it again with --relabel");
}

/// Fields of one line. Missing or wrong ones throw nlohmann's errors.
ordered_json parse_line(std::string_view line) { return parse_json<ordered_json>(line); }

}  // namespace

const LanguageLabel* LanguageLabels::find(std::string_view text) const {
  const auto found = labels_.find(sha256(text));
  return found == labels_.end() ? nullptr : &found->second;
}

Digest LanguageLabels::digest() const {
  CanonicalHasher hasher(kFormat);
  hasher.string("detector", detector_.name).string("version", detector_.version);
  hasher.string("model_sha256", detector_.model_sha256).u64("labels", labels_.size());
  for (const auto& [text, label] : labels_) {
    hasher.digest("text", text).string("language", label.language).u64("percent", label.percent);
  }
  return hasher.finish();
}

void LanguageLabels::write(const std::filesystem::path& path) const {
  const ordered_json head = {{"format", kFormat},
                             {"detector", detector_.name},
                             {"version", detector_.version},
                             {"model_sha256", detector_.model_sha256},
                             {"labels", labels_.size()},
                             {"digest", digest().hex()}};
  std::string text = head.dump() + "\n";
  for (const auto& [hash, label] : labels_) {
    const ordered_json line = {{"text", hash.hex()}, {"language", label.language}, {"percent", label.percent}};
    text += line.dump() + "\n";
  }
  write_file_atomically(path, text);
}

LanguageLabels LanguageLabels::read(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  LanguageLabels labels{DetectorIdentity{}};
  std::string expected;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    ++number;
    try {
      const ordered_json line = parse_line(std::string_view(text).substr(begin, end - begin));
      if (number == 1) {
        if (line.at("format") != kFormat) fail(path, number, "unknown format");
        labels.detector_ = {line.at("detector"), line.at("version"), line.at("model_sha256")};
        expected = line.at("digest");
      } else {
        const Result<Digest> hash = Digest::from_hex(line.at("text").get<std::string>());
        if (!hash.has_value()) fail(path, number, "\"text\" is not a SHA-256");
        labels.labels_[hash.value()] = {line.at("language"), line.at("percent")};
      }
    } catch (const ordered_json::exception& error) {
      fail(path, number, error.what());
    }
    begin = end + 1;
  }
  if (number == 0) fail(path, 1, "the file is empty");
  if (labels.digest().hex() != expected) {
    fail(path, 1, fmt::format("digest is {}, the labels have {}", expected, labels.digest().hex()));
  }
  return labels;
}

}  // namespace reprise::data
