# Tokenizer, shards and sample order.
set(REPRISE_TOKENIZER_SOURCES)
set(REPRISE_TOKENIZER_HEADERS include/reprise/data_pipeline/shards.h include/reprise/data_pipeline/tokenizer.h)
