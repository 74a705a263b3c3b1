// reprise config show|validate|docs

#include <fmt/core.h>
#include <google/protobuf/descriptor.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "json_text.h"
#include "reprise/configs/config.h"
#include "reprise/core/error.h"
#include "reprise/core/files.h"
#include "run_flags.h"

namespace reprise::app {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::ordered_json;

struct ConfigFlags {
  std::string path;
  std::vector<std::string> overrides;
  bool as_json = false;
};

ordered_json to_json(const Message& message);

ordered_json scalar_to_json(const Message& message, const FieldDescriptor& field, int index) {
  const google::protobuf::Reflection& r = *message.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return many ? r.GetRepeatedUInt32(message, &field, index) : r.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return many ? r.GetRepeatedUInt64(message, &field, index) : r.GetUInt64(message, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return many ? r.GetRepeatedDouble(message, &field, index) : r.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return many ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_STRING:
      return many ? r.GetRepeatedString(message, &field, index) : r.GetString(message, &field);
    default:
      return to_json(many ? r.GetRepeatedMessage(message, &field, index) : r.GetMessage(message, &field));
  }
}

/// The fields that are set, in the order of the schema; lists are always there.
ordered_json to_json(const Message& message) {
  ordered_json json = ordered_json::object();
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (field.is_repeated()) {
      ordered_json list = ordered_json::array();
      for (int j = 0; j < reflection.FieldSize(message, &field); ++j) list.push_back(scalar_to_json(message, field, j));
      json[field.name()] = std::move(list);
    } else if (reflection.HasField(message, &field)) {
      json[field.name()] = scalar_to_json(message, field, 0);
    }
  }
  return json;
}

void show(const ConfigFlags& flags) {
  const configs::RunConfig config = configs::resolve(configs::load_config(flags.path, flags.overrides));
  const std::string hash = configs::recipe_hash(config.recipe()).hex();
  if (flags.as_json) {
    ordered_json json = to_json(config);
    json["recipe_hash"] = hash;
    fmt::print("{}\n", json_text(json, 2));
  } else {
    fmt::print("# recipe hash {}\n{}", hash, configs::to_text(config));
  }
}

void validate(const ConfigFlags& flags, Context& context) {
  if (!flags.as_json) {
    const configs::RunConfig config = configs::load_config(flags.path, flags.overrides);
    fmt::print("{}: valid, recipe hash {}\n", flags.path, configs::recipe_hash(config.recipe()).hex());
    return;
  }
  const configs::CheckedConfig checked = configs::check_config(read_file(flags.path), flags.path, flags.overrides);
  ordered_json json{{"path", flags.path}, {"valid", checked.mistakes.empty()}, {"mistakes", ordered_json::array()}};
  for (const configs::Mistake& mistake : checked.mistakes) {
    json["mistakes"].push_back({{"place", mistake.place}, {"message", mistake.message}, {"hint", mistake.hint}});
  }
  if (checked.mistakes.empty()) {
    json["recipe_hash"] = configs::recipe_hash(checked.config.recipe()).hex();
  } else {
    context.status = exit_code(ErrorKind::kConfig);
  }
  // A mistake may quote bytes that are no UTF-8.
  fmt::print("{}\n", json_text(json, 2));
}

CLI::App* add_action(CLI::App& verb, const std::string& name, const std::string& help, ConfigFlags& flags) {
  CLI::App* action = verb.add_subcommand(name, help);
  action->add_option("CONFIG", flags.path, "Config file (protobuf text)")->required();
  add_set_flag(*action, flags.overrides, "train.num_steps=10");
  action->add_flag("--json", flags.as_json, "Print as JSON");
  return action;
}

}  // namespace

void add_config_command(CLI::App& app, Context& context) {
  const auto flags = std::make_shared<ConfigFlags>();
  CLI::App* verb = app.add_subcommand("config", "Show, check and document run configs");
  verb->require_subcommand(1);
  verb->footer("Example:\n  reprise config show configs/runs/tiny.pbtxt --set train.num_steps=10");

  CLI::App* show_action = add_action(*verb, "show", "Print a config with every default written out", *flags);
  show_action->footer("Example:\n  reprise config show configs/runs/tiny.pbtxt --set train.num_steps=10");
  show_action->callback([flags] { show(*flags); });

  CLI::App* validate_action = add_action(*verb, "validate", "Report every mistake of a config; exit 2 if any", *flags);
  validate_action->footer("Example:\n  reprise config validate configs/runs/tiny.pbtxt --json");
  validate_action->callback([flags, &context] { validate(*flags, context); });

  CLI::App* docs_action = verb->add_subcommand("docs", "Print the reference of every field as Markdown");
  docs_action->footer("Example:\n  reprise config docs > config_reference.md");
  docs_action->callback([] { fmt::print("{}", configs::schema_reference()); });
}

}  // namespace reprise::app
