#!/usr/bin/env python3
"""Tests of scripts/gpu/check.py with programs that pretend to check a GPU: what it runs, says, leaves and ends with.

usage: check_test.py --source REPOSITORY
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM = Path(__file__).with_name("pretended_program.py")
NAMES = ("reprise_conformance", "reprise", "gpu_benchmark", "nvidia-smi", "compute-sanitizer", "mpirun")
# The limits of its steps are of minutes.
QUICK = """
import sys
sys.path.insert(0, "scripts/gpu")
import check
steps = check.all_steps
check.all_steps = lambda *of: [step._replace(seconds=min(step.seconds, {seconds})) for step in steps(*of)]
check.LEAST, check.RESERVE = 0.1, 0
sys.exit(check.main())
"""


def living(nap):
    """Processes that a pretended program has left."""
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout
    return [line for line in found.splitlines() if line.split()[1:] == ["sleep", nap]]


class GpuCheck(unittest.TestCase):
    source = None

    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.bin, self.out = self.root / "bin", self.root / "out"
        self.bin.mkdir()
        for name in NAMES:
            self.provide(name)
        for tool in ("bash", "sh", "tee", "grep", "cp", "rm", "mkdir", "cmp", "timeout", "ldd", "cat", "sleep", "git"):
            (self.bin / tool).symlink_to(shutil.which(tool))
        library = self.root / "library.so"
        library.touch()
        self.nap = f"{600 + os.getpid() / 1e7:.7f}"  # known by its length
        self.environment = {"PATH": str(self.bin), "PRETENDED_NAP": self.nap, "CUDA_HOME": str(self.root),
                            "REPRISE_NCCL_LIBRARY": str(library), "REPRISE_TORCH_CUDA_LIBRARY": str(library)}

    def provide(self, name):
        (self.bin / name).write_text(f"#!{sys.executable} -IS\n" + PROGRAM.read_text())
        (self.bin / name).chmod(0o755)

    def command(self, *flags, seconds=60):
        program = QUICK.format(seconds=seconds)
        return [sys.executable, "-B", "-c", program, str(self.out), "--bin", str(self.bin), *flags]

    def check(self, *flags, rules="", seconds=60, **more):
        return subprocess.run(self.command(*flags, seconds=seconds), cwd=self.source, capture_output=True, text=True,
                              env={**self.environment, "PRETEND": rules, **more})

    def summary(self):
        return json.loads((self.out / "summary.json").read_text())

    def results(self):
        return {row["step"]: row["result"] for row in self.summary()["steps"]}

    def row(self, number):
        (found,) = [row for row in self.summary()["steps"] if row["step"] == number]
        return found

    def test_passes_where_every_step_does(self):
        done = self.check()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.results(), {number: "pass" for number in range(17)})
        self.assertIn("the bits of the contract", done.stdout)
        self.assertIn("not proved: nothing is left", done.stdout)
        self.assertEqual(self.summary()["exit_code"], 0)
        self.assertEqual(self.summary()["device"], "cuda: pretended cuda")
        self.assertEqual(self.row(9)["report"]["operators"]["cells"], 600)
        self.assertIn("| 2 | operators | PASS |", (self.out / "summary.md").read_text())
        self.assertIn("NVIDIA-SMI 580", (self.out / "machine.txt").read_text())
        self.assertIn("--small --cells 90", (self.out / "02-operators.log").read_text())
        self.assertEqual(sorted(path.name for path in (self.out / "runs").iterdir() if path.is_dir()), ["cpu", "data"])

    def test_goes_on_behind_a_step_that_fails_and_looks_closer_at_a_small_one(self):
        done = self.check("--steps", "2,3,5", rules="^reprise_conformance.*--small --cells 90 => 1")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.results(), {1: "pass", 2: "fail", 3: "pass", 5: "pass"})
        self.assertRegex(done.stdout, r"2 operators +FAIL \(exit 1\).*error\[device\]: reprise_conformance ends with 1")
        self.assertIn("under memcheck: exit 1, error[device]", done.stdout)
        self.assertTrue((self.out / "02-operators-memcheck.log").exists())
        self.assertIn("\nnot proved: operators (small); ", done.stdout)

    def test_proves_with_a_large_step_what_a_small_one_has_not_denied(self):
        done = self.check("--steps", "5,9", rules="--steps 20 --native-steps 0 => 1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("operators, functions, 1,000 steps: the bits of the contract", self.summary()["proved"])
        self.assertIn("operators, 20 steps", self.summary()["not_proved"])
        self.assertNotIn("operators (small)", self.summary()["not_proved"])

    def test_says_what_of_a_report_differs(self):
        done = self.check("--steps", "5-7", PRETENDED_REPORT="cell, far")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.row(5)["reason"], "cell 7: gemm (and 1 more)")
        self.assertEqual(self.row(7)["reason"], "native, decoder, float32: TOO FAR")
        self.assertEqual(self.row(5)["report"]["operators"]["mismatches"], 2)
        self.assertIn("15 operators, 600 cells, 2 differ", self.row(5)["figures"])

    def test_names_the_tools_that_found_something_and_asks_them_all(self):
        self.assertEqual(self.check("--steps", "4", rules="tool synccheck => 9\ntool initcheck => 9").returncode, 1)
        self.assertRegex(self.row(4)["reason"], "^synccheck: .*; initcheck: ")
        self.assertEqual(self.row(4)["exit_code"], 9)
        self.assertIn("--tool racecheck", (self.out / "04-sanitizer.log").read_text())

    def test_calls_a_tool_that_is_slow_no_failure(self):
        self.assertEqual(self.check("--steps", "4,8", rules="tool racecheck => 124").returncode, 1)
        self.assertEqual(self.results(), {1: "pass", 4: "no time", 8: "pass"})
        self.assertRegex(self.row(4)["reason"], "^racecheck: no end in its time; at last: ")
        self.assertIn("--tool initcheck", (self.out / "04-sanitizer.log").read_text())
        self.check("--steps", "4", rules="tool racecheck => 124\ntool initcheck => 9")
        self.assertEqual((self.row(4)["result"], self.row(4)["exit_code"]), ("fail", 9))

    def test_tells_runs_apart_whose_log_is_not_the_cpus(self):
        done = self.check("--steps", "11-13", PRETENDED_LOG="another")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([self.results()[number] for number in (0, 11, 12, 13)], ["pass", "fail", "fail", "fail"])
        self.assertIn("differ: ", self.row(11)["reason"])
        self.assertTrue((self.out / "runs/train/run.log").exists())  # for whoever looks into it

    def test_compares_nothing_without_the_run_of_the_cpu(self):
        self.assertEqual(self.check("--steps", "11,15", rules="reprise data => 3").returncode, 1)
        self.assertEqual(self.results(), {0: "fail", 1: "pass", 11: "not run", 15: "not run"})

    def test_ends_a_step_that_hangs_and_all_that_it_started(self):
        done = self.check("--steps", "2,3", rules="--small --cells 90 => hang", seconds=2)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.results(), {1: "pass", 2: "fail", 3: "pass"})
        self.assertIn("no end in its time; at last: operators: 50 of 90 cells", done.stdout)
        self.assertEqual(living(self.nap), [])

    def test_has_no_time_for_what_comes_behind_the_deadline(self):
        done = self.check("--steps", "2,3", "--minutes", "0.04", rules="--small --cells 90 => hang")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.results(), {1: "pass", 2: "no time", 3: "no time"})

    def test_names_what_the_machine_lacks(self):
        for name in ("compute-sanitizer", "gpu_benchmark", "mpirun"):
            (self.bin / name).unlink()
        lacking = {"REPRISE_NCCL_LIBRARY": "/none", "REPRISE_TORCH_CUDA_LIBRARY": "/none"}
        done = self.check(**lacking)
        self.assertEqual(done.returncode, 0, done.stdout)
        reasons = {row["step"]: row["reason"] for row in self.summary()["steps"] if row["result"] == "skipped"}
        self.assertEqual(sorted(reasons), [4, 6, 7, 8, 10, 12, 13, 14, 16])
        self.assertEqual([reasons[step].split(" (")[0] for step in (4, 6, 10, 12, 13)],
                         ["no compute-sanitizer", "no CUDA part of LibTorch", "gpu_benchmark is not built",
                          "no NCCL found", "no mpirun"])

    def test_skips_the_steps_of_a_sanitizer_that_refuses_the_gpu_and_no_others(self):
        done = self.check("--steps", "3,4,8", PRETENDED_REFUSAL="Device not supported. Please refer to the manual")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(self.results(), {1: "pass", 3: "pass", 4: "skipped", 8: "skipped"})
        self.assertEqual(self.row(4)["reason"], "compute-sanitizer cannot watch this GPU: Error: Device not supported. "
                                                "Please refer to the manual")
        self.assertEqual(self.check("--steps", "4", PRETENDED_REFUSAL="out of memory").returncode, 1)
        self.assertEqual(self.results(), {1: "pass", 4: "fail"})

    def test_takes_no_failed_call_of_libraries_of_others_for_a_fault_of_memory(self):
        done = self.check("--steps", "2,4,6,8", rules="^reprise_conformance.*--small => 1")
        self.assertEqual(done.returncode, 1)
        watched = [line for line in done.stdout.splitlines() if "$ " in line and "compute-sanitizer" in line]
        self.assertEqual(len(watched), 7)  # four tools, one step, two repeats
        for line in watched:
            self.assertEqual("--native-steps 0" not in line, "--report-api-errors no" in line, line)

    def test_proves_native_in_a_process_of_its_own(self):
        done = self.check("--steps", "7,9", rules="--native-steps 20 => 1")
        self.assertEqual(done.returncode, 1)
        self.assertEqual((self.results()[7], self.results()[9]), ("fail", "pass"))
        self.assertNotIn("native", self.row(9)["report"])
        self.assertIn("native", self.summary()["not_proved"])
        self.assertEqual(self.check("--steps", "7,9").returncode, 0)
        self.assertIn("native", self.summary()["proved"])

    def test_lets_two_ranks_share_the_only_gpu_but_not_over_nccl(self):
        done = self.check("--steps", "13,14", rules="--device cuda:1 => 5")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.row(13)["result"], "pass")
        self.assertEqual(self.row(14)["reason"], "one GPU only")

    def test_leaves_out_a_program_that_does_not_start(self):
        done = self.check("--steps", "2,11", rules="reprise --help => 127")
        self.assertEqual(done.returncode, 0)
        self.assertIn("reprise does not start here: error[device]", self.row(11)["reason"])
        self.assertEqual(self.results()[2], "pass")

    def lack_libraries(self, program):
        (self.bin / "ldd").unlink()
        (self.bin / "ldd").write_text(f"#!/bin/sh\ncase $1 in */{program}) echo 'libnone.so.1 => not found' ;; esac\n")
        (self.bin / "ldd").chmod(0o755)

    def test_names_the_library_that_a_program_lacks(self):
        self.lack_libraries("reprise")
        self.assertEqual(self.check("--steps", "2,11").returncode, 0)
        self.assertEqual(self.row(11)["reason"], "reprise does not start here: libnone.so.1 => not found")
        self.lack_libraries("reprise_conformance")
        self.assertEqual(self.check("--steps", "2,11").returncode, 1)
        self.assertEqual(self.results(), {1: "fail"})
        self.assertEqual(self.row(1)["reason"], "libnone.so.1 => not found")

    def test_takes_libraries_of_the_wheel_behind_those_that_are_named(self):
        for name in ("torch/__init__.py", "torch/lib/libtorch_cuda.so", "nvidia/nccl/lib/libnccl.so.2"):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).touch()
        del self.environment["REPRISE_TORCH_CUDA_LIBRARY"]
        said = self.check("--list", PYTHONPATH=str(self.root), LD_LIBRARY_PATH="/named").stdout
        self.assertIn(f"export LD_LIBRARY_PATH=/named:{self.root}/torch/lib:", said)
        self.assertIn(f"export REPRISE_TORCH_CUDA_LIBRARY={self.root}/torch/lib/libtorch_cuda.so\n", said)
        self.assertNotIn("export REPRISE_NCCL_LIBRARY", said)  # named already
        self.assertIn("--native-steps 20 --json", said)

    def test_ends_where_there_is_no_gpu(self):
        done = self.check(rules="^reprise_conformance => 5")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.results(), {1: "fail"})
        self.assertRegex(done.stdout, r"1 machine +FAIL \(exit 5\).*error\[device\]")
        self.assertIn("proved: nothing\n", done.stdout)

    def stopped_by(self, number):
        started = subprocess.Popen(self.command("--steps", "2,13,15"), cwd=self.source, stdout=subprocess.PIPE,
                                   text=True, env={**self.environment, "PRETEND": "--ranks 2 => hang"})
        end = time.monotonic() + 60
        while not living(self.nap) and time.monotonic() < end:
            time.sleep(0.02)
        started.send_signal(number)
        said, _ = started.communicate(timeout=60)
        end = time.monotonic() + 30
        while living(self.nap) and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(living(self.nap), [])
        return started.returncode, said

    def test_ends_with_a_summary_when_stopped(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number=number):
                returned, said = self.stopped_by(number)
                self.assertEqual(returned, code, said)
                self.assertEqual(self.results(), {0: "pass", 1: "pass", 2: "pass", 13: "interrupted"})
                self.assertEqual(self.summary()["stopped"], f"stopped by {number.name}")
                self.assertEqual(self.summary()["exit_code"], code)
                self.assertIn("proved: operators (small)", said)

    def test_leaves_no_process_when_it_is_killed(self):
        returned, _ = self.stopped_by(signal.SIGKILL)
        self.assertEqual(returned, -signal.SIGKILL)
        self.assertEqual(self.results(), {0: "pass", 1: "pass", 2: "pass"})

    def test_removes_what_an_earlier_check_has_left(self):
        self.check("--steps", "2,3")
        self.check("--steps", "3")
        self.assertFalse((self.out / "02-operators.log").exists())
        self.assertTrue((self.out / "03-steps.log").exists())

    def test_removes_nothing_that_is_not_its_own(self):
        (self.out / "runs").mkdir(parents=True)
        done = self.check("--steps", "11")
        self.assertEqual(done.returncode, 2)
        self.assertIn("holds other things than an earlier check", done.stderr)
        self.assertEqual(list(self.out.iterdir()), [self.out / "runs"])

    def test_refuses_what_it_does_not_know_with_a_hint(self):
        for flags, message, hint in ((["--step", "2"], "--step", "did you mean --steps?"),
                                     (["--steps", "0-3"], "'0-3' is no step", ""),
                                     (["--steps", "17"], "'17' is no step", ""), (["--minutes", "soon"], "'soon'", ""),
                                     (["--config", "none.pbtxt"], "no config none.pbtxt", ""),
                                     (["--bin", "/none"], "no program reprise_conformance in /none", "")):
            done = self.check(*flags)
            self.assertEqual(done.returncode, 2, flags)
            self.assertRegex(done.stderr, rf"^error\[usage\]: .*{re.escape(message)}.*\nhint: {re.escape(hint)}")
            self.assertTrue((self.source / re.search(r"see `python3 (\S+) --help`", done.stderr)[1]).is_file())
            self.assertFalse(self.out.exists())
        for variable in ({"DEVICE": "cpu"}, {"PYTHON": "none"}):
            self.assertEqual(self.check(**variable).returncode, 2)

    def test_lists_its_steps_and_runs_nothing(self):
        done = self.check("--list", "--steps", "9,13")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(re.findall(r"^ ?(\d+) (\S+)$", done.stdout, re.MULTILINE),
                         [("0", "cpu"), ("9", "proof"), ("13", "two-ranks")])
        self.assertIn(f"export out={self.out}", done.stdout)
        self.assertFalse(self.out.exists())

    def test_has_the_steps_of_the_document(self):
        document = (self.source / "docs/reference/gpu.md").read_text()
        rows = re.findall(r"^\| (\d+) \| ([a-z-]+) \|", document, re.MULTILINE)
        listed = re.findall(r"^ ?(\d+) (\S+)$", self.check("--list").stdout, re.MULTILINE)
        self.assertEqual(rows, [step for step in listed if step[0] != "0"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, required=True)
    options, rest = parser.parse_known_args()
    GpuCheck.source = options.source.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
