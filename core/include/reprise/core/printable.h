#pragma once

#include <string>
#include <string_view>

namespace reprise {

/// Text from other people's files as a terminal may have it: control characters, which could move its cursor or name
/// its window, are written as in JSON ("\u001b"), but for those in `kept`.
std::string printable(std::string_view text, std::string_view kept = {});

}  // namespace reprise
