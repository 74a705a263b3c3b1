#pragma once

#include "commands.h"
#include "reprise/train/trainer.h"

namespace reprise::app {

/// This program and how it was called, for session.log.
train::Program program_of(const Context& context);

}  // namespace reprise::app
