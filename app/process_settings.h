#pragma once
// Settings of the whole process that change speed or messages, never bits.

namespace reprise::app {

/// Keeps freed memory inside the process (activations are freed and taken again at every step; giving them back to
/// the kernel costs page faults), ignores SIGPIPE and SIGXFSZ, holds the C locale, and keeps the numbers of standard
/// files that are closed from other files.
void settle_process();

}  // namespace reprise::app
