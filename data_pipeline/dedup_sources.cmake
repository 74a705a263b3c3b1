# Input files, deduplication, decontamination.
set(REPRISE_DEDUP_SOURCES
  src/byte_source.cpp src/copy_index.cpp src/corpus_candidate.cpp src/corpus_decide.cpp src/corpus_inputs.cpp
  src/corpus_judge.cpp   src/corpus_measure.cpp src/corpus_merge.cpp src/corpus_read.cpp src/corpus_scratch.cpp src/corpus_write.cpp
  src/decontamination.cpp src/document_writer.cpp src/eval_examples.cpp src/external_sort.cpp
  src/file_decontamination.cpp src/file_deduplication.cpp src/file_pass.cpp src/fold_tables.cpp src/folded_words.cpp
  src/inputs.cpp src/mapped_file.cpp src/min_hash.cpp src/min_hash_index.cpp src/paragraph_index.cpp src/record_file.cpp
  src/sorted_documents.cpp)
set(REPRISE_DEDUP_HEADERS
  include/reprise/data_pipeline/decontamination.h include/reprise/data_pipeline/deduplication.h
  include/reprise/data_pipeline/inputs.h)
