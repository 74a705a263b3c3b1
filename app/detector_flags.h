#pragma once
// The options --detector and --model of verbs that label languages.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "reprise/data_pipeline/language_labels.h"

namespace reprise::app {

struct DetectorFlags {
  std::string detector = "cld2";
  std::string model;
};

void add_detector_options(CLI::App& verb, DetectorFlags& flags);

/// Throws kUsage where detector and model do not belong together, kDevice where the program was built without it.
std::unique_ptr<data::LanguageDetector> make_detector(const DetectorFlags& flags);

}  // namespace reprise::app
