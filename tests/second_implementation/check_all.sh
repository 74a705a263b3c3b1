#!/usr/bin/env bash
# Computes about 70 runs, averages, packed checkpoints, scores, a whole root, the first steps of the published run and of
# Conformance again. Every line must say SAME or same; the exit code is 1 when one does not, 77 without numpy or h5py.
# usage: check_all.sh PROGRAM [SCRATCH]    PYTHON=python3; SCRATCH is kept, without it all is removed at the end
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
reprise=$(realpath "$1") source=$(realpath "$here/../..") python=${PYTHON:-python3}
if ! "$python" -c 'import numpy, h5py' 2> /dev/null; then
  echo "SKIPPED: $python has no numpy or h5py; apt-get install python3-numpy python3-h5py"
  exit 77
fi
if [ -n "${2:-}" ]; then
  mkdir -p "$2"
  cd "$2"
else
  scratch=$(mktemp -d)
  trap 'rm -r "$scratch"' EXIT
  cd "$scratch"
fi
export PYTHONDONTWRITEBYTECODE=1 PYTHONIOENCODING=utf-8
corpus=(--set "runtime.corpus_dir=$source/corpora/tiny")
failed=0 from="" config=$here/base.pbtxt

fail() { failed=$((failed + 1)); }
ours() { "$python" "$here/$1.py" "${@:2}"; }
show_difference() { echo "$1:"; grep -v '^same' "$1.check" | cut -c1-900 || true; fail; }
build() { rm -rf "$2"; "$reprise" data build "$1" "${corpus[@]}" --out "$2" "${@:3}" --quiet > "$2.data" 2>&1; }
compare() {  # RUN [flag]...
  ours second_implementation "$@" > "$1.check" 2>&1 || { show_difference "$1"; return; }
  echo "$1: $(tail -1 "$1.check"), $(grep -c ^same "$1.check") records, $(grep ^chain "$1.check")"
}
whole() {  # CONFIG RUN [flag of data build]...
  if ! { build "$@" && "$reprise" train "$1" "${corpus[@]}" --out "$2" --threads 1 --quiet > "$2.train" 2>&1; }; then
    cat "$2.data" "$2.train"
    fail
    return
  fi
  compare "$2"
}
sweep() {  # RUN [PATH=VALUE]...: a run on the data of `base`, or with $from a child
  local run=$1 sets=() start=(--from "$from"); shift
  for override in "$@"; do sets+=(--set "$override"); done
  rm -rf "$run"
  if [ -z "$from" ]; then
    mkdir "$run"
    cp -r base/shards base/tokenizer base/data "$run"
    start=("$config")
  fi
  if ! "$reprise" train "${start[@]}" "${sets[@]}" "${corpus[@]}" --out "$run" --threads 1 --quiet > "$run.train" 2>&1; then
    cat "$run.train"
    fail
    return
  fi
  compare "$run"
}
check() { "$@" || fail; }

check ours function_digests
whole "$here/small.pbtxt" small
whole "$here/features.pbtxt" features
for kind in replace metaspace; do
  ours make_tokenizer $kind > $kind.json
  whole "$here/byte_fallback.pbtxt" fb_$kind --tokenizer $kind.json
done
build "$here/base.pbtxt" base
for s in linear constant inverse_sqrt cosine; do
  sweep lr_$s train.learning_rate.shape=$s
done
for d in linear cosine one_minus_sqrt; do
  sweep wsd_$d train.learning_rate.shape=wsd train.learning_rate.decay_steps=7 train.learning_rate.decay=$d
