#!/usr/bin/env bash
# Exports a checkpoint of a small run and checks it with check_export.py. Skipped (77) unless REPRISE_PEERS_PYTHON names a
# Python with h5py, numpy, protobuf, torch, safetensors and transformers.
# usage: run_check_export.sh SOURCE_DIR BINARY_DIR
set -euo pipefail
if [ -z "${REPRISE_PEERS_PYTHON:-}" ]; then
  echo "SKIPPED: REPRISE_PEERS_PYTHON is not set"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
cd "$1"
"$2/bin/reprise" data build tests/data/small.pbtxt --out "$scratch/run" 2>/dev/null
"$2/bin/reprise" train tests/data/small.pbtxt --out "$scratch/run" >/dev/null 2>&1
"$2/bin/reprise" checkpoint export "$scratch/run" --step 20 --out "$scratch/exported"
"$REPRISE_PEERS_PYTHON" tests/peers/check_export.py "$scratch/run" "$scratch/exported"
