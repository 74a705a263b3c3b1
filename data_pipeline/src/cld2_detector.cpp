// Compact Language Detector 2, with the tables of its shared library (about 80 languages).

// clang-format off
#include <cstdio>  // CLD2's header uses FILE without including it
#include <cld2/public/compact_lang_det.h>
// clang-format on
#include <dlfcn.h>

#include <algorithm>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/data_pipeline/language_labels.h"

namespace reprise::data {
namespace {

/// CLD2 counts bytes in an int; what stands behind this many is not looked at.
constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

class Cld2Detector : public LanguageDetector {
 public:
  Cld2Detector() {
    // The tables are part of the shared library, so its file stands for the model.
    Dl_info info{};
    const auto* entry = reinterpret_cast<const void*>(&CLD2::LanguageCode);
    REPRISE_REQUIRE(dladdr(entry, &info) != 0 && info.dli_fname != nullptr, ErrorKind::kDevice,
                    "the library of CLD2 cannot be found in this process", "link the shared libcld2");
    const std::filesystem::path library = std::filesystem::canonical(info.dli_fname);
    identity_ = {"cld2", CLD2::DetectLanguageVersion(), sha256(read_file(library)).hex()};
  }

  DetectorIdentity identity() const override { return identity_; }

  LanguageLabel detect(std::string_view text) const override {
    std::size_t size = std::min(text.size(), kMaxBytes);
    while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
    CLD2::Language languages[3];
    int percents[3];
    double scores[3];
    int text_bytes = 0;
    int valid_bytes = 0;
    bool is_reliable = false;
    CLD2::ExtDetectLanguageSummaryCheckUTF8(text.data(), static_cast<int>(size), true, nullptr, 0, languages, percents,
                                            scores, nullptr, &text_bytes, &is_reliable, &valid_bytes);
    if (languages[0] == CLD2::UNKNOWN_LANGUAGE || !is_reliable) return {"un", 0};
    return {CLD2::LanguageCode(languages[0]), static_cast<std::uint32_t>(percents[0])};
  }

 private:
  DetectorIdentity identity_;
};

}  // namespace

std::unique_ptr<LanguageDetector> make_cld2_detector() { return std::make_unique<Cld2Detector>(); }

}  // namespace reprise::data
