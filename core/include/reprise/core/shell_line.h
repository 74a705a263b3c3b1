#pragma once
// Commands as text, for messages that name one.

#include <string>
#include <vector>

namespace reprise {

/// The words of a command as a line that can be pasted into a shell.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace reprise
