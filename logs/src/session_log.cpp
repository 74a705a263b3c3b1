#include "reprise/logs/session_log.h"

#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "append_file.h"
#include "framing.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "reprise/core/print_note.h"
#include "reprise/logs/session_log.pb.h"
#include "session_log_records.h"

namespace reprise::logs {
namespace {

using Kind = SessionEvent::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 8> kKindNames = {{{Kind::kStart, "start"},
                                                                          {Kind::kResume, "resume"},
                                                                          {Kind::kRank, "rank"},
                                                                          {Kind::kStep, "step"},
                                                                          {Kind::kCheckpoint, "checkpoint"},
                                                                          {Kind::kSignal, "signal"},
                                                                          {Kind::kEnd, "end"},
                                                                          {Kind::kNote, "note"}}};

std::string encode(const SessionEvent& event) {
  wire::SessionEvent out;
  out.set_kind(std::string(to_string(event.kind)));
  out.set_unix_seconds(event.unix_seconds);
  out.set_step(event.step);
  out.set_message(event.message);
  for (const auto& [name, value] : event.facts) {
    wire::Fact& fact = *out.add_fact();
    fact.set_name(name);
    fact.set_value(value);
  }
  for (const auto& [name, value] : event.figures) {
    wire::Figure& figure = *out.add_figure();
    figure.set_name(name);
    figure.set_value(value);
  }
  return out.SerializeAsString();
}

struct Content {
  std::vector<SessionEvent> events;  // before the damage, if there is any
  std::uint64_t intact_bytes = 0;
  std::optional<Error> damage;
};

Content read(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  FrameReader frames(bytes, path.string());
  Content content;
  try {
    while (const std::optional<Frame> found = frames.next()) {
      std::optional<SessionEvent> event = decode_session_event(found->payload);
      if (!event) {
        throw Error(ErrorKind::kCorrupt, fmt::format("damaged log record: {}: offset {}: it is no protobuf record",
                                                     path.string(), found->offset));
      }
      content.events.push_back(std::move(*event));
      content.intact_bytes = frames.offset();
    }
  } catch (const Error& error) {
    content.damage.emplace(
        error.kind(), error.what(),
        "no root depends on session.log; `reprise train --resume RUN` goes on behind its intact part");
  }
  return content;
}

/// Copies a damaged log to session.log.damaged, or, where that is taken, session.log.damaged-2 and so on.
void keep_damaged(const std::filesystem::path& path, const Error& damage) {
  std::filesystem::path kept = path.string() + ".damaged";
  for (int i = 2; std::filesystem::exists(kept); ++i) kept = fmt::format("{}.damaged-{}", path.string(), i);
  write_file_atomically(kept, read_file(path));
  print_note("warning: {}; kept as {}, and cut there\n", damage.what(), kept.string());
}

double unix_now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

std::optional<SessionEvent> decode_session_event(std::string_view payload) {
  wire::SessionEvent in;
  if (!in.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return std::nullopt;
  SessionEvent event;
  for (const auto& [kind, name] : kKindNames) {
    if (name == in.kind()) event.kind = kind;  // a kind of a later version reads as a note
  }
  event.unix_seconds = in.unix_seconds();
  event.step = in.step();
  event.message = in.message();
  for (const wire::Fact& fact : in.fact()) event.facts[fact.name()] = fact.value();
  for (const wire::Figure& figure : in.figure()) event.figures[figure.name()] = figure.value();
  return event;
}

struct SessionLogWriter::State {
  AppendFile file;
};

SessionLogWriter::SessionLogWriter(const std::filesystem::path& path) {
  require_no_link(path);
  Content content;
  if (std::filesystem::exists(path)) content = read(path);
  if (content.damage) keep_damaged(path, *content.damage);
  state_ = std::make_unique<State>(State{AppendFile::open(path, content.intact_bytes, true)});
}

SessionLogWriter::~SessionLogWriter() = default;
SessionLogWriter::SessionLogWriter(SessionLogWriter&&) noexcept = default;

void SessionLogWriter::append(const SessionEvent& event) {
  SessionEvent stamped = event;
  if (stamped.unix_seconds == 0) stamped.unix_seconds = unix_now();
  state_->file.append(frame(encode(stamped)));
}

std::vector<SessionEvent> read_session_log(const std::filesystem::path& path) {
  Content content = read(path);
  if (content.damage) throw *content.damage;
  return std::move(content.events);
}

std::vector<SessionEvent> read_intact_events(const std::filesystem::path& path) { return read(path).events; }

std::string_view to_string(SessionEvent::Kind kind) {
  for (const auto& [known, name] : kKindNames) {
    if (known == kind) return name;
  }
  return "note";
}

}  // namespace reprise::logs
