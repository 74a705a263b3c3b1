# Tokenizer, shards and sample order.
set(REPRISE_TOKENIZER_SOURCES
    src/added_tokens.cpp src/bpe_encoder.cpp src/bpe_model.cpp src/bpe_trainer.cpp src/cased_words.cpp src/json_part.cpp src/letter_case_tables.cpp src/nfc.cpp
    src/pattern_scanner.cpp src/pre_tokenizer_names.cpp src/reading_order.cpp src/sample_order.cpp
    src/sentencepiece.cpp src/sentencepiece_file.cpp src/sentencepiece_normaliser.cpp src/sentencepiece_search.cpp
    src/shard_content.cpp src/shard_file.cpp src/shard_hdf5.cpp src/shard_token_set.cpp src/shard_set_writer.cpp src/shard_writer.cpp
    src/split_chain.cpp src/text_normaliser.cpp src/token_decoder.cpp src/token_build.cpp src/token_file.cpp src/tokenizer.cpp src/tokenizer_encode.cpp
    src/tokenizer_json_parts.cpp src/tokenizer_json_reader.cpp src/tokenizer_json_writer.cpp src/tokenizer_tables.cpp
    src/tokenizer_training.cpp src/unicode_classes.cpp src/unicode_tables.cpp src/word_cache.cpp src/word_counts.cpp)
set(REPRISE_TOKENIZER_HEADERS include/reprise/data_pipeline/reading_order.h include/reprise/data_pipeline/shards.h
    include/reprise/data_pipeline/sentencepiece.h include/reprise/data_pipeline/token_build.h include/reprise/data_pipeline/token_file.h
    include/reprise/data_pipeline/tokenizer.h)
# Mixtures.
list(APPEND REPRISE_TOKENIZER_SOURCES
     src/document_groups.cpp src/interleaving.cpp src/mixture.cpp src/mixture_table.cpp src/stage_counts.cpp)
list(APPEND REPRISE_TOKENIZER_HEADERS
     include/reprise/data_pipeline/document_groups.h include/reprise/data_pipeline/mixture.h
     include/reprise/data_pipeline/mixture_table.h)
