#!/usr/bin/env python3
"""Tests of scripts/gpu/bundle.py with the programs of a build, unpacked on this machine: which libraries they then use.

usage: bundle_test.py --source REPOSITORY --bin FOLDER
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from pathlib import Path


class GpuBundle(unittest.TestCase):
    source = programs = None

    @classmethod
    def setUpClass(cls):
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(cls.source / "scripts/gpu"))
        import bundle
        import contents
        cls.module, cls.contents = bundle, contents
        cls.shared = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        cls.done = cls.bundle(cls.shared / "b.tar")
        with tarfile.open(cls.shared / "b.tar") as archive:
            archive.extractall(cls.shared / "there")
        cls.there = cls.shared / "there"

    @classmethod
    def command(cls, *words):
        return [sys.executable, cls.source / "scripts/gpu/bundle.py", *words]

    @classmethod
    def bundle(cls, path, *flags, **options):
        return subprocess.run(cls.command(path, "--bin", cls.programs, *flags), capture_output=True, text=True,
                              **options)

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def on_that_machine(self, line):
        """What a command of check.py says there, where no Python has LibTorch and the user names no library."""
        named = ("LD_", "OMPI_", "OPAL_", "PMIX_")
        own = {name: value for name, value in os.environ.items() if not name.startswith(named)}
        own["PYTHON"] = shutil.which("false")
        listed = subprocess.run([sys.executable, self.there / "scripts/gpu/check.py", self.folder / "out", "--list"],
                                capture_output=True, text=True, env=own, check=True).stdout
        preamble = [text for text in listed.splitlines() if text.startswith(("cd ", "export "))]
        done = subprocess.run(["bash", "-c", "\n".join([*preamble, line])], capture_output=True, text=True, env=own)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_needs_nothing_there_but_libtorch_and_the_c_library_family(self):
        libtorch = self.contents.linked(self.programs / "reprise")["libtorch_cpu.so"].resolve().parents[2]
        own = "build/cuda/bin/* build/cuda/bundle/bin/* $(find build/cuda/bundle/lib -name '*.so*')"
        file, files = "", 0
        for line in self.on_that_machine(f"ldd {own}").splitlines():
            name, arrow, place = line.strip().partition(" => ")
            if not line.startswith("\t"):
                file, files = line, files + 1
            elif arrow and not self.contents.FAMILY.fullmatch(name):
                folders = Path(place.split(" (")[0]).resolve().parents
                self.assertTrue(self.there in folders or libtorch in folders, f"{file} {line}")
        self.assertGreater(files, 100)

    def test_leaves_libtorch_and_the_c_library_family_behind(self):
        names = [path.name for path in (self.there / "build/cuda/bundle/lib").iterdir()]
        self.assertIn("libarchive.so.13", names)
        for name in names:
            self.assertNotRegex(name, r"^(libtorch|libc10|libgomp|libc\.so|libstdc|libgcc_s|ld-linux|libcud)")

    def test_starts_ranks_there_by_an_open_mpi_of_its_own(self):
        build = f"$bin/reprise data build tests/data/small.pbtxt --out {self.folder}/run --ranks 2"
        said = self.on_that_machine(f"command -v mpirun; ompi_info --parsable --path pkglibdir; {build}")
        self.assertIn(f"{self.there}/build/cuda/bundle/bin/mpirun\n", said)
        self.assertIn(f"path:pkglibdir:{self.there}/build/cuda/bundle/lib/openmpi\n", said)
        self.assertIn("\ntrain ", said)

    def test_says_how_large_it_is_and_what_to_do_with_it(self):
        self.assertEqual(self.done.returncode, 0, self.done.stderr)
        self.assertRegex(self.done.stdout, r"b\.tar: [\d.]+ MiB, \d+ files\nneeds there: LibTorch, GLIBC_2\.\d+")
        self.assertIn("python3 -m tarfile -e b.tar FOLDER", self.done.stdout)

    def test_blames_no_file_when_nobody_reads_all_it_says(self):
        words = [str(word) for word in self.command(self.folder / "b.tar", "--bin", self.programs)]
        done = subprocess.run(["bash", "-o", "pipefail", "-c", '"$@" | head -1', "bash", *words], capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_gives_the_same_bytes_for_the_same_files(self):
        self.assertEqual(self.bundle(self.folder / "b.tar").returncode, 0)
        self.assertEqual((self.folder / "b.tar").read_bytes(), (self.shared / "b.tar").read_bytes())
        small = {"b/text": b"words", "a/link": "../b/text", "a/file": self.source / "LICENSE"}
        for end in self.module.OPEN:
            first, second = self.folder / f"1{end}", self.folder / f"2{end}"
            self.module.write(first, small)
            self.module.write(second, dict(reversed(small.items())))
            self.assertEqual(first.read_bytes(), second.read_bytes())
            with tarfile.open(first) as archive:
                self.assertEqual(archive.getnames(), ["a/file", "a/link", "b/text"])
                self.assertEqual({(member.mtime, member.uid, member.uname) for member in archive}, {(0, 0, "root")})

    def check_refused(self, code, text, *flags, target="b.tar", **options):
        before = sorted(self.folder.rglob("*"))
        done = self.bundle(self.folder / target, *flags, **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertRegex(done.stderr, rf"\Aerror\[.*{text}.*\nhint: .*\n\Z")
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def test_refuses_wrong_usage(self):
        (self.folder / "empty").mkdir()
        self.check_refused(2, "no folder /nowhere", "--bin", "/nowhere")
        self.check_refused(2, "no program reprise in", "--bin", self.folder / "empty")
        self.check_refused(2, "ends with none of .tar.xz", target="b.zip")
        self.check_refused(2, "ends with none of", target=".tar")
        self.check_refused(2, "to write to", target="nowhere/b.tar")
        self.check_refused(2, "--form", "--form=zip")

    def test_names_a_library_that_is_not_found(self):
        tool = self.folder / "ldd"
        tool.write_text("#!/bin/sh\necho '  libnowhere.so.7 => not found'\n")
        tool.chmod(0o755)
        path = f"{self.folder}:{os.environ['PATH']}"
        self.check_refused(5, "needs libnowhere.so.7", env={**os.environ, "PATH": path})

    def test_leaves_an_earlier_bundle_as_it_was_when_there_is_no_room_for_a_new_one(self):
        (self.folder / "b.tar").write_text("earlier")
        limit = (1 << 20, 1 << 20)
        self.check_refused(4, "File too large", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
        self.assertEqual((self.folder / "b.tar").read_text(), "earlier")

    def test_leaves_nothing_when_it_is_stopped(self):
        process = subprocess.Popen(self.command(self.folder / "b.tar.xz", "--bin", self.programs))
        end = time.monotonic() + 60
        while not any(self.folder.iterdir()) and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 128 + signal.SIGTERM)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--bin", type=Path, required=True)
    options, rest = parser.parse_known_args()
    GpuBundle.source, GpuBundle.programs = options.source, options.bin
    unittest.main(argv=[sys.argv[0], *rest])
