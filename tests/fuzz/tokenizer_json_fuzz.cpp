// Any bytes as a tokenizer.json: accepted, or an error of kind data with a hint. One that is accepted encodes and
// decodes.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "reprise/core/error.h"
#include "reprise/data_pipeline/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace reprise;
  try {
    const data::Tokenizer tokenizer = data::Tokenizer::parse(std::string(bytes, bytes + size), "input");
    const std::string text = "<|a|> The  cat's caf\xC3\xA9 e\xCC\x81 123\n\n\xE2\x96\x81 \xFF";
    if (tokenizer.vocab_size() > (1 << 22)) std::abort();
    tokenizer.decode(tokenizer.encode(text));
    tokenizer.encode(text, {.special_tokens = true});
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData || error.hint().empty()) std::abort();
  }
  return 0;
}
