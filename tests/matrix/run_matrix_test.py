#!/usr/bin/env python3
"""run_matrix.py must see every way in which a matrix can be wrong."""

import contextlib
import io
import unittest

import run_matrix

NAMES = [f"g++ -O3 {target} threads=1 ranks={ranks} grains=1 kill=no" for target in ("portable", "avx2") for ranks in (1, 2)]


def results():
    return {name: ["g++ 12.2.0", name.split()[2], "root", "chain", "-"] for name in NAMES}


def report(changed, reasons=None):
    """Returns what report() counts and prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        wrong = run_matrix.report(NAMES, changed, reasons or {})
    return wrong, printed.getvalue()


class Report(unittest.TestCase):
    def test_equal_cells_are_no_mismatch(self):
        wrong, printed = report(results())
        self.assertEqual(wrong, 0)
        self.assertIn("cells 4, mismatches 0, not run 0", printed)

    def test_another_root_is_a_mismatch_and_is_named(self):
        changed = results()
        changed[NAMES[2]][2] = "another"
        wrong, printed = report(changed)
        self.assertEqual(wrong, 1)
        self.assertIn(f"MISMATCH: {NAMES[2]}", printed)

    def test_another_log_is_a_mismatch(self):
        changed = results()
        changed[NAMES[0]][3] = "another"
        self.assertEqual(report(changed)[0], 1)

    def test_a_cell_that_ran_on_another_target_than_it_says_is_wrong(self):
        changed = results()
        changed[NAMES[3]][1] = "portable"
        wrong, printed = report(changed)
        self.assertEqual(wrong, 1)
        self.assertIn("WRONG TARGET", printed)

    def test_a_cell_that_did_not_run_is_named_with_the_reason(self):
        changed = results()
        del changed[NAMES[1]]
        _, printed = report(changed, {"g++": "g++ is not installed"})
        self.assertIn(f"not run: {NAMES[1]}: g++ is not installed", printed)
        self.assertIn("not run 1", printed)


if __name__ == "__main__":
    unittest.main()
