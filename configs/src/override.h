#pragma once
// Overrides of single fields: --set train.num_steps=10

#include <string>

#include "text_parser.h"

namespace reprise::configs {

/// Applies "path=value" to `config`; mistakes go to `notes`.
void apply_override(const std::string& override_text, RunConfig& config, ParseNotes& notes);

}  // namespace reprise::configs
