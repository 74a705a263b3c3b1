# Reading, normalising, filtering, deduplicating, splitting and reporting documents.
set(REPRISE_CORPUS_SOURCES)
set(REPRISE_CORPUS_HEADERS include/reprise/data_pipeline/corpus.h)
