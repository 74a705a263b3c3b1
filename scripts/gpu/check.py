#!/usr/bin/env python3
"""Checks everything on a GPU that no test without one can: docs/reference/gpu.md, "The first time on a GPU".

    python3 scripts/gpu/check.py measured --minutes 9

Leaves FOLDER/NN-name.log and .json of each step, FOLDER/machine.txt, FOLDER/summary.json and FOLDER/summary.md; removes
those of an earlier check. Step 1 always runs; the data and the run of the CPU that 11 to 15 are compared with are made
before the first of them. The exit code is 0 when every step that was asked for has passed or cannot run on this
machine, 1 when one failed or had no time, 130 after Ctrl-C. Standard library only.

Environment: DEVICE (cuda; or cuda:N, but 12 to 14 take the GPUs of ranks), PYTHON (has the torch wheel, whose libraries
are used; LD_LIBRARY_PATH comes before them), SANITIZER (compute-sanitizer), REPRISE_TORCH_CUDA_LIBRARY,
REPRISE_NCCL_LIBRARY, REPRISE_CUDART_LIBRARY.
"""

import sys

sys.dont_write_bytecode = True  # of the other files, beside their source

import argparse
import difflib
import os
import re
import shlex
import shutil
import signal
import time
from pathlib import Path

from processes import Guard, Stopped, raise_when_stopped, run_line
from steps import PREPARE, ROOT, Machine, all_steps, preamble, short
from summary import Summary, figures_of, is_of_a_check, reason_in, was_ended_by_timeout

LEAST = 5  # seconds that a step needs to be begun
RESERVE = 8  # seconds for the end of the last one, and the summary


class Parser(argparse.ArgumentParser):
    """Says what is wrong as `reprise` does."""

    def error(self, message):
        flags = [flag for action in self._actions for flag in action.option_strings]
        word = next((word for word in message.split() if word.startswith("--")), "").split("=")[0].rstrip(":")
        near = [] if word in flags else difflib.get_close_matches(word, flags, 1)
        print(f"error[usage]: {message}", file=sys.stderr)
        print(f"hint: {f'did you mean {near[0]}? ' if near else ''}see `python3 scripts/gpu/{self.prog} --help`",
              file=sys.stderr)
        sys.exit(2)


def numbers_in(text):
    """Steps of a list such as 2-5,9."""
    numbers = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= 16:
            raise argparse.ArgumentTypeError(f"'{part}' is no step, and no range of steps, from 1 to 16")
        numbers.update(range(first, last + 1))
    return numbers


def minutes_in(text):
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0
    if not 0 < minutes < 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of minutes")
    return minutes


