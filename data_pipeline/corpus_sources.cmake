# Reading, normalising, filtering, deduplicating, splitting and reporting documents.
set(REPRISE_CORPUS_SOURCES
  src/c4.cpp src/corpus.cpp src/corpus_result.cpp src/document_file.cpp src/document_lines.cpp
  src/document_reader.cpp src/filters.cpp src/gopher_quality.cpp src/gopher_repetition.cpp src/line_reader.cpp
  src/normalise.cpp src/recount.cpp src/report.cpp src/report_builder.cpp src/report_tables.cpp src/selection.cpp
  src/text_units.cpp src/zstd_writer.cpp)
set(REPRISE_CORPUS_HEADERS
  include/reprise/data_pipeline/corpus.h include/reprise/data_pipeline/document_file.h
  include/reprise/data_pipeline/filters.h include/reprise/data_pipeline/normalise.h
  include/reprise/data_pipeline/recount.h include/reprise/data_pipeline/report.h include/reprise/data_pipeline/selection.h)
