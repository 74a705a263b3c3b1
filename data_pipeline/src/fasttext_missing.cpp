#include "reprise/core/error.h"
#include "reprise/data_pipeline/language_labels.h"

namespace reprise::data {

std::unique_ptr<LanguageDetector> make_fasttext_detector(const std::filesystem::path&) {
  throw Error(ErrorKind::kDevice, "this program was built without fastText, which identifies languages",
              "apt-get install libfasttext-dev, then configure and build again; stored labels can be read without it");
}

}  // namespace reprise::data
