#!/usr/bin/env python3
"""Makes a table of what run_gpu_benchmarks.sh has written.

usage: gpu_table.py FOLDER [--json OUT]
Reads FOLDER/*-ROUND.jsonl, prints Markdown. Times are medians over all rounds; a ratio is one of medians, with the least
and the most of the ratios of single values that were measured in the same round. Each row says how many rounds it has.
"""

import argparse
import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

# Dense peaks of the vendor's data sheets, TFLOP/s: float32 without tensor cores, bfloat16 with them.
# The first name that a device's name contains.
PEAKS = {"H200 NVL": (60.0, 835.0), "H200": (66.9, 989.4), "H100 PCIe": (51.2, 756.0), "H100 NVL": (60.0, 835.0),
         "H100": (66.9, 989.4), "A100": (19.5, 312.0)}
OURS = {"gemm": "reprise", "attention forward": "reprise", "attention backward": "reprise", "step": "reprise exact",
        "native step": "reprise native bf16", "digests": "reprise", "launch": "recorded", "plans": "planned"}
AIMS = {"gemm": ("at least", 0.85), "attention backward": ("at most", 1.25), "step": ("at most", 1.3),
        "native step": ("at least", 1.0)}
AS_SPEED = {"gemm", "native step"}  # how fast ours is, not how long it takes
NATIVE_PEER = "pytorch bf16 compile flash"
FLEX = "pytorch fp32 flex"  # and with which tiles


def read(folder):
    """Returns the machines' lines, seconds and details by (figure, case, who), and what no round has."""
    machines, broken, lacking = [], [], []
    seconds = defaultdict(lambda: defaultdict(list))  # values by round
    details = {}
    for path in sorted(Path(folder).glob("*-*.jsonl")):
        number = int(path.stem.rsplit("-", 1)[1])
        for line in path.read_text().splitlines():
            try:
                figure = json.loads(line)
            except json.JSONDecodeError:  # of a program that was stopped
                broken.append(f"a broken line of {path.name}")
                continue
            if figure["figure"] == "machine":
                if figure not in machines:
                    machines.append(figure)
            elif "missing" in figure:
                lacking.append(figure)
            else:
                key = (figure["figure"], figure["case"], figure["who"])
                seconds[key][number].extend(figure["seconds"])
                details[key] = figure
    # A later round may end before its last figures. What is missing may name its case by the shape alone.
    measured = {(figure, case.split()[0], who) for figure, case, who in seconds}
    missing = [f"{of['figure']}, {of['case']}, {of['who']}: {of['missing']}" for of in lacking
               if (of["figure"], of["case"].split()[0], of["who"]) not in measured]
    return machines, seconds, details, sorted({*broken, *missing})


def set_native_steps_apart(seconds, details):
    """Makes a figure of its own of native steps and their peer, which stays beside the exact ones too."""
    for figure, case, who in list(seconds):
        if (figure, who) == ("step", OURS["native step"]):
            for name in (who, NATIVE_PEER):
                if (figure, case, name) in seconds:
                    seconds["native step", case, name] = seconds[figure, case, name]
                    details["native step", case, name] = details[figure, case, name]
            del seconds[figure, case, who]


def median_of(rounds):
    return statistics.median(value for values in rounds.values() for value in values)


def ratio_of(ours, theirs):
    """Our time over theirs: of the medians, the least and the most."""
    pairs = [mine / other for number in ours if number in theirs for mine, other in zip(ours[number], theirs[number])]
    middle = median_of(ours) / median_of(theirs)
    return (middle, min(pairs, default=middle), max(pairs, default=middle))


def peak_of(machines, who):
    name = " ".join(machine["device"] for machine in machines)
    for gpu, (fp32, bf16) in PEAKS.items():
        if gpu in name:
            return (bf16 if "bf16" in who else fp32) * 1e12
    return None


def hold_the_aim_against_the_fastest_tiles(rows):
    """A peer with tiles that do not suit it shows nothing."""
    flex = defaultdict(list)
    for row in rows:
        if row["figure"] == "attention backward" and row["who"].startswith(FLEX):
            flex[row["case"]].append(row)
    for tried in flex.values():
        for row in sorted(tried, key=lambda row: row["seconds"])[1:]:
            row.pop("reached", None)


