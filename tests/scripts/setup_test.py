#!/usr/bin/env python3
"""Tests of scripts/setup.sh, and of where CMake looks for what it unpacked.

usage: setup_test.py --source REPOSITORY
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from pretended_path import make_path, run_script

ALL_THERE = {"dpkg-query": "echo install ok installed", "python3": "exit 0", "apt-get": "exit 100"}
PLACE = "reprise/libtorch-2.11.0"


class Setup(unittest.TestCase):
    source = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def run_setup(self, programs=None, **variables):
        path = make_path(self.folder / "bin", {**ALL_THERE, **(programs or {})})
        return run_script(path, self.source / "scripts/setup.sh", **variables)

    def unpacked(self, place):
        """A folder that looks as setup.sh leaves it."""
        (place / "nvidia/nccl/include").mkdir(parents=True)
        (place / "nvidia/nccl/include/nccl.h").touch()
        (place / "complete").touch()
        return place

    def test_packages_that_apt_cannot_install_are_named(self):
        missing = {"dpkg-query": '[ "${!#}" = ccache ] || echo install ok installed', "sudo": '"$@"'}
        status, said = self.run_setup(missing, HOME=self.folder)
        self.assertEqual(status, 4, said)
        self.assertIn("error: apt-get could not install: ccache\nhint: check the network", said)

    def test_without_home_the_variable_to_set_is_named(self):
        status, said = self.run_setup()
        self.assertEqual(status, 4, said)
        self.assertIn("error: HOME is not set", said)
        self.assertIn("REPRISE_TORCH_ROOT", said)

    def test_a_download_that_left_no_wheel_is_an_error(self):
        status, said = self.run_setup(HOME=self.folder)
        self.assertEqual(status, 4, said)
        self.assertIn("error: pip left no wheel of torch==2.11.0", said)

    def test_a_wheel_is_found_in_a_folder_whose_name_looks_like_a_pattern(self):
        wheels = self.folder / f"h [2]/.cache/{PLACE}/wheels"
        wheels.mkdir(parents=True)
        (wheels / "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl").write_text("damaged")
        status, said = self.run_setup(HOME=self.folder / "h [2]")
        self.assertEqual(status, 4, said)
        self.assertIn("manylinux_2_28_x86_64.whl does not have SHA-256", said)

    def test_a_prefix_path_without_libtorch_does_not_stand_for_one(self):
        place = self.unpacked(self.folder / ".cache" / PLACE)
        status, said = self.run_setup(HOME=self.folder, CMAKE_PREFIX_PATH="/opt/ros/humble")
        self.assertEqual(status, 0, said)
        self.assertIn(f"LibTorch: there already ({place})", said)

    def test_a_libtorch_anywhere_in_the_prefix_path_is_used(self):
        self.unpacked(self.folder / ".cache" / PLACE)
        (self.folder / "own/lib").mkdir(parents=True)
        (self.folder / "own/lib/libtorch_cpu.so").touch()
        status, said = self.run_setup(HOME=self.folder, CMAKE_PREFIX_PATH=f"/opt/ros/humble:{self.folder}/own")
        self.assertEqual(status, 0, said)
        self.assertIn(f"LibTorch: yours ({self.folder}/own)", said)

    def test_cmake_looks_where_setup_unpacks(self):
        home = self.folder
        places = [({}, home / ".cache" / PLACE),
                  ({"XDG_CACHE_HOME": home / "xdg"}, home / "xdg" / PLACE),
                  ({"XDG_CACHE_HOME": home / "xdg", "REPRISE_TORCH_ROOT": home / "own"}, home / "own"),
                  ({"XDG_CACHE_HOME": "", "REPRISE_TORCH_ROOT": ""}, home / ".cache" / PLACE)]
        script = self.folder / "show.cmake"
        script.write_text(f'include("{self.source}/cmake/cache_root.cmake")\nmessage("${{REPRISE_TORCH_ROOT}}")\n')
        for variables, place in places:
            with self.subTest(**{name: str(value) for name, value in variables.items()}):
                shutil.rmtree(place, ignore_errors=True)
                self.unpacked(place)
                shutil.rmtree(self.folder / "bin", ignore_errors=True)
                said = self.run_setup(HOME=home, **variables)[1]
                self.assertIn(f"LibTorch: there already ({place})", said)
                own = {name: value for name, value in os.environ.items()
                       if name not in ("XDG_CACHE_HOME", "REPRISE_TORCH_ROOT")}
                found = subprocess.run(["cmake", "-P", script], capture_output=True, text=True, check=True,
                                       env={**own, "HOME": str(home), **{k: str(v) for k, v in variables.items()}})
                self.assertEqual(found.stderr.strip(), str(place))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, required=True)
    options, rest = parser.parse_known_args()
    Setup.source = options.source.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
