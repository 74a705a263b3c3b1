#!/usr/bin/env bash
# Measures the contract's constants against others: segments of products [C-3] of 64 to 1024, row sums [C-4] in 16 to 64
# lanes. Builds copies of the kernels with other constants beside the real ones, in BUILD/constants.
# usage: contract_constants.sh [BUILD=build]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
work=$build/constants
compiler=${CXX:-g++}
flags=(-std=c++20 -O3 -DNDEBUG -ffp-contract=off -fno-math-errno -DHWY_BROKEN_EMU128=1 -DHWY_COMPILE_ALL_ATTAINABLE=1
  -DHWY_DISABLE_PCLMUL_AES=1 -DHWY_DISABLE_F16C=1)

measure() {  # name file pattern replacement
  local copy=$work/$1
  mkdir -p "$copy"
  cp -r numerics/kernels/include numerics/kernels/src "$copy/"
  if [[ -n ${2:-} ]]; then
    grep -q "$3" "$copy/$2" || { echo "error: $2 does not hold '$3'" >&2; exit 1; }
    sed -i "s/$3/$4/" "$copy/$2"
  fi
  local sources=("$copy"/src/{gemm,rms_norm,target,target_x86,scratch}.cpp benchmarks/contract_constants.cpp)
  "$compiler" "${flags[@]}" -I"$copy/include" -I"$copy/src" -Icore/include "${sources[@]}" \
    "$build/core/libreprise_core.a" -lfmt -lhwy -lcrypto -lpthread -o "$copy/measure"
  echo "== $1"
  "$copy/measure"
}

measure "the contract: segments of 256, 32 lanes"
for segment in 64 128 512 1024; do
  measure "segments of $segment" include/reprise/numerics/kernels.h 'kGemmSegment = 256' "kGemmSegment = $segment"
done
for lanes in 16 64; do
  measure "$lanes lanes" src/vector-inl.h 'kVirtualLanes = 32' "kVirtualLanes = $lanes"
done
