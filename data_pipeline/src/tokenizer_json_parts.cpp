// The parts of a tokenizer.json around the model: normaliser, pre-tokeniser, decoder, post-processor.

#include <algorithm>

#include "tokenizer_json.h"

namespace reprise::data {
namespace {

/// A list nested deeper than this is refused: nothing real is, and reading it would take a deep stack.
constexpr int kDeepestSequence = 8;

void check_depth(const JsonPart& part, int depth) {
  if (depth > kDeepestSequence) part.fail(part.place() + " is nested too deeply");
}

void read_normaliser(const JsonPart& part, int depth, std::vector<NormaliserStep>& steps) {
  check_depth(part, depth);
  const std::string type = part.text("type");
  if (type == "Sequence") {
    for (const JsonPart& element : part.member("normalizers").elements()) read_normaliser(element, depth + 1, steps);
  } else if (type == "NFC") {
    steps.push_back({NormaliserStep::Kind::kNfc, {}, {}});
  } else if (type == "Prepend") {
    steps.push_back({NormaliserStep::Kind::kPrepend, {}, part.text("prepend")});
  } else if (type == "Replace") {
    const JsonPart pattern = part.member("pattern");
    if (!pattern.has("String") || pattern.text("String").empty()) pattern.refuse("is not supported");
    steps.push_back({NormaliserStep::Kind::kReplace, pattern.text("String"), part.text("content")});
  } else {
    part.member("type").refuse("is not supported");
  }
}

/// Metaspace as it was written before version 0.15 too: "str_rep" beside it, "add_prefix_space" for "prepend_scheme".
SplitStep::Prepend prepend_scheme(const JsonPart& part) {
  if (!part.has("prepend_scheme")) {
    return part.flag("add_prefix_space", true) ? SplitStep::Prepend::kAlways : SplitStep::Prepend::kNever;
  }
  const std::string scheme = part.text("prepend_scheme");
  if (scheme == "always") return SplitStep::Prepend::kAlways;
  if (scheme == "first") return SplitStep::Prepend::kFirst;
  if (scheme == "never") return SplitStep::Prepend::kNever;
  part.member("prepend_scheme").refuse("is not supported");
}

std::string replacement_of(const JsonPart& part) {
  const std::string replacement = part.text("replacement");
  if (replacement.empty()) part.member("replacement").refuse("is empty");
  return replacement;
}

SplitStep read_metaspace(const JsonPart& part) {
  SplitStep step;
  step.kind = part.flag("split", true) ? SplitStep::Kind::kMetaspaceSplit : SplitStep::Kind::kMetaspace;
  step.literal = replacement_of(part);
  step.prepend = prepend_scheme(part);
  return step;
}

SplitStep::Literal literal_behaviour(const JsonPart& part) {
  const std::string behaviour = part.text("behavior");
  if (behaviour == "Removed") return SplitStep::Literal::kRemoved;
  if (behaviour == "Isolated") return SplitStep::Literal::kIsolated;
  if (behaviour == "MergedWithPrevious") return SplitStep::Literal::kMergedWithPrevious;
  if (behaviour == "MergedWithNext") return SplitStep::Literal::kMergedWithNext;
  part.member("behavior").refuse("is not supported");
}

/// A known expression: pieces are what it matches and what lies between. With "invert" matches and gaps change places,
/// so "Removed" keeps the matches, which is the same where an expression leaves out nothing.
SplitStep read_expression_split(const JsonPart& part) {
  const JsonPart regex = part.member("pattern").member("Regex");
  const std::optional<Pattern> pattern = find_pattern(regex.text());
  if (!pattern) regex.refuse("is an expression that is not known");
  const bool numbers = *pattern == Pattern::kNumberTriples || *pattern == Pattern::kSingleNumbers;
  const std::string behaviour = part.text("behavior");
  const bool invert = part.flag("invert", false);
  const bool whole = behaviour == "Isolated" || (behaviour == "Removed" && invert && !numbers);
  if (!whole) part.member("behavior").refuse("is not supported with this expression");
  SplitStep step;
  step.pattern = *pattern;
  return step;
}

SplitStep read_split(const JsonPart& part) {
  const JsonPart pattern = part.member("pattern");
  if (!pattern.has("String")) return read_expression_split(part);
  if (part.flag("invert", false)) part.member("invert").refuse("is not supported");
  SplitStep step;
  step.kind = SplitStep::Kind::kLiteral;
  step.literal = pattern.text("String");
  if (step.literal.empty()) pattern.refuse("is empty");
  step.behaviour = literal_behaviour(part);
  return step;
}

void read_byte_level(const JsonPart& part, std::vector<SplitStep>& steps) {
  SplitStep step;
  if (part.flag("add_prefix_space", true)) {
    step.kind = SplitStep::Kind::kPrefixSpace;
    steps.push_back(step);
  }
  step.kind = SplitStep::Kind::kPattern;
  if (part.flag("use_regex", true)) steps.push_back(step);
}

void read_pre_tokenizer(const JsonPart& part, int depth, std::vector<SplitStep>& steps, bool& byte_level) {
  check_depth(part, depth);
  const std::string type = part.text("type");
  if (byte_level) part.fail(part.place() + " is not supported: ByteLevel is not the last step");
  if (type == "Sequence") {
    for (const JsonPart& element : part.member("pretokenizers").elements()) {
      read_pre_tokenizer(element, depth + 1, steps, byte_level);
    }
  } else if (type == "ByteLevel") {
    read_byte_level(part, steps);
    byte_level = true;
  } else if (type == "Split") {
    steps.push_back(read_split(part));
  } else if (type == "Digits") {
    SplitStep step;
    step.kind = SplitStep::Kind::kDigits;
    step.each = part.flag("individual_digits", false);
    steps.push_back(step);
  } else if (type == "Metaspace") {
    steps.push_back(read_metaspace(part));
  } else {
    part.member("type").refuse("is not supported");
  }
}

void read_decoder(const JsonPart& part, int depth, std::vector<DecoderStep>& steps) {
  check_depth(part, depth);
  const std::string type = part.text("type");
  DecoderStep step;
  if (type == "Sequence") {
    for (const JsonPart& element : part.member("decoders").elements()) read_decoder(element, depth + 1, steps);
    return;
  }
  if (type == "ByteLevel") {
    step.kind = DecoderStep::Kind::kByteLevel;
  } else if (type == "Metaspace") {
    step.kind = DecoderStep::Kind::kMetaspace;
    step.from = replacement_of(part);
    step.drop_first = prepend_scheme(part) != SplitStep::Prepend::kNever;
  } else if (type == "Replace") {
    const JsonPart pattern = part.member("pattern");
    if (!pattern.has("String") || pattern.text("String").empty()) pattern.refuse("is not supported");
    step.kind = DecoderStep::Kind::kReplace;
    step.from = pattern.text("String");
    step.to = part.text("content");
  } else if (type == "ByteFallback") {
    step.kind = DecoderStep::Kind::kByteFallback;
  } else if (type == "Fuse") {
    step.kind = DecoderStep::Kind::kFuse;
  } else if (type == "Strip") {
    step.kind = DecoderStep::Kind::kStrip;
    step.from = part.text("content");
    if (step.from.empty()) part.member("content").refuse("is empty");
    step.start = part.member("start").number();
    step.stop = part.member("stop").number();
  } else {
    part.member("type").refuse("is not supported");
  }
  steps.push_back(step);
}

void add_template_ids(const JsonPart& part, const JsonPart& element, std::vector<std::uint32_t>& ids) {
  const JsonPart token = part.member("special_tokens").member(element.member("SpecialToken").text("id"));
  for (const JsonPart& id : token.member("ids").elements()) ids.push_back(id.number());
}

/// Tokens before the text go to the prefix, tokens after it to the suffix.
void read_template(const JsonPart& part, TokenizerParts& parts) {
  std::vector<std::uint32_t> before;
  std::vector<std::uint32_t> after;
  int num_texts = 0;
  for (const JsonPart& element : part.member("single").elements()) {
    if (element.has("Sequence")) {
      ++num_texts;
    } else {
      add_template_ids(part, element, num_texts == 0 ? before : after);
    }
  }
  if (num_texts != 1) part.member("single").refuse("does not hold the text exactly once");
  parts.prefix.insert(parts.prefix.begin(), before.begin(), before.end());
  parts.suffix.insert(parts.suffix.end(), after.begin(), after.end());
}

/// The id of ["<s>", 0].
std::uint32_t pair_id(const JsonPart& part) {
  const std::vector<JsonPart> elements = part.elements();
  if (elements.size() != 2) part.refuse("is not a pair of a token and its id");
  return elements[1].number();
}

void read_post_processor(const JsonPart& part, int depth, TokenizerParts& parts) {
  check_depth(part, depth);
  const std::string type = part.text("type");
  if (type == "Sequence") {
    for (const JsonPart& element : part.member("processors").elements()) {
      read_post_processor(element, depth + 1, parts);
    }
  } else if (type == "TemplateProcessing") {
    read_template(part, parts);
  } else if (type == "RobertaProcessing" || type == "BertProcessing") {
    parts.prefix.insert(parts.prefix.begin(), pair_id(part.member("cls")));
    parts.suffix.push_back(pair_id(part.member("sep")));
  } else if (type != "ByteLevel") {  // which moves offsets only
    part.member("type").refuse("is not supported");
  }
}

}  // namespace

std::vector<NormaliserStep> read_normaliser(const JsonPart& part) {
  std::vector<NormaliserStep> steps;
  if (!part.is_null()) read_normaliser(part, 0, steps);
  return steps;
}

std::vector<SplitStep> read_pre_tokenizer(const JsonPart& part, bool& byte_level) {
  std::vector<SplitStep> steps;
  byte_level = false;
  if (!part.is_null()) read_pre_tokenizer(part, 0, steps, byte_level);
  return steps;
}

std::vector<DecoderStep> read_decoder(const JsonPart& part) {
  std::vector<DecoderStep> steps;
  if (!part.is_null()) read_decoder(part, 0, steps);
  return steps;
}

void read_post_processor(const JsonPart& part, TokenizerParts& parts) {
  if (!part.is_null()) read_post_processor(part, 0, parts);
}

}  // namespace reprise::data
