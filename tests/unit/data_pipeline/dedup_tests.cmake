# Tests of the inputs, of deduplication and of decontamination.
reprise_add_test(
  NAME data_pipeline.dedup
  SOURCES corpus_fixture.cpp decontamination_test.cpp deduplication_test.cpp file_pass_test.cpp input_names_test.cpp input_policy_test.cpp min_hash_test.cpp
  LIBS reprise::data_pipeline nlohmann_json::nlohmann_json PkgConfig::ZSTD ZLIB::ZLIB
  TOGETHER)
target_include_directories(test_data_pipeline_dedup PRIVATE ${PROJECT_SOURCE_DIR}/data_pipeline/src)
