#pragma once
// The lexicon and the templates of the suite as constant tables. Their order is part of the suite: appending an entry
// changes the pairs and so the digest.

#include <array>
#include <span>
#include <string_view>

namespace reprise::eval::suite {

inline constexpr std::size_t kMaxForms = 5;

/// One word with its forms, in the order of its class's form names.
struct Entry {
  std::array<std::string_view, kMaxForms> forms;
};

/// Words that may stand in the same slot.
struct WordClass {
  std::string_view name;
  std::array<std::string_view, kMaxForms> form_names;
  std::span<const Entry> entries;
};

/// A pair with slots: "{class.form}", or "{class2.form}" for a second, different entry of the same class. A slot
/// that occurs several times in a template, in either sentence, holds the same entry everywhere.
struct Template {
  std::string_view good;
  std::string_view bad;
};

struct Phenomenon {
  std::string_view name;
  std::span<const Template> templates;
};

std::span<const WordClass> lexicon();
std::span<const Phenomenon> phenomena();

}  // namespace reprise::eval::suite