done
sweep short_shape train.learning_rate.shape_steps=15
sweep short_wsd train.learning_rate.shape_steps=15 train.learning_rate.shape=wsd train.learning_rate.decay_steps=5
sweep long_shape train.learning_rate.shape_steps=60 train.learning_rate.shape=linear
sweep no_warmup train.learning_rate.warmup_steps=0
sweep no_z train.z_loss=0 train.clip_norm=100
sweep big_z train.z_loss=3 train.num_steps=6
sweep spikes 'train.spike_skipping={window: 7 sigma: 0.3}' train.num_steps=60
sweep spikes_loss 'train.spike_skipping={window: 4 sigma: 0.1 gradient_norm: false}' train.num_steps=40 train.learning_rate.peak=0.5
sweep spikes_norm 'train.spike_skipping={window: 30 sigma: 0.5 loss: false}' train.num_steps=60
sweep eval_some 'train.evaluation={interval: 7 sequences: 14}'
sweep eval_grain 'train.evaluation={interval: 2 sequences: 100000}' train.sequence_length=37 train.grain_sequences=4 train.num_steps=2
sweep mask train.document_mask=true train.sequence_length=200
sweep groups_p 'train.adamw.group=[{tensor:"*_norm*" learning_rate_scale: 0},{tensor:"model.layers.?.mlp.*" weight_decay: 0.7 learning_rate_scale: 3.3},{tensor:"*"  weight_decay: 0}]'
sweep rates train.learning_rate.peak=0.0123456789 train.adamw.weight_decay=0.123 'train.adamw.group=[{tensor:"*proj*" learning_rate_scale: 0.7654321}]' train.learning_rate.final_fraction=0.3333 train.num_steps=60
sweep betas train.adamw.beta1=0 train.adamw.beta2=0.5 train.adamw.weight_decay=0 train.adamw.epsilon=1e-3
sweep steps train.checkpoints.per_doubling=3 'train.checkpoints.step=[5,7,23]' train.num_steps=37
sweep no_doubling train.checkpoints.per_doubling=0 train.num_steps=37
sweep wide model.hidden_size=264 model.ffn_size=300 model.num_heads=1 train.num_steps=3
sweep long train.sequence_length=600 train.num_steps=3 train.grain_sequences=1 model.hidden_size=8 model.num_heads=2
sweep very_long train.sequence_length=3000 train.batch_sequences=1 train.grain_sequences=1 train.num_steps=2 model.hidden_size=32 model.num_heads=1 model.rope_theta=20000
sweep many_grains train.batch_sequences=21 train.grain_sequences=3 train.num_steps=5
sweep head_2 model.hidden_size=10 model.num_heads=5 train.num_steps=5 train.grain_sequences=1 train.batch_sequences=5 train.sequence_length=2
sweep theta model.rope_theta=100 model.norm_eps=0.01 train.adamw.decay_embeddings=true model.hidden_size=64 model.num_heads=1 train.sequence_length=100 train.num_steps=4
sweep layers model.num_layers=11 model.num_heads=6 train.num_steps=4
for c in 0.01 0.5 2 6; do
  sweep cut_$c model.init_cut=$c train.num_steps=2 model.hidden_size=64 model.num_heads=4
