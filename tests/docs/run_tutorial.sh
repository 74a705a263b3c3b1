#!/usr/bin/env bash
# Runs every command of docs/tutorial.md in order, with RUN in a scratch folder.
# usage: run_tutorial.sh SOURCE_DIR BINARY_DIR
set -euo pipefail
source_dir=$1 binary_dir=$2
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
cd "$source_dir"
export RUN=$scratch/run
commands=$(awk '/^```sh$/ {on = 1; next} /^```$/ {on = 0} on' docs/tutorial.md)
[ "$(printf '%s\n' "$commands" | grep -c '^build/bin/reprise')" -ge 12 ] || { echo "the tutorial has lost its commands"; exit 1; }
# The tutorial names build/bin; the build under test may lie elsewhere.
printf 'set -euxo pipefail\n%s\n' "${commands//build\/bin\/reprise/$binary_dir/bin/reprise}" >"$scratch/commands.sh"
bash "$scratch/commands.sh"
