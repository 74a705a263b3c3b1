#include "reprise/logs/export.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "reprise/logs/run_log.h"

namespace reprise::logs {
namespace {

/// The shortest decimal that reads back as the same bits. JSON has no word for NaN and infinities.
template <typename Real>
std::string number(Real value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

std::string bits(double value) { return fmt::format("{:016x}", std::bit_cast<std::uint64_t>(value)); }
std::string bits(float value) { return fmt::format("{:08x}", std::bit_cast<std::uint32_t>(value)); }

/// Follows from the loss, so it is rounded to what every C library agrees on and has no bits beside it.
std::string perplexity(const StepRecord& r) { return fmt::format("{:.9g}", std::exp(r.loss)); }

template <typename Real>
std::string pair(std::string_view name, Real value) {
  return fmt::format("\"{}\":{},\"{}_bits\":\"{}\",", name, number(value), name, bits(value));
}

std::string list(std::string_view name, const std::vector<double>& values) {
  std::string numbers;
  std::string hexadecimals;
  for (const double value : values) {
    const std::string_view comma = numbers.empty() ? "" : ",";
    numbers += fmt::format("{}{}", comma, number(value));
    hexadecimals += fmt::format("{}\"{}\"", comma, bits(value));
  }
  return fmt::format("\"{}\":[{}],\"{}_bits\":[{}],", name, numbers, name, hexadecimals);
}

/// A step and what was measured behind it.
struct Row {
  const StepRecord* step = nullptr;
  const EvaluationRecord* evaluation = nullptr;
};

std::vector<Row> rows_of(const RunLog& log) {
  std::vector<Row> rows;
  for (const RunRecord& record : log.records) {
    if (record.step) rows.push_back({&*record.step, nullptr});
    if (record.evaluation) rows.back().evaluation = &*record.evaluation;
  }
  return rows;
}

std::string to_json(const SkippedUpdate& skipped) {
  std::string fields;
  if (skipped.loss_limit) fields += pair("loss_limit", *skipped.loss_limit);
  if (skipped.gradient_norm_limit) fields += pair("gradient_norm_limit", *skipped.gradient_norm_limit);
  if (!fields.empty()) fields.pop_back();  // the comma behind the last; a log of another writer may name no limit
  return fmt::format("\"skipped\":{{{}}},", fields);
}

std::string to_json(const EvaluationRecord& r) {
  return fmt::format(
      "\"evaluation\":{{\"num_sequences\":{},\"num_targets\":{},\"num_bytes\":{},{}{}\"batch_hash\":\"{}\"}},",
      r.num_sequences, r.num_targets, r.num_bytes, pair("loss", r.loss), pair("bits_per_byte", r.bits_per_byte),
      r.batch_hash.hex());
}

std::string json_line(const Row& row) {
  const StepRecord& r = *row.step;
  std::string line = fmt::format(
      "{{\"step\":{},\"first_sample\":{},\"num_samples\":{},\"num_targets\":{},\"tokens_seen\":{},\"batch_hash\":\"{}"
      "\",",
      r.step, r.first_sample, r.num_samples, r.num_targets, r.tokens_seen, r.batch_hash.hex());
  line += pair("loss", r.loss) + "\"perplexity\":" + (std::isfinite(std::exp(r.loss)) ? perplexity(r) : "null") + "," +
          pair("z_loss", r.z_loss) + list("grain_losses", r.grain_losses) + list("grain_z_losses", r.grain_z_losses) +
          pair("gradient_norm", r.gradient_norm) + pair("clip_factor", r.clip_factor) +
          pair("learning_rate", r.learning_rate);
  if (r.skipped) line += to_json(*r.skipped);
  if (row.evaluation != nullptr) line += to_json(*row.evaluation);
  return line + fmt::format("\"state\":\"{}\"}}\n", r.state.hex());
}

constexpr std::string_view kCsvHeader =
    "step,first_sample,num_samples,num_targets,tokens_seen,loss,perplexity,z_loss,gradient_norm,clip_factor,"
    "learning_rate,batch_hash,state,skipped,evaluation_loss,evaluation_bits_per_byte\n";

std::string csv_line(const Row& row) {
  const StepRecord& r = *row.step;
  const EvaluationRecord* e = row.evaluation;
  const std::string measured = e == nullptr ? "," : fmt::format("{},{}", e->loss, e->bits_per_byte);
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", r.step, r.first_sample, r.num_samples,
                     r.num_targets, r.tokens_seen, r.loss, perplexity(r), r.z_loss, r.gradient_norm, r.clip_factor,
                     r.learning_rate, r.batch_hash.hex(), r.state.hex(), r.skipped ? 1 : 0, measured);
}

}  // namespace

void export_steps(const std::filesystem::path& run_folder, ExportFormat format, std::ostream& out) {
  const RunLog log = read_run_log(run_folder / "run.log");
  if (format == ExportFormat::kCsv) out << kCsvHeader;
  for (const Row& row : rows_of(log)) out << (format == ExportFormat::kCsv ? csv_line(row) : json_line(row));
  out.flush();
  REPRISE_REQUIRE(out.good(), ErrorKind::kIo, "cannot write the export",
                  "check that the disk has room and that the reader of a pipe still runs");
}

}  // namespace reprise::logs
