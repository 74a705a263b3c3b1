// The first byte chooses a pre-tokeniser, the others are a text. Decoding gives the text back (repaired, and normalised
// where the pre-tokeniser does that), and a text that is cut where the encoder would cut it has the same ids.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "nfc.h"
#include "reprise/configs/pre_tokenizer_names.h"
#include "reprise/data_pipeline/tokenizer.h"
#include "split_chain.h"
#include "unicode_classes.h"

namespace {

using reprise::data::TokenId;
using reprise::data::Tokenizer;

std::vector<Tokenizer> make_tokenizers() {
  std::vector<Tokenizer> tokenizers;
  for (const std::string_view name : reprise::configs::kPreTokenizerNames) {
    reprise::configs::TokenizerRecipe recipe;
    recipe.set_vocab_size(320);
    recipe.set_min_frequency(1);
    recipe.set_pre_tokenizer(std::string(name));
    const auto texts = [](const auto& visit) {
      visit("the cat's mat, THE CATS' mats 1234 ... \r\n\r\n caf\xC3\xA9 e\xCC\x81 \xED\x95\x9C \xE2\x80\xA8 ");
    };
    tokenizers.push_back(reprise::data::train_tokenizer(recipe, texts, 1, reprise::no_progress()));
  }
  return tokenizers;
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const std::vector<Tokenizer> tokenizers = make_tokenizers();
  if (size == 0) return 0;
  const std::size_t kind = bytes[0] % tokenizers.size();
  const bool normalises = reprise::configs::kPreTokenizerNames[kind] == "qwen2";
  const Tokenizer& tokenizer = tokenizers[kind];
  const std::string text(reinterpret_cast<const char*>(bytes) + 1, size - 1);

  std::string repaired;
  std::string normalised;
  std::string_view expected = reprise::data::well_formed_utf8(text, repaired);
  if (normalises) expected = reprise::data::nfc(expected, normalised);
  const std::vector<TokenId> ids = tokenizer.encode(text);
  require(tokenizer.decode(ids) == expected);
  tokenizer.encode(text, {.special_tokens = true});

  const std::string whole(expected);
  if (whole.empty()) return 0;
  const std::size_t cut = reprise::data::SplitChain::next_cut(whole, 1);
  std::vector<TokenId> parts = tokenizer.encode(whole.substr(0, cut));
  const std::vector<TokenId> rest = tokenizer.encode(whole.substr(cut));
  parts.insert(parts.end(), rest.begin(), rest.end());
  require(parts == tokenizer.encode(whole));
  return 0;
}
