#pragma once
// Which language each text is in, as stored data (docs/formats/language_labels.md): labels are computed once and read
// after that, so that no verdict depends on the detector that happens to be installed.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "reprise/core/hash.h"

namespace reprise::data {

/// What computed the labels.
struct DetectorIdentity {
  std::string name;          // "cld2", "fasttext"
  std::string version;       // of its interface, as the program was built with it
  std::string model_sha256;  // of the file that holds its tables

  bool operator==(const DetectorIdentity&) const = default;
};

struct LanguageLabel {
  std::string language;       // as the detector names it, such as "en"; "un" when it is not sure of any
  std::uint32_t percent = 0;  // of the text (cld2), or how probable the language is (fasttext)

  bool operator==(const LanguageLabel&) const = default;
};

/// Labels by SHA-256 of the text. Not thread-safe while labels are added.
class LanguageLabels {
 public:
  explicit LanguageLabels(DetectorIdentity detector) : detector_(std::move(detector)) {}

  /// Reads a file of labels. Throws kIo, and kCorrupt (file, line, what) where it is not as it was written.
  static LanguageLabels read(const std::filesystem::path& path);
  /// Writes the labels atomically, in the order of the hashes. Throws kIo.
  void write(const std::filesystem::path& path) const;

  const DetectorIdentity& detector() const { return detector_; }
  std::size_t size() const { return labels_.size(); }
  /// Returns nullptr for a text that has no label.
  const LanguageLabel* find(std::string_view text) const;
  void add(std::string_view text, LanguageLabel label) { labels_[sha256(text)] = std::move(label); }

  /// Covers the detector and every label.
  Digest digest() const;

 private:
  DetectorIdentity detector_;
  std::map<Digest, LanguageLabel> labels_;
};

/// Thread-safe.
class LanguageDetector {
 public:
  virtual ~LanguageDetector() = default;
  virtual DetectorIdentity identity() const = 0;
  /// Labels well-formed UTF-8.
  virtual LanguageLabel detect(std::string_view text) const = 0;
};

/// Compact Language Detector 2. Throws kDevice where the program was built without it.
std::unique_ptr<LanguageDetector> make_cld2_detector();

/// fastText with a supervised model, such as lid.176.bin: the most probable label, without "__label__", and its
/// probability in whole percents, rounded down. Throws kData for a file that is no such model, kIo, and kDevice where
/// the program was built without it.
std::unique_ptr<LanguageDetector> make_fasttext_detector(const std::filesystem::path& model);

}  // namespace reprise::data