def options_of(arguments):
    head, *rest = __doc__.split("\n\n")
    parser = Parser(prog="check.py", description=head, epilog="\n\n".join(rest), allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", help="of the results")
    parser.add_argument("--steps", type=numbers_in, default=set(range(1, 17)), help="such as 2-5,9; all by default")
    parser.add_argument("--minutes", type=minutes_in, help="for everything; a step that finds no time left is not run")
    parser.add_argument("--bin", default=ROOT / "build/cuda/bin", help="folder of the programs (build/cuda/bin)")
    parser.add_argument("--config", default=ROOT / "configs/runs/tiny.pbtxt",
                        help="what 11 to 16 train (configs/runs/tiny.pbtxt)")
    parser.add_argument("--set", action="append", metavar="A.B=VALUE",
                        help="overrides a field of it, repeatable (train.num_steps=120)")
    parser.add_argument("--list", action="store_true", help="print the steps and their commands, run nothing")
    options = parser.parse_args(arguments)
    options.device = os.environ.get("DEVICE", "cuda")
    if not re.fullmatch(r"cuda(:\d+)?", options.device):
        parser.error(f"DEVICE={options.device}: this checks a GPU, cuda or cuda:N")
    if not shutil.which(os.environ.get("PYTHON", sys.executable)):
        parser.error(f"PYTHON={os.environ['PYTHON']}: there is no such program")
    for path in (options.folder, options.bin):
        if shlex.quote(short(path)) != short(path):
            parser.error(f"{path}: the commands name it without quotes (no spaces or signs of the shell)")
    if not options.list and not os.access(Path(options.bin, "reprise_conformance"), os.X_OK):
        parser.error(f"no program reprise_conformance in {options.bin} (the preset `cuda` builds it; --bin FOLDER)")
    if not options.list and not Path(options.config).is_file():
        parser.error(f"no config {options.config} (--config FILE)")
    if not options.list and not may_be_cleared(Path(options.folder)):
        parser.error(f"{options.folder} holds other things than an earlier check (a new FOLDER)")
    return options


def may_be_cleared(folder):
    return not folder.exists() or folder.is_dir() and (is_of_a_check(folder) or not any(folder.iterdir()))


class Check:
    def __init__(self, options, machine, steps):
        self.folder = Path(options.folder).resolve()
        self.machine, self.steps, self.wanted = machine, steps, options.steps
        self.deadline = time.monotonic() + options.minutes * 60 - RESERVE if options.minutes else float("inf")
        self.guard = Guard()
        self.prepared = None  # once asked: whether there is a run to compare with
        self.clear()
        self.summary = Summary(self.folder, machine, steps)

    def clear(self):
        """What an earlier check has left would be taken for this one's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in [*self.folder.glob("[0-9][0-9]-*.*"), *self.folder.glob("summary.*")]:
            path.unlink()
        shutil.rmtree(self.folder / "runs", ignore_errors=True)

    def left(self):
        return self.deadline - time.monotonic()

    def run(self):
        """Returns the exit code."""
        print("\n".join(preamble(self.machine)))
        for step in self.steps[1:]:
            if step.number != 1 and step.number not in self.wanted:
                continue
            self.take(step)
            if self.summary.has_failed(1):
                self.summary.stop("step 1 failed: there is nothing to check here", 1)
                break
        return self.summary.finish()

    def take(self, step):
        """Runs a step, or says why not; returns whether it has passed."""
        reason = self.machine.lacks(step)
        if reason:
            return self.note(step, "skipped", reason=reason)
        if self.left() < LEAST:
            return self.note(step, "no time")
        if 11 <= step.number <= 16 and not self.is_prepared():
            return self.note(step, "not run", reason="without the run of the CPU")
        return self.execute(step, min(step.seconds, self.left()))

    def is_prepared(self):
        if self.prepared is None:
            self.prepared = self.take(self.steps[PREPARE])
        return self.prepared

    def note(self, step, result, **facts):
        self.summary.note(step, result, **facts)
        return result == "pass"

    def execute(self, step, limit):
        begun = time.monotonic()
        log = self.folder / f"{step.number:02}-{step.name}.log"
        log.write_text("\n".join(["# to repeat it:", *preamble(self.machine), ""]))
        facts, reasons, said, code = {"log": log.name}, [], "", 0
        has_failed = False  # and not only been cut off, by the deadline or under a slow tool
        try:
            for line in step.lines:
                code, words = self.line(line, log, limit - (time.monotonic() - begun))
                said += words
                if code != 0:
                    if not was_ended_by_timeout(line, code) and not (code is None and limit < step.seconds):
                        has_failed = True
                        facts.setdefault("exit_code", code)
                    reasons.append(reason_in(line, code, words, log.with_suffix(".json")))
                    if code is None or not step.each:
                        break
        except Stopped:
            self.note(step, "interrupted", seconds=time.monotonic() - begun, **facts)
            raise
        facts["figures"], facts["report"] = figures_of(log.with_suffix(".json"), said)
        facts.update(reason="; ".join(reasons), seconds=time.monotonic() - begun)
        passed = self.note(step, "fail" if has_failed else "no time" if reasons else "pass", **facts)
        if reasons and code is not None and step.repeat:
            self.look_closer(step)
        return passed

    def line(self, line, log, seconds):
        print(f"     $ {line}", flush=True)
        with log.open("a") as file:
            file.write(f"$ {line}\n")
        before = log.stat().st_size
        code = run_line(line, log, seconds, ROOT, self.machine.all_variables(), self.guard)
        with log.open("rb") as file:
            file.seek(before)
            said = file.read().decode(errors="replace")
        with log.open("a") as file:
            file.write(f"# {'no end within its time' if code is None else f'exit code {code}'}\n")
        return code, said

    def look_closer(self, step):
        """Under memcheck once more: what it says is no result of the step."""
        log = self.folder / f"{step.number:02}-{step.name}-memcheck.log"
        limit = min(100, self.left())
        if limit < LEAST:
            return
        log.write_text("")
        code, said = self.line(step.repeat, log, limit)
        end = "" if code is None else f"exit {code}, "
        self.summary.add(step, f"under memcheck: {end}{reason_in(step.repeat, code, said)} ({log.name})",
                         memcheck_exit_code=code)


def print_steps(machine, steps, wanted):
    print("\n".join(preamble(machine)))
    for step in steps:
        if step.number in wanted or (step.number == PREPARE and wanted & set(range(11, 17))):
            print(f"{step.number:2} {step.name}" + "".join(f"\n     $ {line}" for line in step.lines))


def main():
    options = options_of(sys.argv[1:])
    machine = Machine(options.bin, options.folder, options.device)
    steps = all_steps(machine, short(options.config), options.set or ["train.num_steps=120"])
    if options.list:
        print_steps(machine, steps, options.steps)
        return 0
    check = Check(options, machine, steps)
    raise_when_stopped()
    try:
        return check.run()
    except Stopped as stopped:
        check.summary.stop(f"stopped by {signal.Signals(stopped.number).name}", 128 + stopped.number)
        return check.summary.finish()
    finally:
        check.guard.close()


if __name__ == "__main__":
    sys.exit(main())
