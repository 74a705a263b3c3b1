#include "restart.h"

#include <fmt/core.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <signal.h>

#include <algorithm>
#include <array>

#include "launch.h"
#include "reprise/core/error.h"
#include "reprise/core/print_note.h"
#include "reprise/core/stop.h"
#include "reprise/logs/session_log.h"

namespace reprise::app {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string value_text(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(reflection.GetUInt64(message, &field));
    default:
      return {};
  }
}

void append_overrides(const Message& message, const std::string& path, std::vector<std::string>& words) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_repeated()) continue;
    const std::string name = path + "." + field->name();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      append_overrides(message.GetReflection()->GetMessage(message, field), name, words);
    } else if (const std::string text = value_text(message, *field); !text.empty() && name != "runtime.num_ranks") {
      words.insert(words.end(), {"--set", name + "=" + text});
    }
  }
}

/// Tells session.log of a restart. No rank runs, so nobody else writes there; a log that cannot be written, or that the
/// ranks did not come to begin, keeps nobody from going on.
void note_restart(const std::filesystem::path& run_dir, const std::string& message, int exit_code, int num_ranks) {
  const std::filesystem::path path = run_dir / "session.log";
  try {
    if (!std::filesystem::exists(path)) return;
    logs::SessionEvent event;
    event.kind = logs::SessionEvent::Kind::kNote;
    event.message = message;
    event.figures["exit_code"] = exit_code;
    event.figures["num_ranks"] = num_ranks;
    logs::SessionLogWriter(path).append(event);
  } catch (const Error&) {
  }
}

std::vector<std::string> with_ranks(std::vector<std::string> words, int num_ranks) {
  words.insert(words.end(), {"--ranks", std::to_string(num_ranks)});
  return words;
}

}  // namespace

bool rank_was_lost(int code) {
  constexpr std::array<int, 6> kDeaths = {SIGKILL, SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
  const auto is_death = [&](int signal_number) { return code == 128 + signal_number; };
  return code == exit_code(ErrorKind::kDistributed) || std::any_of(kDeaths.begin(), kDeaths.end(), is_death);
}

std::vector<std::string> without_option(const std::vector<std::string>& words, const std::string& name) {
  std::vector<std::string> left;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == name) {
      ++i;
    } else if (!words[i].starts_with(name + "=")) {
      left.push_back(words[i]);
    }
  }
  return left;
}

std::vector<std::string> runtime_overrides(const configs::Runtime& runtime) {
  std::vector<std::string> words;
  append_overrides(runtime, "runtime", words);
  if (runtime.has_device()) words.insert(words.end(), {"--set", "runtime.device=" + runtime.device()});
  return words;
}

std::vector<std::string> words_to_go_on(const Restarts& restarts) {
  // A recipe.pbtxt alone may be that of another run, whose log and checkpoints were taken away: this one's is written
  // before its log.
  const bool has_begun = !restarts.had_log && std::filesystem::exists(restarts.run_dir / "run.log");
  return has_begun ? restarts.resume() : restarts.start;
}

int run_ranks_with_restarts(dist::Launch launch, const Restarts& restarts) {
  std::vector<std::string> words = restarts.start;
  for (int made = 0;; ++made) {
    const int status = run_ranks(launch, with_ranks(words, launch.num_ranks));
    if (!rank_was_lost(status) || stop_signal() != 0 || made == restarts.allowed) return status;
    const int ranks_before = launch.num_ranks;
    launch.num_ranks = std::max(1, launch.num_ranks - 1);
    const std::string message = fmt::format(
        "restart {} of {}: a rank died or got stuck (exit code {}); {} of {} ranks go on from the last "
        "checkpoint",
        made + 1, restarts.allowed, status, launch.num_ranks, ranks_before);
    print_note("{}\n", message);
    note_restart(restarts.run_dir, message, status, launch.num_ranks);
    words = words_to_go_on(restarts);
  }
}

}  // namespace reprise::app
