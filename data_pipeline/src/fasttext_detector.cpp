// fastText with a model of the user's, such as lid.176.bin.

#include <fasttext/fasttext.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <sstream>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/language_labels.h"

namespace reprise::data {
namespace {

constexpr std::uint32_t kMagic = 793712314;  // begins every model file
constexpr std::string_view kLabelPrefix = "__label__";

[[noreturn]] void fail(const std::filesystem::path& model, const std::string& what) {
  throw Error(ErrorKind::kData, fmt::format("not a fastText model: {}: {}", model.string(), what),
              "give a supervised model for languages, such as lid.176.bin");
}

std::uint32_t number_at(std::string_view file, std::size_t position) {
  std::uint32_t value = 0;
  for (std::size_t k = 4; k > 0; --k) value = value << 8 | static_cast<std::uint8_t>(file[position + k - 1]);
  return value;
}

class FastTextDetector : public LanguageDetector {
 public:
  explicit FastTextDetector(const std::filesystem::path& model) {
    const std::string file = read_file(model);
    if (file.size() < 8) fail(model, fmt::format("{} bytes", file.size()));
    if (number_at(file, 0) != kMagic) fail(model, fmt::format("begins with 0x{:08x}", number_at(file, 0)));
    identity_ = {"fasttext", fmt::format("model format {}", number_at(file, 4)), sha256(std::string_view(file)).hex()};
    try {
      fast_text_.loadModel(model.string());
    } catch (const std::exception& error) {
      fail(model, error.what());
    }
    if (fast_text_.getArgs().model != fasttext::model_name::sup) fail(model, "a model of words, not of labels");
  }

  DetectorIdentity identity() const override { return identity_; }

  LanguageLabel detect(std::string_view text) const override {
    // The model was trained on lines, and a line feed is the end of one; fastText's Python module adds it.
    std::string line(text);
    std::replace(line.begin(), line.end(), '\n', ' ');
    std::istringstream stream(line + '\n');
    std::vector<std::pair<fasttext::real, std::string>> predictions;
    fast_text_.predictLine(stream, predictions, 1, 0.0);
    if (text.empty() || predictions.empty()) return {"un", 0};
    const auto& [probability, label] = predictions.front();
    // Down to a whole percent, so that a threshold of whole percents decides as on the probability itself. Sums of
    // binary32 numbers may be a little above 1.
    const double percent = std::clamp(std::floor(100 * static_cast<double>(probability)), 0.0, 100.0);
    const bool has_prefix = label.starts_with(kLabelPrefix);
    return {has_prefix ? label.substr(kLabelPrefix.size()) : label, static_cast<std::uint32_t>(percent)};
  }

 private:
  fasttext::FastText fast_text_;
  DetectorIdentity identity_;
};

}  // namespace

std::unique_ptr<LanguageDetector> make_fasttext_detector(const std::filesystem::path& model) {
  return std::make_unique<FastTextDetector>(model);
}

}  // namespace reprise::data
