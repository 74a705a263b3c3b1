"""A folder for PATH that holds a few programs of this machine, and some that only pretend."""

import shutil
import subprocess

TOOLS = ("awk", "bash", "cat", "dirname", "env", "find", "grep", "head", "id", "mkdir", "mv", "rm", "sed", "sha256sum",
         "tr")


def make_path(folder, programs):
    """Links TOOLS into `folder` and writes each of `programs` (name: lines of bash); returns PATH."""
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool))
    for name, lines in programs.items():
        (folder / name).write_text(f"#!{shutil.which('bash')}\n{lines}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def run_script(path, *words, **variables):
    """Exit status and standard error of a bash script that sees these variables alone."""
    done = subprocess.run([shutil.which("bash"), *map(str, words)], capture_output=True, text=True,
                          env={"PATH": path, **{name: str(value) for name, value in variables.items()}})
    return done.returncode, done.stderr
