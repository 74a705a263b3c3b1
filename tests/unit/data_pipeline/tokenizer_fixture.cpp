#include "tokenizer_fixture.h"

#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "reprise/core/error.h"
#include "reprise/core/files.h"

namespace reprise::data {
namespace {

std::string decompress(const std::string& compressed) {
  std::string text;
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_inBuffer input{compressed.data(), compressed.size(), 0};
  std::vector<char> buffer(1 << 20);
  while (input.pos < input.size) {
    ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
    REPRISE_CHECK(!ZSTD_isError(ZSTD_decompressStream(context, &output, &input)));
    text.append(buffer.data(), output.pos);
  }
  ZSTD_freeDCtx(context);
  return text;
}

std::vector<std::string> read_corpus() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(REPRISE_SOURCE_DIR "/corpora/tiny")) {
    if (entry.path().extension() == ".zst") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const auto& path : paths) {
    std::string lines = decompress(read_file(path));
    for (std::size_t begin = 0; begin < lines.size();) {
      const std::size_t end = std::min(lines.find('\n', begin), lines.size());
      if (end > begin) texts.push_back(nlohmann::json::parse(lines.substr(begin, end - begin)).at("text"));
      begin = end + 1;
    }
  }
  return texts;
}

void append_character(std::string& text, std::uint32_t c) {
  const auto add = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      add(0xE0 | c >> 12);
    } else {
      add(0xF0 | c >> 18);
      add(0x80 | (c >> 12 & 0x3F));
    }
    add(0x80 | (c >> 6 & 0x3F));
  }
  add(0x80 | (c & 0x3F));
}

}  // namespace

const nlohmann::json& tokenizer_vectors() {
  static const nlohmann::json vectors =
      nlohmann::json::parse(read_file(REPRISE_SOURCE_DIR "/tests/unit/data_pipeline/tokenizer_vectors.json"));
  return vectors;
}

const std::vector<std::string>& corpus_texts() {
  static const std::vector<std::string> texts = read_corpus();
  return texts;
}

configs::TokenizerRecipe tokenizer_recipe(std::uint32_t vocab_size, std::uint32_t min_frequency) {
  configs::TokenizerRecipe recipe;
  recipe.set_vocab_size(vocab_size);
  recipe.set_min_frequency(min_frequency);
  return recipe;
}

Tokenizer train_on(const std::vector<std::string>& texts, std::uint32_t vocab_size, std::uint32_t min_frequency,
                   int num_threads) {
  const TextSource source = [&](const std::function<void(std::string_view)>& visit) {
    for (const std::string& text : texts) visit(text);
  };
  return train_tokenizer(tokenizer_recipe(vocab_size, min_frequency), source, num_threads, no_progress());
}

const Tokenizer& small_tokenizer() {
  static const Tokenizer tokenizer = [] {
    const auto& small = tokenizer_vectors().at("small");
    return train_on(small.at("texts"), small.at("vocab_size"), small.at("min_frequency"));
  }();
  return tokenizer;
}

std::string random_text(std::mt19937_64& random, std::size_t num_characters) {
  static const std::string common = "  \t\n\r''.,!stdmlrev abcXYZ019";
  std::string text;
  for (std::size_t k = 0; k < num_characters; ++k) {
    switch (random() % 6) {
      case 0:
        append_character(text, static_cast<std::uint32_t>(random() % 0x250));
        break;
      case 1:
        append_character(text, static_cast<std::uint32_t>(random() % 0xD800));
        break;
      case 2:
        append_character(text, static_cast<std::uint32_t>(0xE000 + random() % (0x110000 - 0xE000)));
        break;
      default:
        text += common[random() % common.size()];
    }
  }
  return text;
}

std::string random_bytes(std::mt19937_64& random, std::size_t num_bytes) {
  static const unsigned char likely[] = {0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE1,
                                         0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF, 0x20, 0x61, 0x27};
  std::string bytes;
  for (std::size_t k = 0; k < num_bytes; ++k) {
    const bool any = random() % 4 == 0;
    bytes.push_back(static_cast<char>(any ? random() % 256 : likely[random() % sizeof likely]));
  }
  return bytes;
}

TemporaryFolder::TemporaryFolder() {
  static std::atomic<int> serial{0};
  path_ = std::filesystem::temp_directory_path() /
          ("reprise-tokens-" + std::to_string(::getpid()) + "-" + std::to_string(++serial));
  std::filesystem::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace reprise::data
