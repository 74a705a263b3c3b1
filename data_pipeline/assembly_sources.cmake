# Assembling a corpus from package files.
list(APPEND REPRISE_CORPUS_SOURCES
  src/assembled_lines.cpp src/assembly.cpp src/assembly_character_table.cpp src/assembly_characters.cpp
  src/assembly_recipe.cpp src/assembly_text.cpp src/example_sentences.cpp src/extractors.cpp src/html_entities.cpp
  src/html_entity_table.cpp src/manual_page_text.cpp src/markup_names.cpp src/markup_text.cpp src/message_catalogue.cpp
  src/package_file.cpp src/path_patterns.cpp src/sword_module.cpp)
list(APPEND REPRISE_CORPUS_HEADERS include/reprise/data_pipeline/assembly.h)
