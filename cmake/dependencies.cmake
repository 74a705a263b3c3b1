# Every third-party library, found once and wrapped in an imported target. Debian packages and the
# pinned LibTorch wheel only (docs/decisions/0002-libtorch-from-the-wheel.md); nothing is fetched here.
include_guard(GLOBAL)

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Protobuf REQUIRED)
find_package(simdjson REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LZMA REQUIRED IMPORTED_TARGET liblzma)
pkg_check_modules(LIBARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(SPDLOG REQUIRED IMPORTED_TARGET spdlog)
find_package(CLI11 REQUIRED)

# Languages are identified where CLD2 or fastText is there; everything else works without.
find_path(CLD2_INCLUDE_DIR cld2/public/compact_lang_det.h)
find_library(CLD2_LIBRARY cld2)
find_path(FASTTEXT_INCLUDE_DIR fasttext/fasttext.h)
find_library(FASTTEXT_LIBRARY fasttext)

# MPI and the MPI flavour of HDF5. The C interfaces only: MPI's C++ bindings are gone from the standard.
set(MPI_CXX_SKIP_MPICXX TRUE)
find_package(MPI REQUIRED COMPONENTS C)
set(HDF5_PREFER_PARALLEL TRUE)
find_package(HDF5 REQUIRED COMPONENTS C)
if(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR "HDF5 without MPI was found; install libhdf5-openmpi-dev")
endif()
add_library(reprise_hdf5 INTERFACE)
target_include_directories(reprise_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(reprise_hdf5 INTERFACE ${HDF5_C_LIBRARIES} MPI::MPI_C)

# The header of the pinned NCCL (scripts/setup.sh). The library is loaded at run time, where there is one.
include(${CMAKE_CURRENT_LIST_DIR}/cache_root.cmake)
find_path(REPRISE_NCCL_INCLUDE nccl.h HINTS ${REPRISE_TORCH_ROOT}/nvidia/nccl/include NO_DEFAULT_PATH)
if(NOT REPRISE_NCCL_INCLUDE)
  message(STATUS "nccl.h was not found (scripts/setup.sh fetches it): built without the NCCL transport")
endif()

if(REPRISE_WITH_TORCH)
  include(${CMAKE_CURRENT_LIST_DIR}/torch.cmake)
endif()

if(REPRISE_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
