#!/usr/bin/env python3
"""Builds data and trains one small run with the program, computes it again and compares every bit; then one flipped bit of a
copy, in a weight and in the log, must be seen. The exit code is 77 where the Python has no numpy or h5py.

check_one_run.py --program build/bin/reprise
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

FOLDER = os.path.dirname(os.path.abspath(__file__))
try:
    import h5py
    import numpy as np
except ImportError as error:
    print(f"SKIPPED: {sys.executable} has no {error.name}; apt-get install python3-numpy python3-h5py")
    raise SystemExit(77) from None

import host_values
import second_implementation


def make_run(program, folder):
    recipe, corpus = os.path.join(FOLDER, "one_run.pbtxt"), os.path.join(FOLDER, "../../corpora/tiny")
    for verb in (["data", "build"], ["train"]):
        command = [program, *verb, recipe, "--set", f"runtime.corpus_dir={corpus}", "--out", folder, "--threads", "1", "--quiet"]
        subprocess.run(command, check=True)


def features_seen(run):
    """whether what the recipe switches on happened at all"""
    samples = run.plan.begin[run.plan.num_steps]
    inside = sum((run.order.sequence(i)[0][:-1] == run.shards.end_of_text).any() for i in range(samples))
    print(f"{inside} of {samples} sequences have an end of text inside; {run.updates_left_out} updates left out")
    return inside > 0 and run.updates_left_out > 0


def near_ties_by_the_clauses():
    """whether values are the same when the clauses decide nearly all of them, not the C library"""
    angles = np.arange(0, 40, 0.37, dtype=np.float32)

    def values():
        weights = host_values.initial_weights(3, (9, 7), 5, 0.02, 2.5)
        return b"".join(x.tobytes() for x in (weights, *host_values.cosines_and_sines(angles)))

    usual, slack = values(), host_values.SLACK
    host_values.SLACK = 2.0 ** -23
    same, decided = values() == usual, host_values.decided
    host_values.SLACK, host_values.decided = slack, 0
    print(f"{decided} values of host functions by the clauses: {'same' if same else 'DIFFER'}")
    return same and decided > 200


def flip_weight(folder):
    """the lowest bit of the last weight of checkpoint 1"""
    with h5py.File(f"{folder}/checkpoints/step-000001.h5", "r+") as f:
        weights = f["weights/lm_head.weight"]
        values = weights[()]
        values.reshape(-1).view(np.uint32)[-1] ^= 1
        weights[...] = values


def flip_log(folder):
    """a bit of the record of step 1, which is the third"""
    with open(f"{folder}/run.log", "r+b") as log:
        frames = second_implementation.rf.split_frames(log.read())
        log.seek(len(frames[0]) + len(frames[1]) + len(frames[2]) // 2)
        byte = log.read(1)[0]
        log.seek(-1, os.SEEK_CUR)
        log.write(bytes([byte ^ 1]))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", required=True)
    options, failed = options.parse_args(), []
    with tempfile.TemporaryDirectory() as scratch:
        folder = f"{scratch}/run"
        make_run(os.path.abspath(options.program), folder)
        if not near_ties_by_the_clauses():
            failed.append("the C library decides otherwise than the clauses")
        run = second_implementation.compare(folder)
        if run is None:
            failed.append("the run is not the one computed here")
        elif not features_seen(run):
            failed.append("a feature of one_run.pbtxt did not happen: choose another seed")
        for flip in (flip_weight, flip_log):
            shutil.copytree(folder, f"{scratch}/copy")
            flip(f"{scratch}/copy")
            if second_implementation.compare(f"{scratch}/copy", steps=1) is not None:
                failed.append(f"not seen: {flip.__doc__}")
            shutil.rmtree(f"{scratch}/copy")
    print("\n".join(failed) or "SAME, and each flipped bit is DIFFERENT")
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
