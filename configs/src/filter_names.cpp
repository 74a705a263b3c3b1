#include "reprise/configs/filter_names.h"

namespace reprise::configs {

const std::vector<KnownFilter>& known_filters() {
  static const std::vector<KnownFilter> filters = {
      {"gopher_quality",
       {"gopher-paper", "dolma-v1.5", "fineweb", "dclm"},
       {"gopher_word_count", "gopher_mean_word_length", "gopher_symbol_ratio", "gopher_bullet_lines",
        "gopher_ellipsis_lines", "gopher_alphabetic_words", "gopher_stop_words"}},
      {"gopher_repetition",
       {"gopher-paper", "dolma-v1.5-as-written", "dolma-v1.5-intended", "fineweb", "dclm"},
       {"gopher_duplicate_lines", "gopher_duplicate_paragraphs", "gopher_duplicate_line_characters",
        "gopher_duplicate_paragraph_characters", "gopher_top_ngrams", "gopher_duplicate_ngrams"}},
      {"c4",
       {"c4-paper", "c4-tfds", "fineweb"},
       {"c4_terminal_punctuation", "c4_min_words_per_line", "c4_min_sentences", "c4_javascript", "c4_policy",
        "c4_lorem_ipsum", "c4_curly_bracket", "c4_max_word_length", "c4_citations", "c4_page_length"}},
      {"fineweb_quality",
       {"fineweb"},
       {"fineweb_terminal_lines", "fineweb_short_lines", "fineweb_duplicate_line_characters",
        "fineweb_newlines_per_word"}},
      {"dclm_urls", {"dclm", "dclm-intended"}, {"dclm_url", "dclm_ip_address"}},
      {"dclm_lines",
       {"dclm"},
       {"dclm_newlines", "dclm_uppercase", "dclm_numeric", "dclm_counter", "dclm_short_line", "dclm_boilerplate",
        "dclm_removed_words"}},
      {"pii", {"dolma-v1.5", "fineweb"}, {"pii_email", "pii_phone", "pii_ip", "pii_spans"}},
  };
  return filters;
}

const KnownFilter* find_filter(std::string_view name) {
  for (const KnownFilter& filter : known_filters()) {
    if (filter.name == name) return &filter;
  }
  return nullptr;
}

std::vector<std::string> filter_names() {
  std::vector<std::string> names;
  for (const KnownFilter& filter : known_filters()) names.push_back(filter.name);
  return names;
}

}  // namespace reprise::configs
