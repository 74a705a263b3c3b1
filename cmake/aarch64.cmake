# Toolchain file: Debian's cross compiler for aarch64, and programs that run under qemu-user or on such a machine. Headers
# that hold no machine code (Highway, fmt) come from the system's own /usr/include, after the cross compiler's.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CXX_FLAGS_INIT "-idirafter /usr/include")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
