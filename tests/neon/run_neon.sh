#!/usr/bin/env bash
# The kernels on aarch64: builds kernel_digests with the cross compiler, runs it under qemu-user (or on the machine
# itself) and compares the digest of every operator with those of the native program given. Arguments: the native
# program, the source folder, a folder to build in. Ends with 77 when compiler or emulator is missing.
set -euo pipefail
native=$1 source=$2 build=$3
compiler=aarch64-linux-gnu-g++
emulator=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)
[[ $(uname -m) == aarch64 ]] && emulator=env
if ! command -v "$compiler" >/dev/null; then
  echo "skipped: $compiler is not installed (apt-get install g++-aarch64-linux-gnu)"
  exit 77
elif [[ -z $emulator ]]; then
  echo "skipped: qemu-aarch64 is not installed (apt-get install qemu-user)"
  exit 77
fi
launcher=$(command -v ccache || true)
cmake -S "$source/tests/neon" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" \
  -DCMAKE_TOOLCHAIN_FILE="$source/cmake/aarch64.cmake" >/dev/null
cmake --build "$build" >"$build/build.log" 2>&1 || { tail -n 40 "$build/build.log"; exit 1; }
fused=$(aarch64-linux-gnu-objdump -d "$build/kernel_digests" | grep -c 'fmla.*\.4s' || true)
((fused > 0)) || { echo "the program holds no fused multiply-add of four floats: NEON was not compiled"; exit 1; }
"$emulator" "$build/environment_check"

"$native" | sort >"$build/native.txt"
"$emulator" "$build/kernel_digests" | sort >"$build/aarch64.txt"
targets=$(awk '{print $2}' "$build/aarch64.txt" | sort -u | tr '\n' ' ')
[[ $targets == "neon portable " ]] || { echo "aarch64 ran on: $targets"; exit 1; }
# One digest per operator, whatever the processor and target.
sort -u <(awk '{print $1, $3}' "$build/native.txt") <(awk '{print $1, $3}' "$build/aarch64.txt") >"$build/digests.txt"
cat "$build/native.txt" "$build/aarch64.txt" | sort
operators=$(cut -d' ' -f1 "$build/digests.txt" | sort -u | wc -l)
different=$(cut -d' ' -f1 "$build/digests.txt" | sort | uniq -d)
if [[ -n $different ]]; then
  echo "not the same on every target: $different"
  exit 1
fi
echo "$operators operators, the same bits on aarch64 (${targets% }; $fused fused instructions) and here" \
  "($(awk '{print $2}' "$build/native.txt" | sort -u | tr '\n' ' ' | sed 's/ $//'))"
