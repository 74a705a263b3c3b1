"""What check.py says and leaves: a line of each step, machine.txt, summary.json, summary.md."""

import hashlib
import json
import platform
import re
import shutil
import subprocess
import time

from steps import PREPARE, ROOT, preamble

FORMAT = "reprise.gpu_check.v1"
PROGRAMS = ("reprise_conformance", "reprise", "gpu_benchmark")
CONTAINS = {9: (2, 3, 5), 7: (6,)}  # steps whose claim says what those of others say


def report_of(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):  # none, or of a program that was ended
        return None


def is_of_a_check(folder):
    return (report_of(folder / "summary.json") or {}).get("format") == FORMAT


def figures_of(path, said):
    """Returns the key figures in words, and the whole report of the conformance program if this was one."""
    report = report_of(path)
    if report is None:
        telling = re.findall(r"^(?:step .*|steps \d+ to .*|.* are the same)$", said, re.MULTILINE)
        return "; ".join(" ".join(line.split()) for line in telling), None
    words = []
    if "operators" in report:
        of = report["operators"]
        words.append(f"{of['operators']} operators, {of['cells']} cells, {of['mismatches']} differ")
    if "functions" in report:
        of = report["functions"]
        equal = sum(function["same"] for function in of)
        words.append(f"{equal} of {len(of)} functions the same ({of[0]['inputs']} inputs)")
    for point in report.get("training", {}).get("digests", []):
        words.append(f"digest behind {point['steps']} steps {'the same' if point['same'] else 'DIFFERENT'}")
    runs = report.get("native", {}).get("runs", [])
    if runs:
        equal, near = (sum(run.get(name, False) for run in runs) for name in ("same", "near"))
        words.append(f"native: {equal} of {len(runs)} the same twice, {near} near exact")
    return ", ".join(words) or report["device"], report


def problems_in(report):
    """What differs in a report, in the words of the program's own text."""
    found = list(report.get("operators", {}).get("differences", []))
    found += [f"function {of['name']}: DIFFERENT" for of in report.get("functions", []) if not of["same"]]
    found += [f"training, behind step {of['steps']}: DIFFERENT" for of in report.get("training", {}).get("digests", [])
              if not of["same"]]
    for run in report.get("native", {}).get("runs", []):
        verdicts = {f"FAILED: {run.get('failed')}": "failed" in run, "DIFFERENT": not run.get("same", True),
                    "TOO FAR": not run.get("near", True)}
        found += [f"native, {run['model']}, {run['type']}: {verdict}" for verdict, holds in verdicts.items() if holds]
    return found


def was_ended_by_timeout(line, code):
    return code == 124 and line.startswith("timeout ")


def reason_in(line, code, said, path=None):
    """Why a command failed, in a line: what it said itself, as far as that can be told."""
    lines = [text.strip() for text in said.splitlines() if text.strip()]
    problems = problems_in((report_of(path) if path else None) or {})
    named = [text for text in lines if re.match(r"error\[|first step that differs|.*\bdiffer: ", text)]
    if code is None or was_ended_by_timeout(line, code):
        reason = f"no end in its time; at last: {lines[-1] if lines else 'nothing'}"
    elif problems:
        reason = problems[0] + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")
    else:
        reason = (named + lines[-1:] + ["it said nothing"])[0]
    tool = re.search(r"--tool (\w+)", line)
    return f"{tool[1]}: {reason}" if tool else reason


def output_of(*words, **options):
    try:
        done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30,
                              **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{words[0]}: {error}\n"
    return done.returncode, done.stdout


def commit():
    """The commit of the checkout, with `+` where files differ from it, or of the bundle; None where neither says it."""
    bundled = ROOT / "build/cuda/bundle/commit"
    if bundled.exists():
        return bundled.read_text().strip()
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return None
    code, head = output_of("git", "rev-parse", "HEAD")
    _, changed = output_of("git", "status", "--porcelain", "--untracked-files=no")
    return head.strip() + ("+" if changed else "") if code == 0 else None


def digest_of(path):
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


