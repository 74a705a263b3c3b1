#!/usr/bin/env bash
# Sets up, builds and runs every default test; ends with CTest's summary. Long checks: ctest --test-dir build -L long
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh --test-tools
cmake --preset release
cmake --build build
exec ctest --preset release
