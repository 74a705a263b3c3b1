# Tokenizer, shards and sample order.
set(REPRISE_TOKENIZER_SOURCES
    src/bpe_encoder.cpp src/bpe_model.cpp src/bpe_trainer.cpp src/pre_tokenizer.cpp src/reading_order.cpp src/sample_order.cpp
    src/shard_content.cpp src/shard_file.cpp src/shard_hdf5.cpp src/shard_token_set.cpp src/shard_writer.cpp
    src/tokenizer.cpp
    src/tokenizer_json.cpp src/tokenizer_training.cpp src/unicode_classes.cpp src/unicode_tables.cpp)
set(REPRISE_TOKENIZER_HEADERS include/reprise/data_pipeline/reading_order.h include/reprise/data_pipeline/shards.h include/reprise/data_pipeline/tokenizer.h)
