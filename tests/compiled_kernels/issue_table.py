#!/usr/bin/env python3
"""What the main loops of kernels ask of a scheduler, counted in their machine code: instructions of one turn, and cycles
in which the next one waits for registers.

    issue_table.py --nvdisasm PROGRAM [--capability 9.0] [--least N] FILE...    FILE: archive or object of nvcc, or cubin

A loop is listed when N fused multiply-adds (100) stand in a row without a branch. If they are no loop of their own, a
turn is the way round that starts the most copies to shared memory without a condition, and of those the shortest; what
is done at the end of a segment is not on it.

Waits are those of the model of Huerta et al., "Analyzing Modern NVIDIA GPU cores" (arXiv 2503.20481), measured there on
compute capability 8.6: the registers of a scheduler lie in two banks, even and odd; a bank gives one register of a warp
per cycle; an instruction has three cycles to read in, and the next one waits while it cannot; what carries `.reuse` is
kept for the same operand of the next multiply-add that reads that bank. The authors did not find a rule for all cases,
and for 9.0 nobody published one. Where an instruction takes two cycles of its unit (8.0) nothing waits. Reads of
instructions other than FADD, FMUL and FFMA are left out.
Exit code 2: a file that cannot be read or has no such machine code.
"""
import argparse
import heapq
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import check_machine_code
import uses_table

CYCLES_TO_READ = 3
ARITHMETIC = ("FADD", "FMUL", "FFMA")
NO_REGISTER = 255  # RZ


class Instruction:
    def __init__(self, text):
        words = re.match(r"(?P<guard>@!?U?P\w+\s+)?(?P<name>\S+)\s*(?P<operands>.*)", text)
        self.guarded, self.name = bool(words["guard"]), words["name"].split(".")[0]
        self.operands = [operand.strip() for operand in words["operands"].split(",")]
        self.label = next(iter(re.findall(r"\.L_x_\d+", words["operands"])), None)

    def sources(self):
        """Place, register and whether it is kept, of every register that arithmetic reads."""
        for place, operand in enumerate(self.operands[1:]):
            register = re.match(r"[-|~]*R(\d+)", operand)
            if register and int(register[1]) != NO_REGISTER:
                yield place, int(register[1]), ".reuse" in operand


class Kernel:
    def __init__(self):
        self.instructions, self.labels = [], {}

    def blocks(self):
        """Runs of instructions that control enters at the first and leaves at the last: first -> behind the last."""
        leaves = ("BRA", "EXIT", "RET", "BSYNC", "BREAK", "CALL")
        starts = {0, *self.labels.values()}
        starts.update(i + 1 for i, instruction in enumerate(self.instructions) if instruction.name in leaves)
        starts = sorted(start for start in starts if start < len(self.instructions))
        return dict(zip(starts, starts[1:] + [len(self.instructions)]))

    def followers(self, first, behind):
        last = self.instructions[behind - 1]
        if last.name == "BSYNC":  # goes where the BSSY of its barrier said
            for instruction in reversed(self.instructions[:behind]):
                if instruction.name == "BSSY" and instruction.operands[0] == last.operands[0]:
                    return [self.labels[instruction.label]]
        if last.name in ("EXIT", "RET") and not last.guarded:
            return []
        if last.name != "BRA":
            return [behind]
        uniform = re.match(r"!?U?P\d", last.operands[0])
        return [self.labels[last.label], *([behind] if last.guarded or uniform else [])]

    def is_common(self, first, behind):
        """Whether a turn may lead there: neither a segment's end nor copies at an edge."""
        return not any(instruction.name in ("LDG", "STG") or instruction.name == "LDGSTS" and instruction.guarded
                       for instruction in self.instructions[first:behind])

    def turn(self, heart, blocks):
        """The instructions of a way from a block round to it, or None."""
        def cost(first):
            run = self.instructions[first:blocks[first]]
            return len(run), sum(instruction.name == "LDGSTS" for instruction in run)
        if heart in self.followers(heart, blocks[heart]):
            return self.instructions[heart:blocks[heart]]
        blocks = {first: behind for first, behind in blocks.items()
                  if first == heart or self.is_common(first, behind)}
        length, copies = cost(heart)
        queue, most, best, seen = [(length, copies, (heart,))], -1, None, set()
        while queue:  # shortest ways first
            length, copies, way = heapq.heappop(queue)
            for follower in self.followers(way[-1], blocks[way[-1]]):
                if follower == heart and copies > most:
                    most, best = copies, way
                if follower not in blocks or follower in way:
                    continue
                more_length, more_copies = cost(follower)
                state = (follower, copies + more_copies)
                if state not in seen:
                    seen.add(state)
                    heapq.heappush(queue, (length + more_length, copies + more_copies, way + (follower,)))
        return [i for first in best for i in self.instructions[first:blocks[first]]] if best else None


