#!/usr/bin/env python3
"""Tests of scripts/fetch_standard_corpus.sh without a network.

usage: fetch_test.py --source REPOSITORY
"""

import argparse
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from pretended_path import make_path, run_script

NOTHING = {"apt-get": "exit 100", "apt-cache": "exit 100", "python3": "exit 1"}


class Fetch(unittest.TestCase):
    source = None

    def fetch(self, kind, programs):
        """Asks for one package."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        (folder / "scripts").mkdir()
        script = shutil.copy(self.source / "scripts/fetch_standard_corpus.sh", folder / "scripts")
        (folder / "corpora/standard").mkdir(parents=True)
        (folder / "corpora/standard/tier_one.txt").write_text("part\n")
        (folder / "corpora/standard/recipe.tsv").write_text(f"part\t{kind}\thello\t1.0\thello_1.0\t{'0' * 64}\n")
        path = make_path(folder / "bin", {**NOTHING, **programs})
        return run_script(path, script, "--tier", "one", folder / "packages")

    def test_a_mirror_that_has_not_the_package_leads_to_its_address(self):
        status, said = self.fetch("deb", {"curl": "exit 22"})
        self.assertEqual(status, 4, said)
        self.assertIn("https://snapshot.debian.org/binary/hello/", said)

    def test_curl_that_is_not_there_is_named(self):
        status, said = self.fetch("deb", {})
        self.assertEqual(status, 4, said)
        self.assertIn("error: apt-get has no hello 1.0, and curl, which would ask a mirror, is not there", said)
        self.assertIn("hint: apt-get install curl", said)

    def test_pip_that_is_not_there_is_named(self):
        status, said = self.fetch("pypi", {})
        self.assertEqual(status, 4, said)
        self.assertIn("error: python3 has no pip, which fetches hello 1.0\nhint: apt-get install python3-pip", said)

    def test_pip_that_is_there_is_not_asked_for(self):
        status, said = self.fetch("pypi", {"python3": '[ "$3" = --version ]'})
        self.assertEqual(status, 4, said)
        self.assertIn("https://pypi.org/project/hello/1.0/#files", said)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, required=True)
    options, rest = parser.parse_known_args()
    Fetch.source = options.source.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
