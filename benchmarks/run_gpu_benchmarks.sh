#!/bin/bash
# Measures everything of docs/benchmarks.md, "GPU", on the GPU of this machine, in less than 10 minutes: gpu_benchmark and
# its peer in PyTorch take turns. The first round has PyTorch compile its graphs, which takes minutes; the next ones find
# them in its cache. Writes FOLDER/*.jsonl, FOLDER/machine.txt, FOLDER/table.{md,json}, and prints the table.
#
# usage: run_gpu_benchmarks.sh FOLDER
# Environment: PROGRAM (build/cuda/bin/gpu_benchmark), PYTHON (python3; with torch 2.11), DEVICE (cuda), ROUNDS (3),
# LIMIT (seconds, 560), SHAPES and LAUNCH_SHAPES (NAME=hidden,layers,...,grains, spaces between), VALUES (5 of each figure
# and round), LEAST (0.03 seconds for one value), MODES and ATTENTION (of gpu_peer.py).
set -u
if [ $# -ne 1 ]; then sed -n '2,9p' "$0" >&2; exit 2; fi
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
program=${PROGRAM:-build/cuda/bin/gpu_benchmark}
python=${PYTHON:-python3}
device=${DEVICE:-cuda}
case $device in
  cpu | cuda) ;;
  *)  # the peer takes the first GPU that it sees
    echo "error[usage]: DEVICE=$device: both sides are measured on cpu or cuda" >&2
    echo "hint: DEVICE=cuda, and CUDA_VISIBLE_DEVICES=N for another GPU than the first" >&2
    exit 2 ;;
esac
limit=${LIMIT:-560}
shapes=${SHAPES:-124m=768,12,12,2048,25600,1024,8,2 350m=1024,24,16,2688,25600,1024,8,2}
launch_shapes=${LAUNCH_SHAPES:-2m=128,6,4,384,2048,128,2,1}
mkdir -p "$folder"
rm -f "$folder"/*.jsonl "$folder"/table.*

# LibTorch of the wheel, cuBLAS of the wheel or of the toolkit.
torch=$("$python" -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' || true)
export LD_LIBRARY_PATH=$torch/lib:$torch/../nvidia/cu13/lib:/usr/local/cuda/lib64:${LD_LIBRARY_PATH:-}

# What the native profile refuses changes float32 of cuBLAS and of the peer, too.
unset NVIDIA_TF32_OVERRIDE PYTORCH_TUNABLEOP_ENABLED CUBLAS_EMULATE_SINGLE_PRECISION CUBLAS_EMULATION_STRATEGY \
  CUBLASLT_HEURISTICS_LUT_FILE

{ nvidia-smi || true; nvidia-smi -q -d CLOCK,POWER || true; "$python" --version; } > "$folder/machine.txt" 2>&1

left() { echo $((limit - SECONDS)); }
flags_of() { for shape in $1; do printf -- '--shape %s ' "$shape"; done; }
common="--device $device --rounds ${VALUES:-5} --seconds ${LEAST:-0.03}"
status=0
measure() {  # file, command...
  local file=$1
  shift
  local seconds
  seconds=$(left)
  [ "$seconds" -gt 5 ] || { echo "no time left: $*" >> "$folder/errors.txt"; return; }
  timeout "$seconds" "$@" >> "$file" 2>> "$folder/errors.txt"
  local code=$?
  if [ $code -eq 124 ] && [ "$round" -gt 1 ]; then  # the rounds before it have its figures
    echo "no time left in round $round: $*" >> "$folder/errors.txt"
  elif [ $code -ne 0 ]; then
    echo "failed: $*" | tee -a "$folder/errors.txt" >&2
    status=1
  fi
}
: > "$folder/errors.txt"
for round in $(seq 1 "${ROUNDS:-3}"); do
  if [ "$round" -gt 1 ] && [ "$(left)" -lt 240 ]; then break; fi  # ours takes most of 2 minutes, and then the peer begins
  ours=$folder/reprise-$round.jsonl
  # shellcheck disable=SC2046,SC2086  # lists of words
  {
    for shape in $shapes; do  # apart, so that what one of them lacks does not cost the others
      measure "$ours" "$program" --json $common --only gemm --only attention --only digests --shape "$shape"
      measure "$ours" "$program" --json $common --only step --shape "$shape"
    done
    measure "$ours" "$program" --json $common --only launch $(flags_of "$launch_shapes")
    # A process of its own: LibTorch's CUDA part settles cuBLAS's workspaces. The CPU's native steps are no figure.
    [ "$device" = cpu ] || for shape in $shapes; do
      measure "$ours" "$program" --json $common --only native --shape "$shape"
    done
    measure "$folder/pytorch-$round.jsonl" "$python" "$here/gpu_peer.py" $common $(flags_of "$shapes") \
      ${MODES:+--modes "$MODES"} ${ATTENTION:+--attention "$ATTENTION"} --deadline $(($(left) - 60))
  }
done
"$python" "$here/gpu_table.py" "$folder" --json "$folder/table.json" > "$folder/table.md" || status=1
cat "$folder/table.md"
[ $status -eq 0 ] || { echo "something failed; $folder/errors.txt says what" >&2; tail -20 "$folder/errors.txt" >&2; }
exit $status