def kernels_of(text):
    kernels, kernel = {}, None
    for line in text.split("\n"):
        section = re.match(r"\s*\.section\s+\.text\.([^,\s]+)", line)
        label = re.match(r"(\.L_x_\d+):", line)
        instruction = re.match(r"\s*/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;", line)
        if section:
            kernel = kernels.setdefault(section[1], Kernel())
        elif kernel and label:
            kernel.labels[label[1]] = len(kernel.instructions)
        elif kernel and instruction:
            kernel.instructions.append(Instruction(instruction[1]))
    return kernels


def registers_read(run):
    """How many registers each instruction reads from the even and the odd bank."""
    kept = {}  # (bank, place) -> register
    for instruction in run:
        reads = (set(), set())
        for place, register, stays in instruction.sources() if instruction.name in ARITHMETIC else ():
            key = (register % 2, place)
            if kept.get(key) != register:
                reads[register % 2].add(register)
            kept[key] = register if stays else None
        yield len(reads[0]), len(reads[1])


def cycles(reads):
    """Cycles that a scheduler needs to issue instructions which read so many registers of the two banks."""
    now, taken = -1, (set(), set())
    for counts in reads:
        while True:
            now += 1
            free = [sorted(set(range(now, now + CYCLES_TO_READ)) - bank)[:count] for bank, count in zip(taken, counts)]
            if all(len(slots) == count for slots, count in zip(free, counts)):
                break
        for bank, slots in zip(taken, free):
            bank.update(slots)
            bank -= {cycle for cycle in bank if cycle < now}
    return now + 1


def machine_code(path, capability):
    """The machine code in a file: a cubin is one itself."""
    with open(path, "rb") as file:
        data = file.read()
    found = [payload for kind, of, payload in check_machine_code.entries(data)
             if kind == check_machine_code.KIND_MACHINE_CODE and of == capability]
    return found or ([data] if data.startswith(b"\x7fELF") else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nvdisasm", required=True)
    parser.add_argument("--capability", type=float, default=9.0)
    parser.add_argument("--least", type=int, default=100)
    parser.add_argument("files", nargs="+", metavar="FILE")
    arguments = parser.parse_args()
    codes = []
    for path in arguments.files:
        try:
            found = machine_code(path, round(10 * arguments.capability))
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)
            return 2
        if not found:
            print(f"{path}: no machine code of kernels for {arguments.capability}", file=sys.stderr)
            return 2
        codes += found
    print("| kernel | FFMA | instructions | registers read per FFMA | waits | FFMA per cycle |\n|---|---|---|---|---|---|")
    for code in codes:
        with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
            file.write(code)
            file.flush()
            text = subprocess.run([arguments.nvdisasm, "-c", file.name], stdout=subprocess.PIPE, check=True,
                                  text=True).stdout
        print_loops(kernels_of(text), arguments.least)
    return 0


def count(run, name):
    return sum(instruction.name == name for instruction in run)


def print_loops(kernels, least):
    names = uses_table.readable(list(kernels))
    for name, kernel in kernels.items():
        blocks = kernel.blocks()
        for first, behind in blocks.items():
            if count(kernel.instructions[first:behind], "FFMA") < least:
                continue
            turn = kernel.turn(first, blocks)
            if turn is None:
                continue
            reads = list(registers_read(turn))
            ffma, taken = count(turn, "FFMA"), cycles(reads)
            print(f"| {names[name][:100]} | {ffma} | {len(turn)} | {sum(map(sum, reads)) / ffma:.2f} "
                  f"| {taken - len(turn)} | {ffma / taken:.2f} |")


if __name__ == "__main__":
    sys.exit(main())
