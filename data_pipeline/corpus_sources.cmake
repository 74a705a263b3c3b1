# Reading, normalising, filtering, deduplicating, splitting and reporting documents.
set(REPRISE_CORPUS_SOURCES src/corpus.cpp src/corpus_result.cpp src/data_card.cpp src/document_file.cpp src/document_lines.cpp src/json_text.cpp
  src/document_reader.cpp src/input_texts.cpp src/line_reader.cpp
  src/normalise.cpp src/recount.cpp src/report.cpp src/report_builder.cpp src/report_filters.cpp src/report_tables.cpp src/selection.cpp src/zstd_writer.cpp)
set(REPRISE_CORPUS_HEADERS
  include/reprise/data_pipeline/corpus.h include/reprise/data_pipeline/data_card.h include/reprise/data_pipeline/document_file.h
  include/reprise/data_pipeline/normalise.h
  include/reprise/data_pipeline/recount.h include/reprise/data_pipeline/report.h include/reprise/data_pipeline/selection.h)
