# Tests of the document half.
reprise_add_test(
  NAME data_pipeline.corpus
  SOURCES corpus_build_test.cpp corpus_fixture.cpp corpus_judge_test.cpp corpus_normalise_test.cpp corpus_peers_test.cpp
          corpus_report_test.cpp corpus_selection_test.cpp corpus_team_test.cpp data_card_test.cpp filter_c4_test.cpp filter_chain_test.cpp filter_dclm_test.cpp filter_dolma_test.cpp
          filter_fineweb_test.cpp filter_gopher_quality_test.cpp
          filter_gopher_repetition_test.cpp filter_pii_test.cpp filter_presets_test.cpp filter_units_test.cpp language_labels_test.cpp reader_test.cpp recount_test.cpp
          segments_test.cpp url_lists_test.cpp
  LIBS reprise::data_pipeline nlohmann_json::nlohmann_json PkgConfig::ZSTD
  TOGETHER)
target_include_directories(test_data_pipeline_corpus PRIVATE ${PROJECT_SOURCE_DIR}/data_pipeline/src)
if(FASTTEXT_INCLUDE_DIR AND FASTTEXT_LIBRARY)  # the test trains its model
  target_sources(test_data_pipeline_corpus PRIVATE fasttext_detector_test.cpp)
  target_link_libraries(test_data_pipeline_corpus PRIVATE ${FASTTEXT_LIBRARY})
endif()
