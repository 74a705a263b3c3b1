// Feeds bytes to the parser of configs. Whatever the text is, its mistakes are listed, each with a message; a text
// without any can be resolved, and printing and parsing it again gives the same recipe.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "reprise/configs/config.h"

namespace reprise::configs {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(std::string_view text) {
  const CheckedConfig checked = check_config(text, "fuzz.pbtxt");
  for (const Mistake& mistake : checked.mistakes) require(!mistake.place.empty() && !mistake.message.empty());
  if (!checked.mistakes.empty()) return;
  const RunConfig resolved = resolve(checked.config);
  require(recipe_hash(resolved.recipe()) == recipe_hash(checked.config.recipe()));
  const CheckedConfig again = check_config(to_text(resolved), "printed.pbtxt");
  require(again.mistakes.empty() && recipe_hash(again.config.recipe()) == recipe_hash(resolved.recipe()));
  require(to_text(resolve(again.config)) == to_text(resolved));
}

}  // namespace
}  // namespace reprise::configs

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  reprise::configs::check({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
