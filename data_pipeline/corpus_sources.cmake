# Reading, normalising, filtering, deduplicating, splitting and reporting documents.
set(REPRISE_CORPUS_SOURCES
  src/break_tables.cpp src/break_values.cpp src/c4.cpp src/c4_phrases.cpp src/dclm_counter.cpp src/dclm_lines.cpp
  src/filter_files.cpp src/filter_presets.cpp src/fineweb_quality.cpp src/pii.cpp src/pii_spans.cpp src/repeated_grams.cpp
  src/sentence_segments.cpp src/text_measures.cpp src/word_segments.cpp src/corpus.cpp src/corpus_result.cpp src/data_card.cpp src/document_file.cpp src/document_lines.cpp
  src/document_reader.cpp src/filters.cpp src/gopher_quality.cpp src/gopher_repetition.cpp src/line_reader.cpp
  src/normalise.cpp src/recount.cpp src/report.cpp src/report_builder.cpp src/report_tables.cpp src/selection.cpp
  src/text_units.cpp src/zstd_writer.cpp)
set(REPRISE_CORPUS_HEADERS
  include/reprise/data_pipeline/corpus.h include/reprise/data_pipeline/data_card.h include/reprise/data_pipeline/document_file.h
  include/reprise/data_pipeline/filter_files.h include/reprise/data_pipeline/filter_presets.h
  include/reprise/data_pipeline/filters.h include/reprise/data_pipeline/normalise.h
  include/reprise/data_pipeline/recount.h include/reprise/data_pipeline/report.h include/reprise/data_pipeline/selection.h)
