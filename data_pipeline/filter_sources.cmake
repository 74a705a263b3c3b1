# The filters: what they count, their rules, whole chains, language labels.
list(APPEND REPRISE_CORPUS_SOURCES
  src/break_tables.cpp src/break_values.cpp src/c4.cpp src/c4_phrases.cpp src/dclm_counter.cpp src/dclm_domain_tables.cpp
  src/dclm_domains.cpp src/dclm_lines.cpp src/dclm_urls.cpp
  src/filter_files.cpp src/filter_presets.cpp src/label_corpus.cpp src/filters.cpp src/fineweb_quality.cpp src/gopher_quality.cpp
  src/gopher_repetition.cpp src/language_labels.cpp src/pii.cpp src/pii_spans.cpp src/repeated_grams.cpp
  src/sentence_segments.cpp src/text_measures.cpp src/text_units.cpp src/url_lists.cpp
  src/word_segments.cpp)
list(APPEND REPRISE_CORPUS_HEADERS
  include/reprise/data_pipeline/filter_files.h include/reprise/data_pipeline/filter_presets.h
  include/reprise/data_pipeline/filters.h include/reprise/data_pipeline/label_corpus.h
  include/reprise/data_pipeline/language_labels.h
  include/reprise/data_pipeline/url_lists.h)
if(CLD2_INCLUDE_DIR AND CLD2_LIBRARY)
  list(APPEND REPRISE_CORPUS_SOURCES src/cld2_detector.cpp)
else()
  list(APPEND REPRISE_CORPUS_SOURCES src/cld2_missing.cpp)
endif()
if(FASTTEXT_INCLUDE_DIR AND FASTTEXT_LIBRARY)
  list(APPEND REPRISE_CORPUS_SOURCES src/fasttext_detector.cpp)
else()
  list(APPEND REPRISE_CORPUS_SOURCES src/fasttext_missing.cpp)
endif()