def summarize(folder):
    machines, seconds, details, missing = read(folder)
    set_native_steps_apart(seconds, details)
    rows = []
    for key, rounds in seconds.items():
        figure, case, who = key
        ours = seconds.get((figure, case, OURS[figure]))
        row = {"figure": figure, "case": case, "who": who, "seconds": median_of(rounds), "rounds": len(rounds)}
        for name, rate in (("flops", "flops_per_second"), ("hashed_bytes", "hashed_bytes_per_second")):
            if name in details[key]:
                row[rate] = details[key][name] / row["seconds"]
        if ours is not None and who != OURS[figure]:
            row["ratio"], row["least"], row["most"] = ratio_of(ours, rounds)
            if figure in AS_SPEED:
                row["ratio"], row["least"], row["most"] = 1 / row["ratio"], 1 / row["most"], 1 / row["least"]
            if figure in AIMS and (figure == "native step" or "bf16" not in who):
                side, bound = AIMS[figure]
                row["reached"] = row["ratio"] >= bound if side == "at least" else row["ratio"] <= bound
        peak = peak_of(machines, who)
        if peak is not None and "flops_per_second" in row:
            row["utilisation"] = row["flops_per_second"] / peak
        if "tokens" in details[key]:
            row["tokens_per_second"] = details[key]["tokens"] / row["seconds"]
        for name in ("bytes", "bytes_lack", "parameters", "difference", "plan"):
            if name in details[key]:
                row[name] = details[key][name]
        rows.append(row)
    hold_the_aim_against_the_fastest_tiles(rows)
    return {"machines": machines, "rows": rows, "missing": missing}


def text_of(row, name, form, factor=1.0):
    return form.format(row[name] * factor) if name in row else ""


COLUMNS = {  # heading, text of a row
    "case": lambda row: row["case"],
    "who": lambda row: row["who"],
    "ms": lambda row: f"{row['seconds'] * 1e3:.4g}",
    "TFLOP/s": lambda row: f"{row['flops_per_second'] * 1e-12:.3g}",
    "GB/s": lambda row: f"{row['hashed_bytes_per_second'] * 1e-9:.4g}",
    "of the peak": lambda row: text_of(row, "utilisation", "{:.1f} %", 100),
    "tokens/s": lambda row: text_of(row, "tokens_per_second", "{:,.0f}"),
    "memory, GB": lambda row: text_of(row, "bytes", "{:.2f}", 1e-9) + (
        f" without {row['bytes_lack']}" if "bytes_lack" in row else ""),
    "ratio": lambda row: text_of(row, "ratio", "{:.2f}"),
    "least to most": lambda row: f"{row['least']:.2f} to {row['most']:.2f}" if "ratio" in row else "",
    "aim": lambda row: {True: "reached", False: "**missed**", None: ""}[row.get("reached")],
    "difference": lambda row: text_of(row, "difference", "{:.1e}"),
    "plan": lambda row: row["plan"],
    "rounds": lambda row: str(row["rounds"]),
}
SECTIONS = [
    ("gemm", "Matrix products: exact's speed over cuBLAS's (float32, no TF32); the aim is at least 0.85",
     ["case", "who", "ms", "TFLOP/s", "ratio", "least to most", "aim", "difference"]),
    ("plans", "Ways to cut a product: the time of the one that is planned over another's, which is faster above 1",
     ["case", "who", "plan", "ms", "TFLOP/s", "ratio", "least to most", "difference"]),
    ("attention backward", "Attention, backward: exact's time over that of others, which add in any order (of flex: its "
     "fastest tiles); at most 1.25",
     ["case", "who", "ms", "TFLOP/s", "ratio", "least to most", "aim"]),
    ("attention forward", "Attention, forward: exact's time over that of others",
     ["case", "who", "ms", "TFLOP/s", "ratio", "least to most"]),
    ("step", "Training step: exact's time over PyTorch's; the aim is at most 1.3 in float32, bf16 shows the gap",
     ["case", "who", "ms", "tokens/s", "of the peak", "memory, GB", "ratio", "least to most", "aim"]),
    ("native step", "Training step, native bf16: tokens per second over PyTorch's; the aim is at least 1",
     ["case", "who", "ms", "tokens/s", "of the peak", "memory, GB", "ratio", "least to most", "aim"]),
    ("digests", "SHA-256 of the chunks of weights and moments", ["case", "who", "ms", "GB/s"]),
    ("launch", "A small model's pass: recorded, over the same operator by operator",
     ["case", "who", "ms", "tokens/s", "ratio", "least to most"]),
]


def markdown(summary):
    lines = ["# Measured on a GPU", ""]
    for machine in summary["machines"]:
        lines.append("* " + ", ".join(f"{name}: {value}" for name, value in machine.items()
                                      if name != "figure" and value))
    for figure, heading, columns in SECTIONS:
        rows = [row for row in summary["rows"] if row["figure"] == figure]
        if not rows:
            continue
        columns = [*columns, "rounds"]
        rows.sort(key=lambda row: (row["case"], row["who"] != OURS[figure]))
        lines += ["", f"## {heading}", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        lines += ["| " + " | ".join(COLUMNS[column](row) for column in columns) + " |" for row in rows]
    if summary["missing"]:
        lines += ["", "## Missing", ""] + [f"* {what}" for what in summary["missing"]]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--json", help="write every figure of the table here")
    options = parser.parse_args()
    summary = summarize(options.folder)
    if not summary["rows"]:
        sys.exit(f"error: {options.folder}: no figures")
    if options.json:
        Path(options.json).write_text(json.dumps(summary, indent=1))
    sys.stdout.write(markdown(summary))


if __name__ == "__main__":
    main()
