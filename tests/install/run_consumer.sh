#!/usr/bin/env bash
# Installs the build into a scratch folder, then builds and runs a project that uses it through find_package.
# usage: run_consumer.sh SOURCE_DIR BINARY_DIR
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
cmake --install "$2" --prefix "$scratch/prefix" >/dev/null
cmake -S "$1/tests/install" -B "$scratch/build" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" >/dev/null
cmake --build "$scratch/build"
"$scratch/build/consumer" | grep -q '^ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad '
if [ -e "$scratch/build/decoder" ]; then
  "$scratch/build/decoder" | grep -qx 4.1109  # log(61)
fi
