#include "reprise/core/error.h"
#include "reprise/data_pipeline/language_labels.h"

namespace reprise::data {

std::unique_ptr<LanguageDetector> make_cld2_detector() {
  throw Error(ErrorKind::kDevice, "this program was built without CLD2, which identifies languages",
              "apt-get install libcld2-dev, then configure and build again; stored labels can be read without it");
}

}  // namespace reprise::data
