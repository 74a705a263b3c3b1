#include "reprise/data_pipeline/url_lists.h"

#include <fmt/core.h>

#include <algorithm>

#include "reprise/core/byte_order_mark.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/nearest_name.h"
#include "text_units.h"

namespace reprise::data {
namespace {

const std::vector<std::string> kKinds = {"domains", "strict", "hard", "soft"};

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0));
  return lower;
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (static_cast<unsigned char>(c) & 0x80) != 0;
}

/// Runs of letters and digits; everything outside of ASCII counts as letters.
std::vector<std::string_view> words_of(std::string_view lower_url) {
  std::vector<std::string_view> words;
  for (std::size_t begin = 0; begin < lower_url.size();) {
    std::size_t end = begin;
    while (end < lower_url.size() && is_alphanumeric(lower_url[end])) ++end;
    if (end > begin) words.push_back(lower_url.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::string without_marks(std::string_view text) {
  std::string result(text);
  std::erase_if(result, [](char c) { return c == '-' || c == '.'; });
  return result;
}

}  // namespace

UrlListKind url_list_kind(const std::string& name) {
  const auto found = std::find(kKinds.begin(), kKinds.end(), name);
  if (found != kKinds.end()) return static_cast<UrlListKind>(found - kKinds.begin());
  const std::string nearest = nearest_name(name, kKinds);
  throw Error(ErrorKind::kUsage, fmt::format("unknown kind of URL list: {}", name),
              nearest.empty() ? "one of: domains, strict, hard, soft" : fmt::format("did you mean \"{}\"?", nearest));
}

std::string host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const std::size_t user = url.rfind('@');
  if (user != std::string_view::npos) url.remove_prefix(user + 1);
  std::string host = lower_ascii(url.substr(0, url.find(':')));
  while (host.ends_with('.')) host.pop_back();
  return host.starts_with("www.") ? host.substr(4) : host;
}

void UrlLists::add(UrlListKind kind, const std::filesystem::path& path) {
  const std::string content = read_file(path);
  UrlListFile file{path.filename().string(), kind, sha256(content), 0};
  Entries& list = entries_[static_cast<std::size_t>(kind)];
  for (const std::string_view line : split_lines(without_byte_order_mark(content))) {
    const std::string_view entry = trim(line);
    if (entry.empty() || entry.starts_with('#')) continue;
    std::string normal = kind == UrlListKind::kDomains ? host_of(entry) : lower_ascii(entry);
    if (kind == UrlListKind::kStrictWords) normal = without_marks(normal);
    REPRISE_REQUIRE(!normal.empty(), ErrorKind::kData,
                    fmt::format("entry of a URL list is empty without its marks: {}: {}", path.string(), entry),
                    "write a domain or a word on each line");
    list.insert(std::move(normal));
    ++file.num_entries;
  }
  REPRISE_REQUIRE(file.num_entries > 0, ErrorKind::kData, fmt::format("URL list has no entry: {}", path.string()),
                  "write one domain or word a line");
  files_.push_back(std::move(file));
}

std::vector<Measure> UrlLists::measure(std::string_view url) const {
  std::vector<Measure> measures;
  const auto record = [&](UrlListKind kind, std::uint64_t value, double threshold) {
    const auto number = static_cast<double>(value);
    measures.push_back(
        {"url_" + kKinds[static_cast<std::size_t>(kind)], number, threshold, false, number <= threshold});
  };
  const std::string lower = lower_ascii(url);
  if (has(UrlListKind::kDomains)) {
    const std::string host = host_of(url);
    std::uint64_t listed = 0;
    for (std::size_t at = 0; at < host.size();) {
      listed += entries(UrlListKind::kDomains).contains(std::string_view(host).substr(at)) ? 1 : 0;
      at = std::min(host.find('.', at), host.size() - 1) + 1;
    }
    record(UrlListKind::kDomains, listed, 0);
  }
  if (has(UrlListKind::kStrictWords)) {
    const std::string squeezed = without_marks(lower);
    const Entries& words = entries(UrlListKind::kStrictWords);
    record(UrlListKind::kStrictWords,
           static_cast<std::uint64_t>(
               std::count_if(words.begin(), words.end(),
                             [&](const std::string& word) { return squeezed.find(word) != std::string::npos; })),
           0);
  }
  const std::vector<std::string_view> words = words_of(lower);
  for (const UrlListKind kind : {UrlListKind::kHardWords, UrlListKind::kSoftWords}) {
    if (!has(kind)) continue;
    const auto found =
        std::count_if(words.begin(), words.end(), [&](std::string_view word) { return entries(kind).contains(word); });
    record(kind, static_cast<std::uint64_t>(found), kind == UrlListKind::kSoftWords ? 1 : 0);
  }
  return measures;
}

}  // namespace reprise::data
