#!/usr/bin/env bash
# The main job on the embedded corpus: raw text to a verified model. Ends with REPRODUCED and the published root.
# Arguments are passed on to `reprise reproduce`, such as --ranks 2 or --out DIR.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
cmake --preset release >&2
cmake --build build --target reprise >&2
exec build/bin/reprise reproduce configs/runs/tiny.pbtxt "$@"
