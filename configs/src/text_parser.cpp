#include "text_parser.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "reprise/core/byte_order_mark.h"
#include "reprise/core/error.h"
#include "reprise/core/nearest_name.h"
#include "scalar_value.h"

namespace reprise::configs {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::io::Tokenizer;

constexpr int kDeepestNesting = 32;

std::string join_path(const std::string& prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : fmt::format("{}.{}", prefix, name);
}

/// Where a text comes from: a file, whose places have lines and columns, or an override, which is its own place.
struct Source {
  std::string name;
  bool has_lines = true;

  std::string place(int line, int column) const {
    return has_lines ? fmt::format("{}:{}:{}", name, line + 1, column + 1) : name;
  }
};

class LexicalErrors : public google::protobuf::io::ErrorCollector {
 public:
  LexicalErrors(const Source& source, ParseNotes& notes) : source_(source), notes_(notes) {}
  bool any() const { return any_; }
  void AddError(int line, int column, const std::string& message) override {
    notes_.mistakes.push_back({source_.place(line, column), message, ""});
    notes_.complete = false;
    any_ = true;
  }

 private:
  const Source& source_;
  ParseNotes& notes_;
  bool any_ = false;
};

class TextParser {
 public:
  TextParser(std::string_view text, Source source, ParseNotes& notes)
      : source_(std::move(source)),
        notes_(notes),
        errors_(source_, notes),
        stream_(text.data(), static_cast<int>(text.size())),
        tokens_(&stream_, &errors_) {
    tokens_.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
    tokens_.set_require_space_after_number(false);
    tokens_.set_allow_f_after_float(true);
    tokens_.Next();
  }

  void parse_whole(Message& message, const std::string& path) {
    parse_fields(message, path, "");
    if (!lost_ && !at_end()) lose_way("a field name");
  }

  void parse_field_value(Message& message, const FieldDescriptor& field, const std::string& path, int index) {
    if (field.is_repeated() && index == kWholeField) {
      parse_elements(message, field, path);
    } else if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      parse_scalar(message, field, path, index);
    } else {
      Message& child = field.is_repeated() ? *message.GetReflection()->MutableRepeatedMessage(&message, &field, index)
                                           : *message.GetReflection()->MutableMessage(&message, &field);
      child.Clear();
      if (looking_at("{") || looking_at("<")) {
        parse_braced(child, path);
      } else {
        parse_fields(child, path, "");
      }
    }
    if (!lost_ && !at_end()) lose_way("the end of the value");
  }

 private:
  bool looking_at(std::string_view text) { return tokens_.current().text == text; }
  bool at_end() { return tokens_.current().type == Tokenizer::TYPE_END; }
  bool consume(std::string_view text) {
    if (!looking_at(text) || tokens_.current().type == Tokenizer::TYPE_STRING) return false;
    tokens_.Next();
    return true;
  }
  std::string place() { return source_.place(tokens_.current().line, tokens_.current().column); }
  std::string seen() { return at_end() ? "the end of the text" : fmt::format("'{}'", tokens_.current().text); }

  void add(std::string where, std::string message, std::string hint = {}) {
    notes_.mistakes.push_back({std::move(where), std::move(message), std::move(hint)});
  }

  /// Reports a mistake after which it is not known what the following text means, and gives the text up.
  void lose_way(std::string_view expected) {
    if (lost_) return;
    // A lexical error has already said what is wrong here.
    if (!errors_.any()) {
      add(place(), fmt::format("expected {}, found {}", expected, seen()), "the rest of this text was not read");
    }
    notes_.complete = false;
    lost_ = true;
  }

  void parse_fields(Message& message, const std::string& path, std::string_view closing) {
    std::map<std::string, std::string> first_places;
    while (!lost_ && !at_end() && (closing.empty() || !looking_at(closing))) {
      if (tokens_.current().type != Tokenizer::TYPE_IDENTIFIER) {
        return lose_way(closing.empty() ? "a field name" : fmt::format("a field name or '{}'", closing));
      }
      const std::string name = tokens_.current().text;
      const std::string where = place();
      tokens_.Next();
      const FieldDescriptor* field = find_field(*message.GetDescriptor(), name);
      if (field == nullptr) {
        report_unknown(*message.GetDescriptor(), path, name, where);
        skip_value();
      } else if (!field->is_repeated() && first_places.contains(name)) {
        add(where, fmt::format("field '{}' is given twice, first at {}", join_path(path, name), first_places[name]),
            "keep one of the two");
        skip_value();
      } else {
        first_places.emplace(name, where);
        parse_field(message, *field, join_path(path, name), where);
      }
      if (!consume(",")) consume(";");
    }
  }

  void report_unknown(const Descriptor& type, const std::string& path, const std::string& name,
                      const std::string& where) {
    add(where, fmt::format("unknown field '{}'{}", name, path.empty() ? "" : fmt::format(" in {}", path)),
        field_hint(type, name));
    std::vector<std::string> names;
    for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
    if (const std::string near = nearest_name(name, names); !near.empty()) {
      notes_.broken.insert(join_path(path, near));
    }
  }

