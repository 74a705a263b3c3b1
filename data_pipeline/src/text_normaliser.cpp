#include "text_normaliser.h"

#include "nfc.h"

namespace reprise::data {

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  result.reserve(text.size() + text.size() / 2);
  while (true) {
    const std::size_t place = text.find(from);
    result += text.substr(0, place);
    if (place == std::string_view::npos) return result;
    result += to;
    text.remove_prefix(place + from.size());
  }
}

std::string_view normalise_text(const std::vector<NormaliserStep>& steps, std::string_view text, std::string& storage) {
  std::string next;
  for (const NormaliserStep& step : steps) {
    switch (step.kind) {
      case NormaliserStep::Kind::kNfc:
        if (nfc(text, next).data() == text.data()) continue;
        break;
      case NormaliserStep::Kind::kPrepend:
        if (text.empty()) continue;
        next = step.to;
        next += text;
        break;
      case NormaliserStep::Kind::kReplace:
        if (text.find(step.from) == std::string_view::npos) continue;
        next = replace_all(text, step.from, step.to);
        break;
    }
    storage.swap(next);
    text = storage;
  }
  return text;
}

}  // namespace reprise::data
