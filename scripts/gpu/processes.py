"""Commands of check.py: each in a session of its own, of which nothing is left when it ends or has to.

A program may start others in process groups of their own (mpirun its ranks); all of them stay in the session.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

GRACE = 5  # seconds that a signal is given


class Stopped(Exception):
    def __init__(self, number):
        super().__init__(number)
        self.number = number


def raise_when_stopped():
    """From now on SIGINT, SIGTERM and SIGHUP raise Stopped: the first of them, for then there is a summary to write."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number, _):
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    for each in signals:
        signal.signal(each, stop)


def members(session):
    """Living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text(errors="replace").rsplit(")", 1)[1].split()  # a name may hold anything
        except (OSError, IndexError):
            continue
        if words[3] == str(session) and words[0] not in "ZX":
            found.append(int(path.parent.name))
    return found


def end_session(session):
    """Asks its processes to end, then makes them."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in members(session):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass
        end = time.monotonic() + GRACE  # also of SIGKILL: a process in the driver may not come back
        while members(session) and time.monotonic() < end:
            time.sleep(0.02)


class Guard:
    """A process that ends the command at hand when this one is gone, killed with no chance to do so itself."""

    def __init__(self):
        reader, self.writer = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            self.watch(reader)
        os.close(reader)

    def watch(self, reader):
        os.setsid()  # away from the terminal's Ctrl-C
        os.close(self.writer)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        session = 0
        with os.fdopen(reader) as lines:
            for line in lines:
                session = int(line)
        if session:
            end_session(session)
        os._exit(0)

    def look_after(self, session):
        os.write(self.writer, f"{session}\n".encode())

    def close(self):
        os.close(self.writer)
        os.waitpid(self.process, 0)


def run_line(line, log, seconds, folder, environment, guard):
    """Runs a line of bash, which says what it says to `log`. Returns its exit code, or None when `seconds` are over."""
    with open(log, "ab") as file:
        process = subprocess.Popen(["bash", "-o", "pipefail", "-c", line], cwd=folder, env=environment, stdout=file,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
    guard.look_after(process.pid)
    try:
        return process.wait(max(seconds, 0.1))
    except subprocess.TimeoutExpired:
        return None
    finally:
        end_session(process.pid)
        process.poll()
        guard.look_after(0)
