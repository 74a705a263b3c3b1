#pragma once
// Exports of a run's logs for other tools.

#include <filesystem>
#include <ostream>
#include <string_view>
#include <vector>

#include "reprise/logs/session_log.h"

namespace reprise::logs {

enum class ExportFormat { kJsonLines, kCsv };

/// Writes one line per step record of run.log (CSV has a header line). Numbers as shortest round-trip decimals and, for
/// JSON lines, their bits in hexadecimal beside them (loss_bits, ...). The perplexity, which follows from the loss, has 9 digits.
void export_steps(const std::filesystem::path& run_folder, ExportFormat format, std::ostream& out);

/// Writes a TensorBoard event file (events.out.tfevents.*) with the scalars of every step into `folder`; returns its path.
std::filesystem::path export_tensorboard(const std::filesystem::path& run_folder, const std::filesystem::path& folder);

/// Writes the events of a session.log: JSON lines hold all of them, CSV the step events with a column for each figure.
void export_session(const std::vector<SessionEvent>& events, ExportFormat format, std::ostream& out);

/// Writes the figures of the step events as a TensorBoard event file into `folder`, with the time of each; returns its
/// path.
std::filesystem::path export_session_tensorboard(const std::vector<SessionEvent>& events,
                                                 const std::filesystem::path& folder);

}  // namespace reprise::logs
