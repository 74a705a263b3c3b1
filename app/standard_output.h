#pragma once
// Standard output, which the results of a verb go to.

namespace reprise::app {

/// Writes out what was printed. When not all of it was taken, now or before, throws kIo, or the std::system_error of
/// EPIPE where nobody reads any more.
void flush_standard_output();

}  // namespace reprise::app
