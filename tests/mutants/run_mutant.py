#!/usr/bin/env python3
"""Compiles one mutant of mutants.toml, relinks its GoogleTest program and requires the named test to fail.

The test must pass in the program as it was built first, so that a failure comes from the mutation; that compiling and
linking again fail no test by themselves is what the first entry of selftest.toml shows. Exit status: 0 as expected, 1 not, 77 the mutant cannot be run in this build or on this processor.
"""

import argparse
import json
import pathlib
import shlex
import shutil
import subprocess
import sys
import tomllib

SKIPPED = 77


class Verdict(Exception):
    """How a mutant ended: caught, survived, crashed, stale, does not compile, not run."""

    def __init__(self, name, detail):
        super().__init__(detail)
        self.name = name


class Tree:
    """The source and build trees, and the scratch folder of one mutant."""

    def __init__(self, source, build, scratch):
        self.source, self.build, self.scratch = source, build, scratch
        with open(build / "compile_commands.json", encoding="utf-8") as file:
            self.commands = {entry["file"]: entry for entry in json.load(file)}

    def link_command(self, program):
        found = subprocess.run(["ninja", "-C", str(self.build), "-t", "commands", program], capture_output=True,
                               text=True, check=False)
        if found.returncode != 0:
            raise Verdict("not run", f"{program} is not part of this build")
        # CMake writes ": && command && :".
        return found.stdout.strip().splitlines()[-1].removeprefix(": && ").removesuffix(" && :")


def library_of(file):
    """The folder that is copied: that of the library to which a source or header belongs."""
    parts = pathlib.PurePosixPath(file).parts
    return "/".join(parts[: parts.index("src") if "src" in parts else parts.index("include")])


def apply(mutant, text):
    count = text.count(mutant["old"])
    if count != 1:
        raise Verdict("stale", f"{mutant['file']} holds the replaced text {count} times: bring mutants.toml up to date")
    return text.replace(mutant["old"], mutant["new"])


def copy_library(tree, mutant, folder):
    library = library_of(mutant["file"])
    for part in ("src", "include"):
        shutil.copytree(tree.source / library / part, folder / library / part)
    file = folder / mutant["file"]
    text = file.read_text(encoding="utf-8")
    file.write_text(apply(mutant, text), encoding="utf-8")


def compile_source(tree, mutant, source, folder):
    """Compiles the copy of `source` as the build does, but with -O0. Returns the object and the archive it belongs to."""
    entry = tree.commands.get(str(tree.source / source))
    if entry is None:
        raise Verdict("not run", f"{source} is not part of this build")
    library = library_of(mutant["file"])
    arguments = shlex.split(entry["command"])
    arguments = [a.replace(str(tree.source / library), str(folder / library)) for a in arguments]
    at = arguments.index("-o") + 1
    object_in_build = pathlib.PurePosixPath(arguments[at])
    compiled = folder / object_in_build.name
    arguments[at] = str(compiled)
    done = subprocess.run(arguments + ["-O0", "-w"], cwd=entry["directory"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Verdict("does not compile", done.stderr)
    parts = object_in_build.parts
    marker = parts.index("CMakeFiles")
    target = parts[marker + 1].removesuffix(".dir")
    return compiled, "/".join(parts[:marker] + (f"lib{target}.a",))


def link(tree, mutant, objects, folder):
    """Links the program with a copy of the archive in which the objects are replaced."""
    archives = {archive for _, archive in objects}
    command = tree.link_command(mutant["program"])
    for archive in archives:
        copy = folder / pathlib.PurePosixPath(archive).name
        shutil.copyfile(tree.build / archive, copy)
        replaced = [str(path) for path, of in objects if of == archive]
        subprocess.run(["ar", "rs", str(copy)] + replaced, check=True, capture_output=True)
        if f" {archive} " not in command:
            raise Verdict("not run", f"{mutant['program']} does not link {archive}")
        command = command.replace(f" {archive} ", f" {copy} ")
    program = folder / mutant["program"]
    command = command.replace(f" -o tests/{mutant['program']} ", f" -o {program} ")
    done = subprocess.run(command, shell=True, cwd=tree.build, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not program.exists():
        raise Verdict("does not link", done.stderr)
    return program


def run_test(tree, mutant, program, folder):
    """Returns the failures that GoogleTest reports of the named test: [] when it passed."""
    report = folder / "report.json"
    done = subprocess.run([str(program), f"--gtest_filter={mutant['test']}", f"--gtest_output=json:{report}"],
                          cwd=tree.build, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode not in (0, 1) or not report.exists():
        raise Verdict("crashed", f"{mutant['test']} ended with status {done.returncode}\n{done.stdout}{done.stderr}")
    tests = [t for suite in json.loads(report.read_text())["testsuites"] for t in suite["testsuite"]]
    if len(tests) != 1 or tests[0].get("result") != "COMPLETED":
        raise Verdict("no such test", f"{mutant['test']} in {mutant['program']}: {len(tests)} run")
    return [f["failure"] for f in tests[0].get("failures", [])]


def failures_as_built(tree, mutant):
    program = tree.build / "tests" / mutant["program"]
    if not program.exists():
        raise Verdict("not run", f"{mutant['program']} is not part of this build")
    return run_test(tree, mutant, program, tree.scratch)


def failures_mutated(tree, mutant):
    copy_library(tree, mutant, tree.scratch)
    sources = mutant.get("rebuild", [mutant["file"]])
    objects = [compile_source(tree, mutant, source, tree.scratch) for source in sources]
    return run_test(tree, mutant, link(tree, mutant, objects, tree.scratch), tree.scratch)


def require_processor(mutant):
    needed = mutant.get("needs")
    if needed and needed not in pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii").split():
        raise Verdict("not run", f"this processor has no {needed}")


def judge(tree, mutant):
    """Always raises a Verdict."""
    require_processor(mutant)
    failures = failures_as_built(tree, mutant)
    if failures:
        raise Verdict("fails unchanged", f"{mutant['test']} fails without the mutation:\n{failures[0]}")
    failures = failures_mutated(tree, mutant)
    if not failures:
        raise Verdict("survived", f"{mutant['test']} passes: a test is missing")
    said = failures[0].splitlines()[1:]  # the first line is the place
    raise Verdict("caught", f"by {mutant['test']}: {' '.join(line.strip() for line in said[:3])}")


def label(mutant):
    """What the CTest entry says besides the name: who catches the mutant, or the other verdict expected."""
    return mutant.get("verdict", "caught_by_" + mutant["test"]).replace(" ", "_")


def read_table(path):
    with open(path, "rb") as file:
        return tomllib.load(file)["mutant"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=pathlib.Path, required=True)
    parser.add_argument("--list", action="store_true", help="print 'name label' of every mutant, for CMake")
    parser.add_argument("--name")
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path)
    options = parser.parse_args()
    mutants = read_table(options.table)
    if options.list:
        print("\n".join(f"{m['name']} {label(m)}" for m in mutants))
        return 0
    mutant = next(m for m in mutants if m["name"] == options.name)
    scratch = options.build / "mutants" / mutant["name"]
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        judge(Tree(options.source, options.build, scratch), mutant)
    except Verdict as verdict:
        print(f"mutant {mutant['name']} ({mutant['clause']}): {verdict.name}: {verdict}")
        if verdict.name == "not run":
            return SKIPPED
        return 0 if verdict.name == mutant.get("verdict", "caught") else 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
