#!/usr/bin/env python3
"""Holds the machine code of the kernels against their PTX: no fewer additions, products and fused multiply-adds, none that
flushes subnormal numbers. So ptxas joined nothing that the PTX rounds apart: a joined pair would be missing from both.

    check_machine_code.py --nvdisasm PROGRAM ARCHIVE    an archive of objects that nvcc made

There may be more: divisions and square roots become several instructions, and ptxas copies the body of a loop now and
then.
Exit code 0: no difference; 1: a difference, by kernel and compute capability; 2: the archive cannot be read.
"""
import argparse
import collections
import re
import struct
import subprocess
import sys
import tempfile

FAT_BINARY = struct.pack("<I", 0xBA55ED50)  # as nvcc 13.0 writes it; NVIDIA does not document its form
KIND_PTX, KIND_MACHINE_CODE = 1, 2
OPCODES = {"FADD": "add", "FMUL": "mul", "FFMA": "fma"}


def entries(data):
    """Kind, compute capability and contents of all entries of all fat binaries in an archive."""
    begin = data.find(FAT_BINARY)
    while begin >= 0:
        _, _, header, size = struct.unpack_from("<IHHQ", data, begin)
        place, end = begin + header, begin + header + size
        while place < end:
            kind, _, header, padded, compressed, _, _, capability = struct.unpack_from("<HHIQIIII", data, place)
            payload = data[place + header:place + header + padded]
            if compressed:
                payload = subprocess.run(["zstd", "-dcq"], input=payload[:compressed], stdout=subprocess.PIPE,
                                         check=True).stdout
            yield kind, capability, payload
            place += header + padded
        begin = data.find(FAT_BINARY, end)


def of_ptx(text):
    kernels, counts = {}, None
    for line in text.split("\n"):
        entry = re.search(r"\.entry (\S+)\(", line)
        if entry:
            counts = kernels.setdefault(entry[1], collections.Counter())
        operation = re.match(r"\s*(?:@!?%p\d+\s+)?(add|sub|mul|mad|fma|div|sqrt|rcp|rsqrt|ex2|lg2|sin|cos|tanh)\.(\S*)f32\s", line)
        if not operation or counts is None:
            continue
        if operation[2] != "rn.":
            counts["free"] += 1
        else:
            counts["add" if operation[1] == "sub" else operation[1]] += 1
    return kernels


def of_machine_code(cubin, nvdisasm):
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        text = subprocess.run([nvdisasm, "-c", file.name], stdout=subprocess.PIPE, check=True, text=True).stdout
    kernels, counts = {}, None
    for line in text.split("\n"):
        section = re.match(r"\s*\.section\s+\.text\.([^,\s]+)", line)
        if section:
            counts = kernels.setdefault(section[1], collections.Counter())
        operation = re.search(r"\b(FADD|FMUL|FFMA)(\.\S+)?\s", line)
        if operation and counts is not None:
            counts[OPCODES[operation[1]]] += 1
            if ".FTZ" in (operation[2] or ""):
                counts["flushing"] += 1
    return kernels


def differences(ptx, code):
    for name in OPCODES.values():
        if code[name] < ptx[name]:
            yield f"{name}: {code[name]} in machine code, {ptx[name]} in PTX"
    if ptx["free"]:
        yield f"{ptx['free']} operations whose rounding the PTX leaves open"
    if code["flushing"] and not ptx["div"] + ptx["sqrt"]:
        yield f"{code['flushing']} operations flush subnormal numbers"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nvdisasm", required=True)
    parser.add_argument("archive")
    arguments = parser.parse_args()
    with open(arguments.archive, "rb") as file:
        found = list(entries(file.read()))
    ptx = {}
    for kind, _, payload in found:
        if kind == KIND_PTX:
            ptx.update(of_ptx(payload.decode(errors="replace")))
    compared, different, equal = collections.Counter(), 0, 0
    for kind, capability, payload in found:
        if kind != KIND_MACHINE_CODE:
            continue
        for name, code in of_machine_code(payload, arguments.nvdisasm).items():
            compared[capability] += 1
            equal += all(code[operation] == ptx[name][operation] for operation in OPCODES.values())
            for difference in differences(ptx[name], code):
                different += 1
                print(f"compute capability {capability / 10}: {name}: {difference}")
    if not compared:
        print(f"{arguments.archive}: no machine code of kernels", file=sys.stderr)
        return 2
    kernels = ", ".join(f"{count} kernels for {capability / 10}" for capability, count in sorted(compared.items()))
    print(f"{kernels}; {equal} have exactly the operations of their PTX; {different} differences")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
