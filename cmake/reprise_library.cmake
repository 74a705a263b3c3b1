# One function for every library of the project, so that each target is declared the same way.
#
#   reprise_add_library(NAME core
#                       SOURCES src/a.cpp ...
#                       HEADERS include/reprise/core/a.h ...
#                       PUBLIC  dep ...        # linked and visible to users
#                       PRIVATE dep ...        # linked, not visible
#                       [TORCH]                # compile with the precompiled LibTorch header
#                      )
#
# makes the target reprise_<NAME>, its alias reprise::<NAME>, and installs its headers.
include_guard(GLOBAL)
include(GNUInstallDirs)

function(reprise_add_library)
  cmake_parse_arguments(ARG "TORCH" "NAME" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "reprise_add_library: unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  set(target reprise_${ARG_NAME})
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(reprise::${ARG_NAME} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${ARG_HEADERS})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PUBLIC ${ARG_PUBLIC}
                        PRIVATE ${ARG_PRIVATE} $<BUILD_INTERFACE:reprise_warnings>)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${ARG_NAME})
  if(ARG_TORCH)
    target_link_libraries(${target} PRIVATE reprise_torch)
    reprise_use_torch_pch(${target})
  endif()
  install(TARGETS ${target} EXPORT reprise-targets
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endfunction()

# Headers that cost more than the sources that include them are compiled once into a precompiled header, which every
# target of a kind reuses. Reuse needs the same code-generation flags, so executables that reuse one are compiled with
# -fPIC, as the libraries are, and not with -fPIE.
#   reprise_reuse_headers(target FROM reprise_test_pch LIBS GTest::gmock HEADERS <gmock/gmock.h> [OPTIONS -O0])
function(reprise_reuse_headers target)
  cmake_parse_arguments(ARG "" "FROM" "LIBS;HEADERS;OPTIONS" ${ARGN})
  if(NOT TARGET ${ARG_FROM})
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/${ARG_FROM}.cpp CONTENT "// holds a precompiled header\n")
    add_library(${ARG_FROM} OBJECT ${PROJECT_BINARY_DIR}/${ARG_FROM}.cpp)
    target_link_libraries(${ARG_FROM} PRIVATE ${ARG_LIBS} reprise_warnings)
    target_compile_options(${ARG_FROM} PRIVATE ${ARG_OPTIONS})
    target_precompile_headers(${ARG_FROM} PRIVATE ${ARG_HEADERS})
  endif()
  target_compile_options(${target} PRIVATE ${ARG_OPTIONS})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${target} REUSE_FROM ${ARG_FROM})
endfunction()

# LibTorch's headers (20 s). Only what operators need: all of <torch/torch.h> would take half as long again.
function(reprise_use_torch_pch target)
  reprise_reuse_headers(${target} FROM reprise_torch_pch LIBS reprise_torch HEADERS
    <ATen/core/Tensor.h> <ATen/ops/empty.h> <ATen/ops/from_blob.h> <ATen/record_function.h>
    <torch/csrc/autograd/autograd.h> <torch/csrc/autograd/custom_function.h>)
endfunction()

# Sources that spend their time on the same headers are compiled several at once: eight of the command line take twice
# the time of one. Their unnamed namespaces meet there, so names must differ. The preset `dev` compiles each alone.
option(REPRISE_COMPILE_TOGETHER "Compile sources of some targets several at once" ON)
function(reprise_compile_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${REPRISE_COMPILE_TOGETHER} UNITY_BUILD_BATCH_SIZE 8)
  # GCC 12 warns of std::string's own memcpy (its bug 105651).
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
endfunction()

#   reprise_add_test(NAME core.error SOURCES error_test.cpp LIBS reprise::core [LABELS fast] [TORCH] [TOGETHER])
#
# makes one GoogleTest executable and one CTest entry.
function(reprise_add_test)
  cmake_parse_arguments(ARG "TORCH;TOGETHER" "NAME;TIMEOUT" "SOURCES;LIBS;LABELS;ENVIRONMENT" ${ARGN})
  if(NOT REPRISE_BUILD_TESTS)
    return()
  endif()
  string(REPLACE "." "_" target "test_${ARG_NAME}")
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE ${ARG_LIBS} reprise_warnings GTest::gmock GTest::gtest_main)
  if(ARG_TORCH)
    target_link_libraries(${target} PRIVATE reprise_torch)
    reprise_use_torch_pch(${target})
  elseif("numerics" IN_LIST ARG_LABELS)
    reprise_reuse_headers(${target} FROM reprise_test_pch LIBS GTest::gmock HEADERS <gmock/gmock.h> <gtest/gtest.h>)
  else()
    # What these compute is computed in the libraries. Not optimised, their own code compiles in half the time.
    reprise_reuse_headers(${target} FROM reprise_driving_test_pch LIBS GTest::gmock nlohmann_json::nlohmann_json
                          HEADERS <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp> OPTIONS -O0)
  endif()
  if(ARG_TOGETHER)
    reprise_compile_together(${target})
  endif()
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_compile_definitions(${target} PRIVATE
    REPRISE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" REPRISE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  add_test(NAME ${ARG_NAME} COMMAND ${target} WORKING_DIRECTORY ${PROJECT_BINARY_DIR})
  if(NOT ARG_LABELS)
    set(ARG_LABELS fast)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
                       ENVIRONMENT "${ARG_ENVIRONMENT}")
  # Programs of several ranks that must answer in time get the machine to themselves.
  foreach(label IN ITEMS mpi faults timed)
    if(label IN_LIST ARG_LABELS)
      set_tests_properties(${ARG_NAME} PROPERTIES RUN_SERIAL TRUE)
    endif()
  endforeach()
endfunction()
