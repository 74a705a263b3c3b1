#include "token_decoder.h"

#include "bpe_model.h"
#include "text_normaliser.h"
#include "unicode_classes.h"

namespace reprise::data {
namespace {

using Tokens = std::vector<std::string>;

void decode_byte_level(Tokens& tokens) {
  std::string bytes;
  for (std::string& token : tokens) {
    if (symbols_to_bytes(token, bytes)) token.swap(bytes);
  }
}

void decode_metaspace(const DecoderStep& step, Tokens& tokens) {
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    tokens[k] = replace_all(tokens[k], step.from, k == 0 && step.drop_first ? "" : " ");
  }
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

Tokens decode_byte_fallback(const Tokens& tokens) {
  Tokens result;
  std::string run;
  const auto flush = [&] {
    std::string storage;
    if (well_formed_utf8(run, storage).data() == run.data()) {
      if (!run.empty()) result.push_back(run);
    } else {
      for (std::size_t k = 0; k < run.size(); ++k) result.emplace_back("\xEF\xBF\xBD");
    }
    run.clear();
  };
  for (const std::string& token : tokens) {
    if (const std::optional<char> byte = byte_of_token(token)) {
      run.push_back(*byte);
    } else {
      flush();
      result.push_back(token);
    }
  }
  flush();
  return result;
}

std::string join(const Tokens& tokens, const char* separator = "") {
  std::string text;
  for (std::size_t k = 0; k < tokens.size(); ++k) {
    if (k > 0) text += separator;
    text += tokens[k];
  }
  return text;
}

void strip(const DecoderStep& step, Tokens& tokens) {
  for (std::string& token : tokens) {
    std::size_t begin = 0;
    for (std::size_t k = 0; k < step.start && token.compare(begin, step.from.size(), step.from) == 0; ++k) {
      begin += step.from.size();
    }
    std::size_t end = token.size();
    for (std::size_t k = 0; k < step.stop && end >= begin + step.from.size(); ++k) {
      if (token.compare(end - step.from.size(), step.from.size(), step.from) != 0) break;
      end -= step.from.size();
    }
    token = token.substr(begin, end - begin);
  }
}

}  // namespace

std::optional<char> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  const std::optional<int> high = hex_digit(token[3]);
  const std::optional<int> low = hex_digit(token[4]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

std::string decode_tokens(const std::vector<DecoderStep>& steps, Tokens tokens) {
  if (steps.empty()) return join(tokens, " ");
  for (const DecoderStep& step : steps) {
    switch (step.kind) {
      case DecoderStep::Kind::kByteLevel:
        decode_byte_level(tokens);
        break;
      case DecoderStep::Kind::kMetaspace:
        decode_metaspace(step, tokens);
        break;
      case DecoderStep::Kind::kReplace:
        for (std::string& token : tokens) token = replace_all(token, step.from, step.to);
        break;
      case DecoderStep::Kind::kByteFallback:
        tokens = decode_byte_fallback(tokens);
        break;
      case DecoderStep::Kind::kFuse:
        tokens = {join(tokens)};
        break;
      case DecoderStep::Kind::kStrip:
        strip(step, tokens);
        break;
    }
  }
  return join(tokens);
}

std::string decode_inside(const std::vector<DecoderStep>& steps, std::string token) {
  std::vector<DecoderStep> inside;
  for (DecoderStep step : steps) {
    if (step.kind == DecoderStep::Kind::kStrip) continue;
    step.drop_first = false;
    inside.push_back(std::move(step));
  }
  return decode_tokens(inside, {std::move(token)});
}

}  // namespace reprise::data
