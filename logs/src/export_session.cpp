// Exports of session.log: how fast, for other tools.

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/logs/export.h"
#include "reprise/logs/session_log.h"
#include "reprise/logs/tensorboard_event.pb.h"
#include "tensorboard.h"

namespace reprise::logs {
namespace {

constexpr std::string_view kFileName = "events.out.tfevents.0000000000.session";

std::string number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

/// Text as a JSON string. Bytes that are no UTF-8, as in a command line, pass as they are.
std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string json_line(const SessionEvent& event) {
  std::string facts, figures;
  for (const auto& [name, value] : event.facts) {
    facts += fmt::format("{}{}:{}", facts.empty() ? "" : ",", json_text(name), json_text(value));
  }
  for (const auto& [name, value] : event.figures) {
    figures += fmt::format("{}{}:{}", figures.empty() ? "" : ",", json_text(name), number(value));
  }
  return fmt::format(
      "{{\"kind\":{},\"unix_seconds\":{},\"step\":{},\"message\":{},\"facts\":{{{}}},\"figures\":{{{}}}}}\n",
      json_text(to_string(event.kind)), number(event.unix_seconds), event.step, json_text(event.message), facts,
      figures);
}

/// The step events alone: one column for each figure that any of them has.
void write_csv(const std::vector<SessionEvent>& events, std::ostream& out) {
  std::set<std::string> names;
  for (const SessionEvent& event : events) {
    if (event.kind != SessionEvent::Kind::kStep) continue;
    for (const auto& [name, value] : event.figures) names.insert(name);
  }
  out << "step,unix_seconds";
  for (const std::string& name : names) out << ',' << name;
  out << '\n';
  for (const SessionEvent& event : events) {
    if (event.kind != SessionEvent::Kind::kStep) continue;
    out << fmt::format("{},{}", event.step, event.unix_seconds);
    for (const std::string& name : names) {
      const auto found = event.figures.find(name);
      out << ',' << (found == event.figures.end() ? "" : fmt::format("{}", found->second));
    }
    out << '\n';
  }
}

std::string tensorboard_event_of(const SessionEvent& event) {
  tensorboard::Event out;
  out.set_wall_time(event.unix_seconds);
  out.set_step(static_cast<std::int64_t>(event.step));
  for (const auto& [name, value] : event.figures) {
    tensorboard::Summary::Value& entry = *out.mutable_summary()->add_value();
    entry.set_tag("session/" + name);
    entry.set_simple_value(static_cast<float>(value));
  }
  return out.SerializeAsString();
}

}  // namespace

void export_session(const std::vector<SessionEvent>& events, ExportFormat format, std::ostream& out) {
  if (format == ExportFormat::kCsv) {
    write_csv(events, out);
  } else {
    for (const SessionEvent& event : events) out << json_line(event);
  }
  out.flush();
  REPRISE_REQUIRE(out.good(), ErrorKind::kIo, "cannot write the export",
                  "check that the disk has room and that the reader of a pipe still runs");
}

std::filesystem::path export_session_tensorboard(const std::vector<SessionEvent>& events,
                                                 const std::filesystem::path& folder) {
  std::string bytes = first_event_record();
  for (const SessionEvent& event : events) {
    if (event.kind == SessionEvent::Kind::kStep) bytes += tf_record(tensorboard_event_of(event));
  }
  make_folders(folder);
  const std::filesystem::path path = folder / kFileName;
  write_file_atomically(path, bytes);
  return path;
}

}  // namespace reprise::logs
