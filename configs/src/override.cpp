#include "override.h"

#include <google/protobuf/descriptor.h>

#include <charconv>
#include <optional>

#include "reprise/core/nearest_name.h"
#include "scalar_value.h"

namespace reprise::configs {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

/// One name of a path, with the index behind it if there is one: "file[0]".
struct Part {
  std::string name;
  std::optional<int> index;
};

/// Splits "data.file[0].path"; nothing when the text is no path.
std::optional<std::vector<Part>> split_path(std::string_view path) {
  std::vector<Part> parts;
  while (true) {
    const std::size_t dot = path.find('.');
    std::string_view piece = path.substr(0, dot);
    Part part;
    if (const std::size_t bracket = piece.find('['); bracket != std::string_view::npos) {
      const std::string_view digits = piece.substr(bracket + 1);
      int index = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
      if (error != std::errc() || index < 0 || std::string_view(end, digits.data() + digits.size() - end) != "]") {
        return std::nullopt;
      }
      part.index = index;
      piece = piece.substr(0, bracket);
    }
    if (piece.empty()) return std::nullopt;
    part.name = piece;
    parts.push_back(std::move(part));
    if (dot == std::string_view::npos) return parts;
    path.remove_prefix(dot + 1);
  }
}

/// Collects the paths of every field below `type`.
void collect_paths(const Descriptor& type, const std::string& prefix, std::vector<std::string>& paths) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const std::string path = prefix.empty() ? field.name() : prefix + "." + field.name();
    paths.push_back(path);
    if (field.message_type() != nullptr) collect_paths(*field.message_type(), path, paths);
  }
}

/// The full path that a mistyped or shortened one most probably means, or "". Indices are left out.
std::string nearest_path(const std::vector<Part>& parts) {
  std::string typed;
  for (const Part& part : parts) typed += (typed.empty() ? "" : ".") + part.name;
  std::vector<std::string> full;
  collect_paths(*RunConfig::descriptor(), "", full);
  for (const std::string& path : full) {
    if (path.ends_with("." + typed)) return path;
  }
  std::vector<std::string> known = full;  // each path, and each without its first name
  for (const std::string& path : full) {
    if (const std::size_t dot = path.find('.'); dot != std::string::npos) known.push_back(path.substr(dot + 1));
  }
  if (const std::string near = nearest_name(typed, known); !near.empty()) return near;
  std::vector<std::string> last_names;
  for (const std::string& path : full) last_names.push_back(path.substr(path.rfind('.') + 1));
  const std::string near = nearest_name(parts.back().name, last_names);
  for (std::size_t i = 0; i < full.size() && !near.empty(); ++i) {
    if (last_names[i] == near) return full[i];
  }
  return "";
}

class Override {
 public:
  Override(const std::string& text, RunConfig& config, ParseNotes& notes)
      : text_(text), place_("--set " + text), config_(config), notes_(notes) {}

  void apply() {
    const std::size_t equals = text_.find('=');
    if (equals == std::string::npos || equals == 0) {
      return add("an override reads path=value", "for example --set train.num_steps=10");
    }
    std::optional<std::vector<Part>> parts = split_path(std::string_view(text_).substr(0, equals));
    if (!parts) return add("the path cannot be read", "for example data.file[0].path or train.learning_rate.peak");
    add_prefix(*parts);
    walk(*parts, std::string_view(text_).substr(equals + 1));
  }

 private:
  void add(std::string message, std::string hint) {
    notes_.mistakes.push_back({place_, std::move(message), std::move(hint)});
  }

  /// Puts "recipe" or "runtime" in front where it was left out and exactly one of them has the name.
  void add_prefix(std::vector<Part>& parts) {
    const Descriptor& root = *RunConfig::descriptor();
    if (find_field(root, parts.front().name) != nullptr) return;
    std::vector<std::string> owners;
    for (int i = 0; i < root.field_count(); ++i) {
      if (find_field(*root.field(i)->message_type(), parts.front().name) != nullptr) {
        owners.push_back(root.field(i)->name());
      }
    }
    if (owners.size() == 1) parts.insert(parts.begin(), Part{owners.front(), std::nullopt});
  }

