#pragma once
// Records of session.log from payload bytes.

#include <optional>
#include <string_view>

#include "reprise/logs/session_log.h"

namespace reprise::logs {

/// Returns nothing where the payload is no event.
std::optional<SessionEvent> decode_session_event(std::string_view payload);

}  // namespace reprise::logs
