# The only file that touches LibTorch's own variables. scripts/setup.sh unpacks the pinned wheels side by
# side under REPRISE_TORCH_ROOT, in the user's cache; any other LibTorch is taken through CMAKE_PREFIX_PATH.
include_guard(GLOBAL)

include(${CMAKE_CURRENT_LIST_DIR}/cache_root.cmake)

find_path(REPRISE_TORCH_INCLUDE torch/csrc/autograd/function.h
          HINTS ${CMAKE_PREFIX_PATH} ${REPRISE_TORCH_ROOT}/torch PATH_SUFFIXES include)
find_library(REPRISE_TORCH_CPU torch_cpu
             HINTS ${CMAKE_PREFIX_PATH} ${REPRISE_TORCH_ROOT}/torch PATH_SUFFIXES lib)
find_library(REPRISE_TORCH_C10 c10
             HINTS ${CMAKE_PREFIX_PATH} ${REPRISE_TORCH_ROOT}/torch PATH_SUFFIXES lib)
if(NOT REPRISE_TORCH_INCLUDE OR NOT REPRISE_TORCH_CPU OR NOT REPRISE_TORCH_C10)
  set(looked_in ${REPRISE_TORCH_ROOT}/torch)
  unset(REPRISE_TORCH_ROOT CACHE)  # so that the next configuration asks the environment again
  message(FATAL_ERROR "LibTorch not found in ${looked_in}. Run scripts/setup.sh, or pass "
                      "-DCMAKE_PREFIX_PATH=<LibTorch>, or build without it: cmake --preset core-only")
endif()

# -idirafter: LibTorch's headers carry an old copy of protobuf's, which must not hide the system's.
add_library(reprise_torch INTERFACE)
target_compile_options(reprise_torch INTERFACE
  "SHELL:-idirafter \"${REPRISE_TORCH_INCLUDE}\""
  "SHELL:-idirafter \"${REPRISE_TORCH_INCLUDE}/torch/csrc/api/include\"")
target_compile_definitions(reprise_torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
get_filename_component(reprise_torch_lib_dir ${REPRISE_TORCH_CPU} DIRECTORY)
# The wheel's libtorch_cpu asks for the CUDA runtime; the linker must find it without naming it.
file(GLOB reprise_cuda_dirs ${REPRISE_TORCH_ROOT}/nvidia/*/lib)
target_link_libraries(reprise_torch INTERFACE ${REPRISE_TORCH_CPU} ${REPRISE_TORCH_C10})
foreach(dir ${reprise_torch_lib_dir} ${reprise_cuda_dirs})
  target_link_options(reprise_torch INTERFACE "-Wl,-rpath-link,${dir}" "-Wl,-rpath,${dir}")
endforeach()

# For the code identity of a run.
set(REPRISE_TORCH_VERSION "unknown")
find_file(REPRISE_TORCH_VERSION_HEADER version.h NO_DEFAULT_PATH
          PATHS ${REPRISE_TORCH_INCLUDE}/torch/headeronly ${REPRISE_TORCH_INCLUDE}/torch/csrc/api/include/torch)
if(REPRISE_TORCH_VERSION_HEADER)
  file(STRINGS ${REPRISE_TORCH_VERSION_HEADER} version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
  string(REGEX MATCHALL "[0-9]+" version_parts "${version_lines}")
  string(REPLACE ";" "." REPRISE_TORCH_VERSION "${version_parts}")
endif()