  void walk(const std::vector<Part>& parts, std::string_view value) {
    Message* message = &config_;
    std::string path;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const FieldDescriptor* field = find_field(*message->GetDescriptor(), parts[i].name);
      if (field == nullptr) return report_unknown(*message, parts, path, parts[i].name);
      path += (path.empty() ? "" : ".") + parts[i].name;
      if (!index_fits(*message, *field, path, parts[i].index)) return;
      if (i + 1 == parts.size()) return set(*message, *field, path, parts[i].index, value);
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        return add(fmt::format("'{}' is a value and has no field '{}'", path, parts[i + 1].name), "shorten the path");
      }
      if (field->is_repeated() && !parts[i].index) {
        return add(fmt::format("'{}' is a list; say which element", path), fmt::format("for example {}[0]", path));
      }
      message = field->is_repeated() ? element(*message, *field, path, *parts[i].index)
                                     : message->GetReflection()->MutableMessage(message, field);
    }
  }

  bool index_fits(const Message& message, const FieldDescriptor& field, const std::string& path,
                  const std::optional<int>& index) {
    if (!index) return true;
    if (!field.is_repeated()) {
      add(fmt::format("'{}' is not a list and takes no index", path), "leave the brackets out");
      return false;
    }
    const int size = message.GetReflection()->FieldSize(message, &field);
    if (*index <= size) return true;
    add(fmt::format("'{}' has {} elements, so [{}] does not exist", path, size, *index),
        fmt::format("[{}] adds one at the end", size));
    return false;
  }

  /// Returns an element of a list of messages, adding one when the index is just behind the last.
  Message* element(Message& message, const FieldDescriptor& field, std::string& path, int index) {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    path += fmt::format("[{}]", index);
    if (index == reflection.FieldSize(message, &field)) return reflection.AddMessage(&message, &field);
    return reflection.MutableRepeatedMessage(&message, &field, index);
  }

  void set(Message& message, const FieldDescriptor& field, std::string path, const std::optional<int>& index,
           std::string_view value) {
    const bool is_message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    int position = index.value_or(kWholeField);
    if (index && is_message) {
      element(message, field, path, *index);
    } else if (index) {
      if (*index == message.GetReflection()->FieldSize(message, &field)) position = kNewElement;
      path += fmt::format("[{}]", *index);
    }
    forget(path);
    notes_.places[path] = place_;
    const bool bare_string = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && !value.starts_with('"') &&
                             !value.starts_with('\'') && !(field.is_repeated() && !index && value.starts_with('['));
    if (bare_string) {
      if (field.is_repeated() && !index) message.GetReflection()->ClearField(&message, &field);
      set_scalar(message, field, position, value, false);
    } else {
      const bool complete = notes_.complete;
      notes_.complete = true;
      parse_value(value, place_, path, message, field, position, notes_);
      if (!notes_.complete) notes_.broken.insert(path);
      notes_.complete = complete;  // speaks of the file; of an override only its own field is unknown
    }
  }

  /// What was noted of the old value and its parts no longer holds.
  void forget(const std::string& path) {
    const auto inside = [&path](const std::string& other) {
      return other.starts_with(path) &&
             (other.size() == path.size() || other[path.size()] == '.' || other[path.size()] == '[');
    };
    std::erase_if(notes_.broken, inside);
    std::erase_if(notes_.places, [&](const auto& entry) { return inside(entry.first); });
  }

  void report_unknown(const Message& owner, const std::vector<Part>& parts, const std::string& path,
                      const std::string& name) {
    const std::string near = path.empty() ? nearest_path(parts) : "";
    std::string hint =
        path.empty() ? "see `reprise config docs` for the fields" : field_hint(*owner.GetDescriptor(), name);
    if (!near.empty()) hint = fmt::format("did you mean '{}'?", near);
    add(fmt::format("unknown field '{}'{}", name, path.empty() ? "" : fmt::format(" in {}", path)), std::move(hint));
  }

  const std::string& text_;
  const std::string place_;
  RunConfig& config_;
  ParseNotes& notes_;
};

}  // namespace

void apply_override(const std::string& override_text, RunConfig& config, ParseNotes& notes) {
  Override(override_text, config, notes).apply();
}

}  // namespace reprise::configs
