# nvcc, and what it compiles for: machine code of the GPUs named, and PTX of the last for later ones.
include_guard(GLOBAL)

if(NOT CMAKE_CUDA_COMPILER)
  find_program(REPRISE_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(NOT REPRISE_NVCC)
    message(FATAL_ERROR "nvcc not found. Install the CUDA 13.0 toolkit, or name its nvcc: "
                        "-DCMAKE_CUDA_COMPILER=<path>, or build without GPUs: cmake --preset release")
  endif()
  set(CMAKE_CUDA_COMPILER ${REPRISE_NVCC})
endif()
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90 CACHE STRING "Compute capabilities: Ampere, Hopper")
endif()
if(REPRISE_CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${REPRISE_CCACHE})
endif()
enable_language(CUDA)

# nvcc 13 has C++20; CMake 3.25 has not heard of it.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
endif()

set(CMAKE_CUDA_RUNTIME_LIBRARY Static)  # so that a binary needs nothing but the driver
find_package(CUDAToolkit 13.0 REQUIRED)
