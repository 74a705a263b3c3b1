#!/usr/bin/env bash
# Makes a small run and checks it with check_run.py. Skipped (77) unless REPRISE_PEERS_PYTHON names a Python with h5py,
# numpy, protobuf and torch.
# usage: run_check_run.sh SOURCE_DIR BINARY_DIR
set -euo pipefail
if [ -z "${REPRISE_PEERS_PYTHON:-}" ]; then
  echo "SKIPPED: REPRISE_PEERS_PYTHON is not set"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
cd "$1"
"$2/bin/reprise" reproduce tests/data/small.pbtxt --out "$scratch/run" --quiet
"$REPRISE_PEERS_PYTHON" tests/peers/check_run.py "$scratch/run" --torch
"$2/bin/reprise" reproduce tests/data/features.pbtxt --out "$scratch/features" --quiet
"$REPRISE_PEERS_PYTHON" tests/peers/check_run.py "$scratch/features" --torch
# It must be able to say no: one byte of one checkpoint, of the log, of the tokenizer.
for file in checkpoints/step-000008.h5 run.log tokenizer/tokenizer.json; do
  cp "$scratch/run/$file" "$scratch/kept"
  size=$(stat -c %s "$scratch/kept")
  printf '\377' | dd of="$scratch/run/$file" bs=1 seek=$((size / 2)) conv=notrunc status=none
  if "$REPRISE_PEERS_PYTHON" tests/peers/check_run.py "$scratch/run" >/dev/null 2>&1; then
    echo "a changed byte of $file was not found"
    exit 1
  fi
  cp "$scratch/kept" "$scratch/run/$file"
done
# Checkpoints that are stored as differences have the same roots for it.
if "$REPRISE_PEERS_PYTHON" -c 'import zstandard' 2>/dev/null; then
  "$2/bin/reprise" checkpoint pack "$scratch/run" --quiet
  "$REPRISE_PEERS_PYTHON" tests/peers/check_run.py "$scratch/run"
fi
# What was pruned is a link of the chain by its record; without the record it is missing.
"$2/bin/reprise" checkpoint prune "$scratch/run" --keep-every 8 --keep-moments 1
"$REPRISE_PEERS_PYTHON" tests/peers/check_run.py "$scratch/run"
rm "$scratch/run/checkpoints/pruned.json"
if "$REPRISE_PEERS_PYTHON" tests/peers/check_run.py "$scratch/run" >/dev/null 2>&1; then
  echo "missing checkpoints were not found"
  exit 1
fi
