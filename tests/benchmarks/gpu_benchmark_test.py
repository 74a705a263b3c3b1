#!/usr/bin/env python3
"""Tests of benchmarks/gpu_benchmark.cpp, gpu_table.py and run_gpu_benchmarks.sh: that every figure is there, the ratios
are right, and a measurement that has them is no failure.

usage: gpu_benchmark_test.py --source REPOSITORY PROGRAM...
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # of the table, beside its source
SHAPE = "tiny=16,1,2,24,37,9,4,2"
CASES = ["nt 36 x 16 x 16", "nt 36 x 24 x 16", "nt 36 x 16 x 24", "nt 36 x 37 x 16", "nn 36 x 16 x 16",
         "nn 36 x 16 x 24", "nn 36 x 24 x 16", "nn 36 x 16 x 37", "tn 16 x 16 x 18", "tn 24 x 16 x 18",
         "tn 16 x 24 x 18", "tn 37 x 16 x 18"]
PARAMETERS = 2 * 37 * 16 + 4 * 16 * 16 + 3 * 16 * 24 + 5 * 16
NATIVE = "reprise native bf16"


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(program, *flags):
    return subprocess.run([program, "--shape", SHAPE, "--rounds", "2", "--seconds", "0", *flags], capture_output=True,
                          text=True)


class Program(unittest.TestCase):
    programs = []

    def test_measures_every_figure_of_a_shape(self):
        for program in self.programs:
            with self.subTest(program=program):
                done = run(program, "--json")
                self.assertEqual(done.returncode, 0, done.stderr)
                figures = [json.loads(line) for line in done.stdout.splitlines()]
                self.assertEqual(figures[0]["figure"], "machine")
                self.assertTrue(figures[0]["device"])
                by_name = {}
                for figure in figures[1:]:
                    if figure["who"] == NATIVE:  # below
                        continue
                    by_name.setdefault(figure["figure"], []).append(figure)
                    self.assertEqual(len(figure["seconds"]), 2)
                    self.assertTrue(all(seconds > 0 for seconds in figure["seconds"]))
                    self.assertGreater(figure["hashed_bytes" if figure["figure"] == "digests" else "flops"], 0)
                self.assertEqual([figure["case"] for figure in by_name["gemm"]], [f"tiny {case}" for case in CASES])
                self.assertEqual(by_name["gemm"][3]["flops"], 2 * 36 * 37 * 16)
                self.assertEqual(by_name["attention forward"][0]["flops"], 2 * 2 * (4 * 2 * 9 * 10 / 2) * 8)
                self.assertEqual(by_name["attention backward"][0]["flops"], 5 * 2 * (4 * 2 * 9 * 10 / 2) * 8)
                self.assertEqual([figure["who"] for figure in by_name["launch"]], ["recorded", "operator by operator"])
                (step,) = by_name["step"]
                self.assertEqual((step["parameters"], step["tokens"]), (PARAMETERS, 36))
                self.assertEqual(step["flops"], 36 * 6 * (PARAMETERS - 37 * 16 + 16 * 9))
                self.assertGreater(step["bytes"], 4 * 4 * PARAMETERS)
                (digests,) = by_name["digests"]
                self.assertEqual((digests["case"], digests["hashed_bytes"]), ("tiny 3 chunks", 3 * 16384))

    def test_measures_native_steps_on_a_gpu_and_says_why_not_on_the_cpu(self):
        for program in self.programs:
            with self.subTest(program=program):
                done = run(program, "--json", "--only", "native")
                self.assertEqual(done.returncode, 0, done.stderr)
                _, figure = [json.loads(line) for line in done.stdout.splitlines()]
                self.assertEqual((figure["figure"], figure["case"], figure["who"]),
                                 ("step", "tiny 4 x 9 tokens", NATIVE))
                if "emulated" not in Path(program).name:
                    self.assertIn("--device cpu", figure["missing"])
                    continue
                self.assertEqual(len(figure["seconds"]), 2)
                self.assertEqual((figure["parameters"], figure["tokens"]), (PARAMETERS, 36))
                self.assertEqual(figure["flops"], 36 * 6 * (PARAMETERS - 37 * 16 + 16 * 9))
                self.assertGreater(figure["bytes"], 4 * 4 * PARAMETERS)
                self.assertEqual(figure["bytes_lack"], "LibTorch's part")  # the CPU's allocator does not count

    def test_measures_every_plan_of_a_product_where_asked_and_one_of_them_is_the_planned_one(self):
        for program in self.programs:
            with self.subTest(program=program):
                done = subprocess.run([program, "--shape", "tiny=16,1,1,24,37,300,1,1", "--rounds", "2", "--seconds", "0",
                                       "--json", "--only", "plans"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                _, *figures = [json.loads(line) for line in done.stdout.splitlines()]
                self.assertEqual({figure["figure"] for figure in figures}, {"plans"})
                if "emulated" not in Path(program).name:
                    self.assertEqual(figures[0]["missing"], "--device cpu: only a GPU has plans")
                    continue
                of_gradient = [figure for figure in figures if figure["case"] == "tiny tn 37 x 16 x 300"]
                self.assertEqual([figure["plan"] for figure in of_gradient],
                                 ["large tiles, 1 split", "small tiles, 1 split", "large tiles, 2 splits",
                                  "small tiles, 2 splits"])
                self.assertEqual([figure["who"] for figure in of_gradient].count("planned"), 1)
                for figure in figures:
                    self.assertEqual(figure["difference"], 0)
                    self.assertEqual(len(figure["seconds"]), 2)

    def test_prints_what_is_missing(self):
        done = run(self.programs[0], "--only", "native")
        self.assertRegex(done.stdout, "tiny 4 x 9 tokens +reprise native bf16 +missing: --device cpu")

    def test_measures_only_what_is_asked_for(self):
        done = run(self.programs[0], "--json", "--only", "attention")
        figures = {json.loads(line)["figure"] for line in done.stdout.splitlines()}
        self.assertEqual(figures, {"machine", "attention forward", "attention backward"})

    def test_refuses_what_is_no_shape(self):
        for text in ("tiny", "=16,1,2,24,37,9,4,2", "x=16,1,3,24,37,9,4,2", "x=16,1,2,24,37,9,4,3",
                     "x=16,1,2,24,37,9,4,0", "x=16,1,2,24,37,9,4,2,"):
            done = subprocess.run([self.programs[0], "--shape", text], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, text)
            self.assertIn("this is no shape", done.stderr)


class Table(unittest.TestCase):
    table = None

    def summary(self, files, end=""):
        with tempfile.TemporaryDirectory() as folder:
            for name, figures in files.items():
                Path(folder, name).write_text("".join(json.dumps(figure) + "\n" for figure in figures) + end)
            return self.table.summarize(folder)

    def row(self, summary, who):
        (found,) = [row for row in summary["rows"] if row["who"] == who]
        return found

    def step(self, who, seconds):
        return {"figure": "step", "case": "a", "who": who, "seconds": seconds, "flops": 3e12, "tokens": 100,
                "bytes": 5e9, "parameters": 7}

    def test_divides_medians_and_pairs_values_of_a_round(self):
        summary = self.summary({
            "reprise-1.jsonl": [{"figure": "machine", "who": "reprise", "device": "cuda: NVIDIA H100 80GB HBM3"},
                                self.step("reprise exact", [1.0, 1.2])],
            "pytorch-1.jsonl": [self.step("pytorch fp32 eager", [1.0, 0.8]),
                                self.step("pytorch bf16 compile flash", [0.1, 0.1])],
            "reprise-2.jsonl": [self.step("reprise exact", [1.4])],
            "pytorch-2.jsonl": [self.step("pytorch fp32 eager", [2.0])],
        })
        eager = self.row(summary, "pytorch fp32 eager")
        self.assertAlmostEqual(eager["ratio"], 1.2)
        self.assertAlmostEqual(eager["least"], 0.7)
        self.assertAlmostEqual(eager["most"], 1.5)
        self.assertTrue(eager["reached"])
        self.assertAlmostEqual(eager["utilisation"], 3 / 66.9)
        bf16 = self.row(summary, "pytorch bf16 compile flash")
        self.assertAlmostEqual(bf16["ratio"], 12)
        self.assertNotIn("reached", bf16)
        self.assertAlmostEqual(bf16["utilisation"], 30 / 989.4)
        exact = self.row(summary, "reprise exact")
        self.assertEqual((exact["rounds"], eager["rounds"], bf16["rounds"]), (2, 2, 1))
        self.assertRegex(self.table.markdown(summary), r"(?m)^\| a \| pytorch fp32 eager \|.* \| 2 \|$")
        self.assertAlmostEqual(exact["tokens_per_second"], 100 / 1.2)
        self.assertNotIn("ratio", exact)

    def test_takes_the_peaks_of_the_board_that_is_named(self):
        for board, peak in (("H200", 66.9), ("H200 NVL", 60.0), ("H100 PCIe", 51.2), ("H100 80GB HBM3", 66.9)):
            summary = self.summary({"reprise-1.jsonl": [
                {"figure": "machine", "who": "reprise", "device": f"cuda: NVIDIA {board}"},
                self.step("reprise exact", [1.0])]})
            self.assertAlmostEqual(self.row(summary, "reprise exact")["utilisation"], 3 / peak)

    def test_gives_native_steps_as_speed_beside_pytorch_bf16(self):
        summary = self.summary({
            "reprise-1.jsonl": [self.step("reprise exact", [1.0, 1.0]),
                                self.step(NATIVE, [0.05, 0.04, 0.05]) | {"bytes_lack": "LibTorch's part"}],
            "pytorch-1.jsonl": [self.step("pytorch fp32 eager", [1.0]),
                                self.step("pytorch bf16 compile flash", [0.04, 0.04, 0.06])],
        })
        rows = {(row["figure"], row["who"]): row for row in summary["rows"]}
        self.assertEqual(set(rows), {("step", "reprise exact"), ("step", "pytorch fp32 eager"),
                                     ("step", "pytorch bf16 compile flash"), ("native step", NATIVE),
                                     ("native step", "pytorch bf16 compile flash")})
        peer = rows["native step", "pytorch bf16 compile flash"]
        self.assertAlmostEqual(peer["ratio"], 0.8)
        self.assertAlmostEqual(peer["least"], 0.8)
        self.assertAlmostEqual(peer["most"], 1.2)
        self.assertFalse(peer["reached"])
        self.assertAlmostEqual(rows["native step", NATIVE]["tokens_per_second"], 2000)
        self.assertAlmostEqual(rows["step", "pytorch bf16 compile flash"]["ratio"], 25)
        text = self.table.markdown(summary)
        self.assertIn("## Training step, native bf16: tokens per second over PyTorch's; the aim is at least 1", text)
        self.assertIn("| a | reprise native bf16 | 50 | 2,000 |  | 5.00 without LibTorch's part |  |  |  |", text)
        self.assertIn("| 0.80 | 0.80 to 1.20 | **missed** |", text)

    def test_native_steps_reach_their_aim_at_the_speed_of_pytorch(self):
        summary = self.summary({"reprise-1.jsonl": [self.step(NATIVE, [0.04])],
                                "pytorch-1.jsonl": [self.step("pytorch bf16 compile flash", [0.04])]})
        reached = [row["reached"] for row in summary["rows"] if "reached" in row]
        self.assertEqual(reached, [True])

    def test_gives_products_as_speed_beside_cublas(self):
        def product(who, seconds):
            return {"figure": "gemm", "case": "p", "who": who, "seconds": seconds, "flops": 1e12}

        summary = self.summary({"reprise-1.jsonl": [product("reprise", [2.0, 4.0, 2.5]),
                                                    product("cublas", [2.0, 2.0, 2.0]) | {"difference": 1e-6}]})
        peer = self.row(summary, "cublas")
        self.assertAlmostEqual(peer["ratio"], 0.8)
        self.assertAlmostEqual(peer["least"], 0.5)
        self.assertAlmostEqual(peer["most"], 1.0)
        self.assertFalse(peer["reached"])

    def test_gives_other_plans_beside_the_planned_one(self):
        def figure(who, plan, seconds):
            return {"figure": "plans", "case": "p", "who": who, "plan": plan, "seconds": seconds, "flops": 1e9,
                    "difference": 0.0}

        summary = self.summary({"reprise-1.jsonl": [figure("planned", "large tiles, 1 split", [0.003, 0.003]),
                                                    figure("small tiles, 1 split", "small tiles, 1 split", [0.002, 0.003])]})
        self.assertAlmostEqual(self.row(summary, "small tiles, 1 split")["ratio"], 1.2)
        self.assertIn("| p | planned | large tiles, 1 split | 3 | 0.333 |  |  | 0.0e+00 |", self.table.markdown(summary))

    def test_says_what_is_missing_and_marks_what_missed_its_aim(self):
        def backward(who, seconds):
            return {"figure": "attention backward", "case": "c", "who": who, "seconds": seconds, "flops": 1e9}

        summary = self.summary({
            "reprise-1.jsonl": [backward("reprise", [0.002])],
            "pytorch-1.jsonl": [backward("pytorch fp32 math", [0.001]),
                                {"figure": "step", "case": "a", "who": "pytorch fp32 eager", "missing": "no memory"}],
        })
        text = self.table.markdown(summary)
        self.assertIn("| c | reprise | 2 | 0.5 |  |  |  | 1 |\n| c | pytorch fp32 math | 1 | 1 | 2.00 | 2.00 to 2.00 | "
                      "**missed** |", text)
        self.assertIn("* step, a, pytorch fp32 eager: no memory", text)
        self.assertNotIn("## Training step", text)

    def test_does_not_miss_in_a_later_round_what_an_earlier_one_has(self):
        def lack(case, who):
            return {"figure": "step", "case": case, "who": who, "missing": "the deadline was over"}

        summary = self.summary({
            "pytorch-1.jsonl": [self.step("pytorch fp32 eager", [1.0]) | {"case": "124m 8 x 1024 tokens"}],
            "pytorch-2.jsonl": [lack("124m", "pytorch fp32 eager"), lack("350m", "pytorch fp32 eager"),
                                lack("124m", "pytorch fp32 compile")],
        })
        self.assertEqual(summary["missing"], ["step, 124m, pytorch fp32 compile: the deadline was over",
                                              "step, 350m, pytorch fp32 eager: the deadline was over"])

    def test_holds_the_aim_against_the_fastest_tiles_of_flex_attention(self):
        def backward(case, who, seconds):
            return {"figure": "attention backward", "case": case, "who": who, "seconds": [seconds], "flops": 1e9}

        summary = self.summary({
            "reprise-1.jsonl": [backward("a", "reprise", 0.002), backward("b", "reprise", 0.002)],
            "pytorch-1.jsonl": [backward("a", "pytorch fp32 flex", 0.004), backward("b", "pytorch fp32 flex", 0.004),
                                backward("a", "pytorch fp32 flex 32 x 64", 0.001),
                                backward("a", "pytorch fp32 math", 0.003)],
        })
        reached = {(row["case"], row["who"]): row["reached"] for row in summary["rows"] if "reached" in row}
        self.assertEqual(reached, {("a", "pytorch fp32 flex 32 x 64"): False, ("a", "pytorch fp32 math"): True,
                                   ("b", "pytorch fp32 flex"): True})

    def test_keeps_what_a_stopped_program_had_measured(self):
        summary = self.summary({"reprise-1.jsonl": [self.step("reprise exact", [1.0])]}, end='{"figure": "ste')
        self.assertEqual(self.row(summary, "reprise exact")["seconds"], 1.0)
        self.assertEqual(summary["missing"], ["a broken line of reprise-1.jsonl"])

    def test_has_a_row_for_every_figure_of_the_program(self):
        done = run(Program.programs[0], "--json")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "reprise-1.jsonl").write_text(done.stdout)
            summary = self.table.summarize(folder)
        text = self.table.markdown(summary)
        self.assertEqual(len(summary["rows"]), len(CASES) + 6)
        for row in summary["rows"]:
            self.assertGreater(row["seconds"], 0)
            rate = "hashed_bytes_per_second" if row["figure"] == "digests" else "flops_per_second"
            self.assertGreater(row[rate], 0)
            self.assertIn(f"| {row['case']} | {row['who']} |", text)
        self.assertGreater(self.row(summary, "operator by operator")["ratio"], 0)


# Stands for the program, and for Python where the peer is started; both end in the second round as `timeout` ends them.
PRETENDED_PROGRAM = """#!/bin/sh
[ $(grep -c . "$CALLS") -lt 3 ] || code=124
echo ours >> "$CALLS"
echo '{"figure": "step", "case": "a 1 x 1 tokens", "who": "reprise exact", "seconds": [1], "flops": 1, "bytes": 1}'
exit ${code:-0}
"""
PRETENDED_PYTHON = f"""#!/bin/sh
case $* in *gpu_peer.py*) echo peer >> "$CALLS"; exit ${{PEER:-0}};; esac
exec {sys.executable} "$@"
"""


class Script(unittest.TestCase):
    source = None

    def measure(self, **more):
        """Returns what ended, and what it left in errors.txt."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("program", PRETENDED_PROGRAM), ("python", PRETENDED_PYTHON), ("calls", "")):
                Path(folder, name).write_text(text)
                Path(folder, name).chmod(0o755)
            environment = {"PATH": os.environ["PATH"], "PROGRAM": f"{folder}/program", "PYTHON": f"{folder}/python",
                           "CALLS": f"{folder}/calls", "DEVICE": "cpu", "SHAPES": "a=1", "ROUNDS": "2", **more}
            done = subprocess.run([self.source / "benchmarks/run_gpu_benchmarks.sh", f"{folder}/out"], text=True,
                                  capture_output=True, env=environment)
            errors = Path(folder, "out/errors.txt")
            return done, errors.read_text() if errors.exists() else None

    def test_calls_a_later_round_without_time_no_failure(self):
        done, errors = self.measure()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| a 1 x 1 tokens | reprise exact |", done.stdout)
        self.assertIn("no time left in round 2: ", errors)
        self.assertNotIn("failed: ", errors)

    def test_refuses_a_device_that_the_peer_cannot_name(self):
        done, errors = self.measure(DEVICE="cuda:1")
        self.assertEqual((done.returncode, errors), (2, None))
        self.assertRegex(done.stderr, r"^error\[usage\]: DEVICE=cuda:1: .*\nhint: .*CUDA_VISIBLE_DEVICES=N")

    def test_fails_where_the_first_round_has_no_time_or_a_program_fails(self):
        for code in ("124", "1"):
            done, errors = self.measure(PEER=code, ROUNDS="1")
            self.assertEqual(done.returncode, 1)
            self.assertIn("failed: ", errors)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    Program.programs = options.programs
    Script.source = options.source.resolve()
    Table.table = load(options.source / "benchmarks" / "gpu_table.py")
    unittest.main(argv=sys.argv[:1])
