#include "extractors.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "assembly_text.h"
#include "byte_source.h"
#include "example_sentences.h"
#include "manual_page_text.h"
#include "markup_text.h"
#include "message_catalogue.h"
#include "reprise/core/error.h"
#include "sword_module.h"

namespace reprise::data {
namespace {

constexpr std::size_t kMinCode = 200, kMaxCode = 100000, kMaxCodeLine = 999;  // characters
constexpr std::size_t kMinFortune = 31, kMinDemo = 61;

using Texts = std::vector<std::string>;

std::string gunzip(const PackageMember& member) {
  std::string content;
  const auto source = decompressed(memory_source(member.bytes), Compression::kGzip, member.path, ErrorKind::kData);
  while (source->read(content)) {
  }
  return content;
}

Texts html(const PackageMember& member) { return {html_text(decode_text(member.bytes))}; }
Texts xml(const PackageMember& member) { return {xml_text(decode_text(member.bytes))}; }
Texts tei(const PackageMember& member) { return {tei_text(decode_text(member.bytes))}; }
Texts plain(const PackageMember& member) { return {clean_lines(decode_text(member.bytes), 1)}; }
Texts wrapped(const PackageMember& member) { return {unwrap_paragraphs(decode_text(member.bytes))}; }
Texts wrapped_gzip(const PackageMember& member) { return {unwrap_paragraphs(decode_text(gunzip(member)))}; }
Texts catalogue(const PackageMember& member) { return {catalogue_text(decode_text(member.bytes))}; }

Texts manual_page(const PackageMember& member) {
  return {manual_page_text(decode_text(member.path.ends_with(".gz") ? gunzip(member) : member.bytes))};
}

Texts sentences(const PackageMember& member) { return example_sentences(decode_text(member.bytes), member.path); }

Texts demo(const PackageMember& member) {
  std::string text = decode_text(member.bytes);
  if (num_characters(text) < kMinDemo) return {};
  return {std::move(text)};
}

/// Source code as it stands; files that are no text, very short or long ones and those with very long lines go.
Texts code(const PackageMember& member) {
  if (!is_text(member.bytes)) return {};
  const std::size_t length = num_characters(member.bytes);
  if (length < kMinCode || length > kMaxCode) return {};
  for (const std::string_view line : lines_between_feeds(member.bytes)) {
    if (num_characters(line) > kMaxCodeLine) return {};
  }
  return {member.bytes};
}

/// Where the white space behind a separator's '%' must end for the line to hold nothing else: at the last line feed of
/// that space, or at the end of the text. npos when something else stands on the line.
std::size_t end_of_separator(std::string_view text, std::size_t percent) {
  const std::size_t end = skip_space(text, percent + 1);
  if (end == text.size()) return end;
  const std::size_t last = text.substr(0, end).rfind('\n');
  return last == std::string_view::npos || last < percent ? std::string_view::npos : last;
}

/// Sayings between lines of a single '%'.
Texts fortunes(const PackageMember& member) {
  const std::string content = decode_text(member.bytes);
  const std::string_view text = content;
  Texts out;
  const auto add = [&](std::string_view saying) {
    std::string cleaned = clean_lines(saying, 1);
    if (num_characters(cleaned) >= kMinFortune) out.push_back(std::move(cleaned));
  };
  std::size_t start = 0;
  for (std::size_t percent = text.find('%'); percent != std::string_view::npos;) {
    const bool begins_line = percent == 0 || text[percent - 1] == '\n';
    const std::size_t end = begins_line ? end_of_separator(text, percent) : std::string_view::npos;
    if (end != std::string_view::npos) {
      add(text.substr(start, percent - start));
      start = end;
    }
    percent = text.find('%', std::max(start, percent + 1));
  }
  add(text.substr(start));
  return out;
}

template <Texts (*kRead)(const PackageMember&)>
void extract_each(std::vector<PackageMember> members, const TakeText& take) {
  for (PackageMember& member : members) {
    Texts texts = kRead(member);
    member.bytes = std::string();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      take({i == 0 ? member.path : fmt::format("{}#{}", member.path, i), std::move(texts[i])});
    }
  }
}

constexpr std::array<Extractor, 15> kExtractors = {{
    {"code", "code", kMinCode, false, extract_each<code>},
    {"demo", "code", 60, false, extract_each<demo>},
    {"dictdz", "natural", 200, true, extract_each<wrapped_gzip>},
    {"fortune", "natural", 30, true, extract_each<fortunes>},
    {"gutenbergtxt", "natural", 200, true, extract_each<wrapped>},
    {"html", "natural", 200, true, extract_each<html>},
    {"man", "natural", 200, true, extract_each<manual_page>},
    {"po", "natural", 200, true, extract_each<catalogue>},
    {"spacy", "natural", 50, true, extract_each<sentences>},
    {"sword", "natural", 200, true, extract_sword},
    {"tei", "natural", 200, true, extract_each<tei>},
    {"txt", "natural", 200, true, extract_each<plain>},
    {"txtgz", "natural", 200, true, extract_each<wrapped_gzip>},
    {"wraptxt", "natural", 200, true, extract_each<wrapped>},
    {"xml", "natural", 200, true, extract_each<xml>},
}};

}  // namespace

const Extractor* find_extractor(std::string_view name) {
  const auto found = std::find_if(kExtractors.begin(), kExtractors.end(),
                                  [&](const Extractor& extractor) { return extractor.name == name; });
  return found == kExtractors.end() ? nullptr : &*found;
}

std::string extractor_names() {
  std::vector<std::string_view> names;
  for (const Extractor& extractor : kExtractors) names.push_back(extractor.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace reprise::data