class Summary:
    def __init__(self, folder, machine, steps):
        self.folder, self.machine, self.steps = folder, machine, steps
        self.begun = time.time()
        self.rows = {}
        self.facts = {
            "format": FORMAT, "commit": commit(), "device": None, "stopped": None,
            "preamble": preamble(machine),
            "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.begun)),
            "programs": {name: digest_of(ROOT / machine.program(name)) for name in PROGRAMS
                         if (ROOT / machine.program(name)).exists()},
        }
        self.write_machine()
        self.write()

    def write_machine(self):
        """Of the machine as it is before the first step."""
        parts = [f"{platform.platform()}, Python {platform.python_version()}\n",
                 *(f"{name}={value}\n" for name, value in sorted(self.machine.environment.items()))]
        for name in self.facts["programs"]:
            missing = [line.strip() for line in self.machine.linked(name) if "not found" in line]
            parts.append(f"{name}: {'; '.join(missing) or 'all libraries found'}\n")
        for flags in ((), ("-L",), ("-q", "-d", "CLOCK,POWER")) if shutil.which("nvidia-smi") else ():
            parts.append(output_of("nvidia-smi", *flags)[1])
        (self.folder / "machine.txt").write_text("".join(parts))

    def note(self, step, result, seconds=0.0, reason="", figures="", report=None, **facts):
        row = {"step": step.number, "name": step.name, "result": result, "seconds": round(seconds, 1),
               "reason": reason, "figures": figures, "commands": step.lines, **facts}
        if report is not None:
            row["report"] = report
            self.facts["device"] = report["device"]
        self.rows[step.number] = row
        result = self.result(row)
        print(f"{step.number:2} {step.name:13}  {result:14} {seconds:7.1f} s  {reason or figures}", flush=True)
        self.write()

    def add(self, step, text, **facts):
        """Says more of a step that has been noted."""
        self.rows[step.number].update({"more": text, **facts})
        print(f"   {text}", flush=True)
        self.write()

    def stop(self, reason, exit_code):
        self.facts["stopped"], self.facts["exit_code"] = reason, exit_code

    def has_failed(self, number):
        return self.rows[number]["result"] == "fail" if number in self.rows else False

    @staticmethod
    def result(row):
        code = row.get("exit_code")
        return row["result"].upper() + (f" (exit {code})" if row["result"] == "fail" and code is not None else "")

    def claims(self):
        """What has been proved and what not, of all steps, asked for or not. One that has failed is never proved."""
        passed, failed = ({number for number, row in self.rows.items() if row["result"] == result}
                          for result in ("pass", "fail"))
        told = {inner for outer in passed for inner in CONTAINS.get(outer, ())} - failed
        proved = [step.claim for step in self.steps if step.claim and step.number in passed - told]
        return proved, [step.claim for step in self.steps if step.claim and step.number not in passed | told]

    def exit_code(self):
        if self.facts["stopped"]:
            return self.facts["exit_code"]
        return 0 if all(row["result"] in ("pass", "skipped") for row in self.rows.values()) else 1

    def finish(self):
        proved, not_proved = self.claims()
        if self.facts["stopped"]:
            print(self.facts["stopped"])
        print(f"proved: {'; '.join(proved) or 'nothing'}")
        print(f"not proved: {'; '.join(not_proved) or 'nothing is left'}")
        print(f"{self.folder}/summary.md", flush=True)
        self.write()
        return self.exit_code()

    def write(self):
        proved, not_proved = self.claims()
        rows = [self.rows[step.number] for step in self.steps if step.number in self.rows]
        self.facts["seconds"] = round(time.time() - self.begun, 1)
        facts = {**self.facts, "exit_code": self.exit_code(), "proved": proved, "not_proved": not_proved, "steps": rows}
        (self.folder / "summary.json").write_text(json.dumps(facts, indent=1) + "\n")
        lines = ["# Checked on a GPU", "", f"* {self.facts['device'] or 'no GPU was reached'}",
                 f"* commit {self.facts['commit'] or 'unknown'}, {self.facts['begun']}, {self.facts['seconds']} s",
                 f"* proved: {'; '.join(proved) or 'nothing'}", f"* not proved: {'; '.join(not_proved) or 'nothing'}"]
        lines += [f"* {self.facts['stopped']}"] if self.facts["stopped"] else []
        lines += ["", "| step | name | result | seconds | what |", "|---|---|---|---|---|"]
        for row in rows:
            what = "; ".join(filter(None, (row["reason"] or row["figures"], row.get("more")))).replace("|", "/")
            number = row["step"] if row["step"] != PREPARE else ""
            lines.append(f"| {number} | {row['name']} | {self.result(row)} | {row['seconds']} | {what} |")
        (self.folder / "summary.md").write_text("\n".join(lines) + "\n")