done
groups='train.group=[{name:"r" language:"R"},{name:"sh" language:"Shell" max_epochs: 200},{name:"x"}]'
sweep groups "$groups" 'train.stage=[{name:"a" tokens: 150 share{group:"sh" weight:1} share{group:"x" weight:1.7}}, {name:"b" share{group:"sh" epochs:2.5} share{group:"r" token_budget: 188} share{group:"x" weight:1}}]'
sweep groups_scaled "$groups" 'train.stage=[{name:"a" steps: 7 share{group:"sh" weight:1} share{group:"x" weight:1.7}}, {name:"b" share{group:"sh" epochs:4} share{group:"x" token_budget: 410}}]'
sizes='train.batch_warmup=[{sequences:2 tokens: 50},{sequences: 4 steps: 3},{sequences: 6 tokens: 100}]'
sed "s/ warmup_steps: 3//" "$here/base.pbtxt" > no_warmup.pbtxt
config=no_warmup.pbtxt
sweep warm "$sizes" train.batch_sequences=8 train.checkpoints.interval_tokens=130 train.checkpoints.per_doubling=4 train.learning_rate.warmup_tokens=200
stages='train.stage=[{name:"a" tokens: 111 share{group:"r" weight:1}},{name:"b" tokens: 211 share{group:"x" weight:1}},{name:"c" share{group:"r" weight:1}}]'
sweep warm_stage "$sizes" train.batch_sequences=8 train.learning_rate.warmup_tokens=199 'train.group=[{name:"r" language:"R"},{name:"x"}]' "$stages"
config=$here/base.pbtxt
# values at the edges of binary32
sweep tiny_gradient train.clip_norm=1e-36 train.num_steps=8
sweep tiny_gradient2 train.clip_norm=1e-19 train.num_steps=8 train.adamw.epsilon=1e-20
sweep tiny_rate train.learning_rate.peak=1e-38 train.num_steps=4
sweep wild model.init_std=40 train.num_steps=8 train.sequence_length=60
sweep wild2 model.init_std=2000 train.num_steps=8 train.sequence_length=60 train.learning_rate.peak=1 train.clip_norm=1e30
sweep small_init model.init_std=1e-18 train.num_steps=8 train.sequence_length=60
sweep smaller_init model.init_std=1e-38 train.num_steps=8 train.sequence_length=60 model.norm_eps=1e-30
# runs that go on from another run
sweep parent
from=parent@24
sweep f_plain train.num_steps=40
from=parent@9
sweep f_any_step train.num_steps=20
sweep f_start train.learning_rate.start_step=5
sweep f_start_shape train.learning_rate.start_step=9 train.learning_rate.shape_steps=8 train.learning_rate.warmup_steps=0
sweep f_inverse train.learning_rate.start_step=7 train.learning_rate.shape=inverse_sqrt
sweep f_wsd train.learning_rate.start_step=7 train.learning_rate.shape=wsd train.learning_rate.decay_steps=6
sweep f_reset parent.reset_optimizer=true train.adamw.beta1=0.8
sweep f_beta train.adamw.beta1=0.8 train.adamw.beta2=0.999
sweep f_restart parent.restart_data=true seed=99
sweep f_batch train.batch_sequences=6 train.grain_sequences=3 train.checkpoints.interval_tokens=77
sweep f_length train.sequence_length=23 train.grain_sequences=1
sweep f_warm train.batch_sequences=8 'train.batch_warmup=[{sequences:2 steps: 4},{sequences: 6 tokens: 500}]' train.checkpoints.interval_tokens=111
sweep f_warm_rate train.batch_sequences=8 train.learning_rate.warmup_steps=0 train.learning_rate.warmup_tokens=300 train.learning_rate.start_step=9 'train.batch_warmup=[{sequences:2 steps: 14}]'
sweep f_stage 'train.group=[{name:"r" language:"R"},{name:"x"}]' "$stages"
sweep f_spike 'train.spike_skipping={window: 6 sigma: 0.2}' train.num_steps=40 'train.evaluation={interval:5 sequences: 6}'
from=""
# averages, packed checkpoints, held-out scores, and the root of everything
average=("$reprise" checkpoint average features@0 features@4 features@9)
check "${average[@]}" --out uniform.h5 > /dev/null
check "${average[@]}" --weights 0.7 0.45 -0.1234 --out weighted.h5 > /dev/null
check "$reprise" checkpoint average features --ema 0.9 --out ema_of_files.h5 > /dev/null
check "$reprise" checkpoint ema features --decay 0.8 --from 4 --to 8 --out ema_of_steps.h5 > /dev/null
check ours second_checks average uniform.h5 weighted.h5 ema_of_files.h5 ema_of_steps.h5
check "$reprise" eval mask --tasks held_out --threads 1 --json > figures.json 2> /dev/null
check ours second_checks held_out mask figures.json
if "$python" -c 'import zstandard' 2> /dev/null; then
  rm -rf packed reproduced; cp -r features packed
  check "$reprise" checkpoint pack packed > /dev/null 2>&1
  check ours second_checks differences packed features
  check "$reprise" reproduce "$here/base.pbtxt" "${corpus[@]}" --set name=reproduced --set eval.num_checkpoints=3 \
    --set eval.pairs_per_phenomenon=5 --set train.sequence_length=60 --out reproduced --threads 1 --quiet > reproduced.txt 2>&1
  "$reprise" eval suite --pairs 5 > suite.txt
  check ours whole_root reproduced "$source/corpora/tiny" suite.txt
else
  echo "not compared: packed checkpoints and a whole root, for which $python lacks zstandard (apt-get install python3-zstandard)"
fi
# the first steps of the published run, and of Conformance: a minute each
tiny=$source/configs/runs/tiny.pbtxt
build "$tiny" tiny
"$reprise" train "$tiny" "${corpus[@]}" --out tiny --threads 1 --quiet > tiny.train 2>&1 &
training=$!
until [ "$(ls tiny/checkpoints 2> /dev/null | wc -l)" -gt 3 ] || ! kill -0 $training 2> /dev/null; do sleep 0.5; done
kill $training 2> /dev/null || true
wait $training || true
compare tiny --steps 2 --published "$source/configs/runs/tiny.published.json"
check ours conformance_training
if [ $failed != 0 ]; then
  echo "$failed DIFFERENT"
  exit 1
fi
echo "ALL SAME"