  void parse_field(Message& message, const FieldDescriptor& field, const std::string& path, const std::string& where) {
    notes_.places.emplace(path, where);
    const bool is_message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!consume(":") && !is_message) return lose_way(fmt::format("':' after '{}'", field.name()));
    if (field.is_repeated()) {
      parse_elements(message, field, path);
    } else if (is_message) {
      parse_braced(*message.GetReflection()->MutableMessage(&message, &field), path);
    } else {
      parse_scalar(message, field, path, kNewElement);
    }
  }

  /// One element of a repeated field, or a list of them between brackets.
  void parse_elements(Message& message, const FieldDescriptor& field, const std::string& path) {
    if (!consume("[")) return parse_element(message, field, path);
    if (consume("]")) return;
    do {
      parse_element(message, field, path);
    } while (!lost_ && consume(","));
    if (!lost_ && !consume("]")) lose_way("',' or ']'");
  }

  void parse_element(Message& message, const FieldDescriptor& field, const std::string& path) {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    const std::string element = fmt::format("{}[{}]", path, reflection.FieldSize(message, &field));
    notes_.places.emplace(element, place());
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      parse_braced(*reflection.AddMessage(&message, &field), element);
    } else {
      parse_scalar(message, field, element, kNewElement);
    }
  }

  void parse_braced(Message& message, const std::string& path) {
    const std::string closing = looking_at("<") ? ">" : "}";
    if (!consume("{") && !consume("<")) return lose_way(fmt::format("'{{' after '{}'", path));
    if (++depth_ > kDeepestNesting) return lose_way("fewer nested braces");
    parse_fields(message, path, closing);
    --depth_;
    if (!lost_ && !consume(closing)) lose_way(fmt::format("'{}' at the end of '{}'", closing, path));
  }

  void parse_scalar(Message& message, const FieldDescriptor& field, const std::string& path, int index) {
    const std::string where = place();
    const bool negative = consume("-");
    const Tokenizer::TokenType type = tokens_.current().type;
    if (type != Tokenizer::TYPE_STRING && type != Tokenizer::TYPE_IDENTIFIER && type != Tokenizer::TYPE_INTEGER &&
        type != Tokenizer::TYPE_FLOAT) {
      notes_.broken.insert(path);
      return lose_way(fmt::format("a value of '{}'", path));
    }
    std::string token = tokens_.current().text;
    std::string expected;
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      if (type == Tokenizer::TYPE_STRING && !negative) {
        set_scalar(message, field, index, take_string(), false);
        return;
      }
      expected = "a text between quotes";
    } else if (type != Tokenizer::TYPE_STRING) {
      expected = set_scalar(message, field, index, token, negative);
    } else {
      expected = field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL ? "true or false without quotes"
                                                                   : "a number without quotes";
    }
    tokens_.Next();
    if (expected.empty()) return;
    notes_.broken.insert(path);
    add(where, fmt::format("{}: expected {}, found '{}{}'", path, expected, negative ? "-" : "", token));
  }

  /// Reads adjacent string tokens as one text.
  std::string take_string() {
    std::string value;
    while (tokens_.current().type == Tokenizer::TYPE_STRING) {
      Tokenizer::ParseStringAppend(tokens_.current().text, &value);
      tokens_.Next();
    }
    return value;
  }

  /// Passes over the value of a field that is not read.
  void skip_value() {
    consume(":");
    if (looking_at("{") || looking_at("<") || looking_at("[")) return skip_balanced();
    consume("-");
    if (tokens_.current().type == Tokenizer::TYPE_STRING) {
      take_string();
    } else if (tokens_.current().type == Tokenizer::TYPE_SYMBOL || at_end()) {
      lose_way("a value");
    } else {
      tokens_.Next();
    }
  }

  void skip_balanced() {
    int open = 0;
    do {
      if (at_end()) return lose_way("a closing brace");
      if (looking_at("{") || looking_at("<") || looking_at("[")) ++open;
      if (looking_at("}") || looking_at(">") || looking_at("]")) --open;
      tokens_.Next();
    } while (open > 0);
  }

  const Source source_;
  ParseNotes& notes_;
  LexicalErrors errors_;
  google::protobuf::io::ArrayInputStream stream_;
  Tokenizer tokens_;
  int depth_ = 0;
  bool lost_ = false;
};

}  // namespace

const FieldDescriptor* find_field(const Descriptor& type, std::string_view name) {
  return type.FindFieldByName(std::string(name));
}

std::string field_hint(const Descriptor& type, std::string_view name) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  if (const std::string near = nearest_name(name, names); !near.empty()) return fmt::format("did you mean '{}'?", near);
  std::string list;
  for (const std::string& known : names) list += (list.empty() ? "" : ", ") + known;
  return fmt::format("known fields: {}", list);
}

void parse_text(std::string_view text, const std::string& source, const std::string& path, Message& message,
                ParseNotes& notes) {
  TextParser(without_byte_order_mark(text), {source, true}, notes).parse_whole(message, path);
}

void parse_value(std::string_view text, const std::string& source, const std::string& path, Message& message,
                 const FieldDescriptor& field, int index, ParseNotes& notes) {
  if (index == kWholeField) message.GetReflection()->ClearField(&message, &field);
  TextParser(text, {source, false}, notes).parse_field_value(message, field, path, index);
}

}  // namespace reprise::configs
