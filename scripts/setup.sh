#!/usr/bin/env bash
# Installs what a bare Debian 12 lacks: packages from Debian, LibTorch from the pinned PyPI wheels. What is there
# already is left alone. Works as root or as a user with sudo. Called by demo.sh and test.sh; the latter passes
# --test-tools, for what only tests use: a second compiler, a compiler and an emulator for aarch64, and what the second
# implementation of the numeric contract is written with.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '== %s\n' "$*" >&2; }
die() { printf 'error: %s\nhint: %s\n' "$1" "$2" >&2; exit 4; }

debian_packages=(
  g++ cmake ninja-build ccache git pkg-config ca-certificates
  python3 python3-pip unzip xz-utils zstd
  libssl-dev libfmt-dev libspdlog-dev nlohmann-json3-dev libcli11-dev libsimdjson-dev libcld2-dev libfasttext-dev libzstd-dev liblzma-dev zlib1g-dev libarchive-dev
  protobuf-compiler libprotobuf-dev libhwy-dev openmpi-bin libopenmpi-dev libhdf5-openmpi-dev
  libgtest-dev libgmock-dev
)
[ "${1:-}" != --test-tools ] || debian_packages+=(clang g++-aarch64-linux-gnu qemu-user python3-numpy python3-h5py)
missing=()
for package in "${debian_packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "packages are missing and sudo is not there: ${missing[*]}" \
      "run as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
    die "apt-get could not install: ${missing[*]}" \
      "check the network and apt's sources (Debian 12 has all of these), then run the same command again"
else
  say "Debian packages: all there"
fi

# Wheels are fetched for cp311 whatever Python is there, so that there is one hash of each.
[ -n "${REPRISE_TORCH_ROOT:-${XDG_CACHE_HOME:-${HOME:-}}}" ] ||
  die "HOME is not set, and LibTorch is unpacked into its .cache" "set HOME, or REPRISE_TORCH_ROOT to a folder for LibTorch"
torch_root="${REPRISE_TORCH_ROOT:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/reprise/libtorch-2.11.0}"
wheels="$torch_root/wheels"
platforms=(--platform manylinux2014_x86_64)
for minor in 17 18 24 25 26 27 28; do platforms+=(--platform "manylinux_2_${minor}_x86_64"); done
wheel_of() {  # name==version
  [ ! -d "$wheels" ] || find "$wheels" -maxdepth 1 -name "$(tr - _ <<<"${1%%==*}")-${1##*==}-*.whl" | head -n 1
}
download() {  # name==version
  [ -z "$(wheel_of "$1")" ] || return 0
  mkdir -p "$wheels"
  say "downloading $1"
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    --implementation cp "${platforms[@]}" -d "$wheels" "$1" >&2
}
check() {  # name==version sha256
  local file
  file="$(wheel_of "$1")"
  [ -n "$file" ] || die "pip left no wheel of $1 in $wheels" "run the same command again; the wheel is for Python 3.11 on x86-64"
  echo "$2  $file" | sha256sum --check --status ||
    die "$file does not have SHA-256 $2" "delete it and run the same command again"
}
fetch() {  # name==version sha256
  download "$1" || die "cannot download $1" "check the network and pip's index settings, then run the same command again"
  check "$1" "$2"
}

# LibTorch. One of your own is used when CMAKE_PREFIX_PATH points to one, among whatever else it names.
own_libtorch() {
  local folders folder
  IFS=: read -r -a folders <<<"${CMAKE_PREFIX_PATH:-}"
  for folder in "${folders[@]}"; do
    [ ! -f "$folder/lib/libtorch_cpu.so" ] || { echo "$folder" && return 0; }
  done
  return 1
}
if own="$(own_libtorch)"; then
  say "LibTorch: yours ($own)"
elif [ -f "$torch_root/complete" ]; then
  say "LibTorch: there already ($torch_root)"
else
  fetch torch==2.11.0 7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a
  fetch nvidia-cuda-runtime==13.0.96 7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548
  fetch nvidia-cuda-cupti==13.0.85 4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8
  say "unpacking LibTorch"
  # Only what a CPU build needs; the wheel's CUDA libraries stay packed. unzip's status 11: a pattern matched nothing.
  for wheel in "$wheels"/*.whl; do
    unzip -q -o "$wheel" 'torch/include/*' 'torch/lib/libtorch_cpu.so' 'torch/lib/libtorch.so' 'torch/lib/libc10.so' \
      'torch/lib/libgomp*' 'torch/lib/libshm.so' 'torch.libs/*' 'nvidia/cu13/lib/lib*.so*' -d "$torch_root" 2>/dev/null || [ $? -eq 11 ] ||
      die "cannot unpack $wheel" "free some space in $torch_root, then run the same command again"
  done
  [ -f "$torch_root/torch/lib/libtorch_cpu.so" ] && [ -f "$torch_root/torch/include/ATen/ATen.h" ] ||
    die "the torch wheel did not hold LibTorch" "delete $torch_root and run the same command again"
  rm -r "$wheels"
  touch "$torch_root/complete"
fi

# NCCL: its header alone, for the transport between GPUs; the library is found at run time where there is one. A build
# without it lacks that transport and nothing else, so a cache that was complete before stays one without a network.
nccl=nvidia-nccl-cu13==2.28.9
if [ -f "$torch_root/nvidia/nccl/include/nccl.h" ]; then
  say "NCCL's header: there already"
elif download "$nccl"; then
  check "$nccl" e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42
  # By way of another folder: half a header must not be taken for a whole one.
  unzip -q -o "$(wheel_of "$nccl")" nvidia/nccl/include/nccl.h -d "$wheels/unpacked" ||
    die "cannot unpack NCCL's header" "free some space in $torch_root, then run the same command again"
  mkdir -p "$torch_root/nvidia/nccl/include"
  mv "$wheels/unpacked/nvidia/nccl/include/nccl.h" "$torch_root/nvidia/nccl/include/nccl.h"
  rm -r "$wheels"
else
  say "NCCL's header could not be downloaded: the build goes on without the transport between GPUs"
fi
