#pragma once
// Exports of a run's logs for other tools.

#include <filesystem>
#include <ostream>
#include <string_view>

namespace reprise::logs {

enum class ExportFormat { kJsonLines, kCsv };

/// Writes one line per step record of run.log (CSV has a header line). Numbers as shortest round-trip decimals and, for
/// JSON lines, their bits in hexadecimal beside them (loss_bits, ...).
void export_steps(const std::filesystem::path& run_folder, ExportFormat format, std::ostream& out);

/// Writes a TensorBoard event file (events.out.tfevents.*) with the scalars of every step into `folder`; returns its path.
std::filesystem::path export_tensorboard(const std::filesystem::path& run_folder, const std::filesystem::path& folder);

}  // namespace reprise::logs
