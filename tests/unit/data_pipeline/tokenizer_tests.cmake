# Tests of the token half.
reprise_add_test(NAME data_pipeline.tokenizer
                 SOURCES tokenizer_training_test.cpp tokenizer_encoding_test.cpp tokenizer_file_test.cpp
                         tokenizer_peers_test.cpp tokenizer_kinds_test.cpp nfc_test.cpp sentencepiece_test.cpp token_file_test.cpp
                         tokenizer_fixture.cpp
                 LIBS reprise::data_pipeline nlohmann_json::nlohmann_json PkgConfig::ZSTD TOGETHER)
reprise_add_test(NAME data_pipeline.shards
                 SOURCES shards_test.cpp shards_corruption_test.cpp tokenizer_fixture.cpp
                 LIBS reprise::data_pipeline nlohmann_json::nlohmann_json PkgConfig::ZSTD reprise_hdf5 TOGETHER)
reprise_add_test(NAME data_pipeline.order
                 SOURCES order_test.cpp reading_order_test.cpp interleaving_test.cpp mixture_test.cpp
                         document_groups_test.cpp tokenizer_fixture.cpp
                 LIBS reprise::data_pipeline nlohmann_json::nlohmann_json PkgConfig::ZSTD TOGETHER)
target_include_directories(test_data_pipeline_order PRIVATE ${PROJECT_SOURCE_DIR}/data_pipeline/src)
