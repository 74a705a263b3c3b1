#!/bin/bash
# benchmarks/run_gpu_benchmarks.sh on the CPU with a tiny shape: the program given, its peer and the table. Skipped (77)
# unless REPRISE_PEERS_PYTHON names a Python with torch 2.11.
set -euo pipefail
if [ -z "${REPRISE_PEERS_PYTHON:-}" ]; then
  echo "SKIPPED: REPRISE_PEERS_PYTHON is not set"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
shape=tiny=32,2,2,48,67,19,6,3
DEVICE=cpu PROGRAM=$1 PYTHON=$REPRISE_PEERS_PYTHON ROUNDS=2 VALUES=2 LEAST=0 SHAPES=$shape LAUNCH_SHAPES=$shape \
  MODES=fp32-eager ATTENTION="pytorch fp32 math" LIMIT=500 benchmarks/run_gpu_benchmarks.sh "$scratch"
grep -q '^| tiny 6 x 19 tokens | pytorch fp32 eager |.*| [0-9.]* | [0-9.]* to [0-9.]* |.*| 2 |$' "$scratch/table.md"
grep -q '^| tiny 6 x 19 x 2 x 16 | pytorch fp32 math |.*| [0-9.]* | [0-9.]* to [0-9.]* |' "$scratch/table.md"
! grep -q '^## Missing' "$scratch/table.md"
