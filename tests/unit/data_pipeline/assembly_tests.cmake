# Tests of the corpus assembler.
reprise_add_test(
  NAME data_pipeline.assembly
  SOURCES assembly_fixture.cpp assembly_extractors_test.cpp assembly_test.cpp
  LIBS reprise::data_pipeline nlohmann_json::nlohmann_json PkgConfig::LIBARCHIVE PkgConfig::ZSTD ZLIB::ZLIB)
target_include_directories(test_data_pipeline_assembly PRIVATE ${PROJECT_SOURCE_DIR}/data_pipeline/src)
