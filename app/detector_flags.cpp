#include "detector_flags.h"

#include "reprise/core/error.h"

namespace reprise::app {

void add_detector_options(CLI::App& verb, DetectorFlags& flags) {
  verb.add_option("--detector", flags.detector, "What computes the labels")
      ->check(CLI::IsMember({"cld2", "fasttext"}))
      ->capture_default_str();
  verb.add_option("--model", flags.model, "Model of --detector fasttext, such as lid.176.bin");
}

std::unique_ptr<data::LanguageDetector> make_detector(const DetectorFlags& flags) {
  if (flags.detector == "cld2") {
    REPRISE_REQUIRE(flags.model.empty(), ErrorKind::kUsage, "CLD2 takes no --model", "add --detector fasttext");
    return data::make_cld2_detector();
  }
  REPRISE_REQUIRE(!flags.model.empty(), ErrorKind::kUsage, "--detector fasttext needs a model",
                  "add --model FILE, such as lid.176.bin");
  return data::make_fasttext_detector(flags.model);
}

}  // namespace reprise::app
