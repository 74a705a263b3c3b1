"""The steps of check.py: their commands, what each needs of the machine and what it shows.

docs/reference/gpu.md, "The first time on a GPU", has them under the same numbers; a test compares the two.
"""

import glob
import importlib.util
import os
import shlex
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PREPARE = 0  # the step that the runs of `reprise` are compared with
NOTHING = "--cells 0 --functions none --steps 0 --native-steps 0"  # but to say which GPU it is
TOOLS = ("memcheck", "synccheck", "racecheck", "initcheck")

# `lines` are commands of bash, one after the other; `claim` is what is shown when all of them end with 0. `needs` name
# questions of Machine. Where `each` is set a line that fails does not keep the next ones from running.
Step = namedtuple("Step", "number name seconds claim needs lines each repeat", defaults=(False, None))


def short(path):
    """A path as the commands name it: they are given in the repository."""
    path = os.path.abspath(path)
    return os.path.relpath(path, ROOT) if path.startswith(f"{ROOT}{os.sep}") else path


class Machine:
    """What there is of programs and libraries. No program of ours is started before something asks `lacks`."""

    def __init__(self, programs, folder, device):
        self.device = device
        self.programs = short(programs)
        self.environment = {"bin": self.programs, "out": short(folder), "runs": f"{short(folder)}/runs"}
        self.torch = self.wheel_of_torch()
        folders = [os.environ.get("LD_LIBRARY_PATH")]  # what the user names comes first
        if self.torch:
            folders += [f"{self.torch}/lib", f"{self.torch.parent}/nvidia/cu13/lib"]
            self.take("REPRISE_TORCH_CUDA_LIBRARY", self.torch / "lib/libtorch_cuda.so")
            self.take("REPRISE_NCCL_LIBRARY", self.torch.parent / "nvidia/nccl/lib/libnccl.so.2")
            self.take("REPRISE_CUDART_LIBRARY", self.torch.parent / "nvidia/cu13/lib/libcudart.so.13")
        folders += self.take_bundle()
        if any(folders):
            self.environment["LD_LIBRARY_PATH"] = ":".join(filter(None, folders))
        self.native = self.native_library()
        self.nccl = self.library("REPRISE_NCCL_LIBRARY", "libnccl.so.2")
        self.sanitizer = self.find_sanitizer()
        self.answers = {}

    def program(self, name):
        return f"{self.programs}/{name}"

    @staticmethod
    def wheel_of_torch():
        python = os.environ.get("PYTHON")
        if not python:
            found = importlib.util.find_spec("torch")
            return Path(found.submodule_search_locations[0]) if found else None
        code = "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
        found = subprocess.run([python, "-c", code], capture_output=True, text=True)
        return Path(found.stdout.strip()) if found.returncode == 0 else None

    def take(self, variable, path):
        if variable not in os.environ and path.exists():
            self.environment[variable] = str(path)

    def take_bundle(self):
        """Open MPI and other libraries that scripts/gpu/bundle.py has put beside the programs: returns their folder."""
        bundle = Path(ROOT, self.programs).parent / "bundle"
        if not bundle.is_dir():
            return []
        self.environment["PATH"] = f"{bundle}/bin:{os.environ.get('PATH', os.defpath)}"
        self.environment.update({"OPAL_PREFIX": str(bundle), "OPAL_SYSCONFDIR": f"{bundle}/etc"})
        for project, name in (("OPAL", "openmpi"), ("PMIX", "pmix")):
            self.environment[f"{project}_PKGLIBDIR"] = f"{bundle}/lib/{name}"
            self.environment[f"{project}_PKGDATADIR"] = f"{bundle}/share/{name}"
        return [f"{bundle}/lib"]

    def all_variables(self):
        """The environment of every command. Which backend a run has is said by its own command."""
        inherited = {name: value for name, value in os.environ.items() if name != "REPRISE_BACKEND"}
        return {**inherited, **self.environment}

    def library(self, variable, name):
        """Where a library is that programs look for when they run, or None."""
        variables = self.all_variables()
        folders = variables.get("LD_LIBRARY_PATH", "").split(":")
        places = [variables.get(variable)] if variable in variables else [f"{folder}/{name}" for folder in folders]
        found = next((place for place in places if place and os.path.exists(place)), None)
        if not found and variable not in variables and shutil.which("ldconfig"):
            known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
            found = next((line.split()[-1] for line in known.splitlines() if line.split()[:1] == [name]), None)
        return found

    def native_library(self):
        """LibTorch's CUDA part: as named, or beside the LibTorch in use."""
        named = self.library("REPRISE_TORCH_CUDA_LIBRARY", "libtorch_cuda.so")
        if named or "REPRISE_TORCH_CUDA_LIBRARY" in os.environ:
            return named
        for line in self.linked("reprise_conformance"):
            words = line.split()
            if words[:1] == ["libtorch_cpu.so"] and len(words) > 2:
                beside = Path(words[2]).with_name("libtorch_cuda.so")
                return str(beside) if beside.exists() else None
        return None

    @staticmethod
    def find_sanitizer():
        toolkits = [os.environ.get("CUDA_HOME", "/usr/local/cuda"), *sorted(glob.glob("/usr/local/cuda-*"))]
        return os.environ.get("SANITIZER") or shutil.which("compute-sanitizer") or next(
            (f"{toolkit}/bin/compute-sanitizer" for toolkit in toolkits
             if os.access(f"{toolkit}/bin/compute-sanitizer", os.X_OK)), None)

    def linked(self, name):
        if not shutil.which("ldd"):
            return []
        done = subprocess.run(["ldd", self.program(name)], cwd=ROOT, env=self.all_variables(), capture_output=True,
                              text=True)
        return (done.stdout + done.stderr).splitlines()

    def run(self, words):
        return subprocess.run(words, cwd=ROOT, env=self.all_variables(), capture_output=True, text=True, timeout=60)

    def output_of(self, words):
        """Lines of a program that ends within its time."""
        try:
            done = self.run(words)
        except (OSError, subprocess.TimeoutExpired):
            return []
        return (done.stdout + done.stderr).splitlines()

    def starts(self, words):
        """Returns nothing, or the first line of what a program says that does not end with 0."""
        try:
            done = self.run(words)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return "" if done.returncode == 0 else next(iter(done.stderr.splitlines()), f"exit {done.returncode}")

    # Each returns why a step cannot run here, or nothing.

    def without_sanitizer(self):
        if not self.sanitizer:
            return "no compute-sanitizer (SANITIZER names one)"
        # Some virtual machines let programs use the GPU and no tool watch them.
        words = [self.sanitizer, self.program("reprise_conformance"), "--device", self.device, *NOTHING.split()]
        refusal = next((line for line in self.output_of(words) if "not supported" in line), "")
        return f"compute-sanitizer cannot watch this GPU: {refusal.strip('= ')}" if refusal else ""

    def without_native(self):
        return "" if self.native else "no CUDA part of LibTorch (libtorch_cuda.so)"

    def without_benchmark(self):
        return "" if (ROOT / self.program("gpu_benchmark")).exists() else "gpu_benchmark is not built"

    def without_reprise(self):
        if not (ROOT / self.program("reprise")).exists():
            return "reprise is not built"
        missing = next((line.strip() for line in self.linked("reprise") if "not found" in line), "")
        reason = missing or self.starts([self.program("reprise"), "--help"])
        return f"reprise does not start here: {reason}" if reason else ""

    def without_mpirun(self):
        return "" if shutil.which("mpirun", path=self.all_variables().get("PATH")) else "no mpirun"

    def without_two(self):
        second = ["--device", "cuda:1", *NOTHING.split()]
        return "one GPU only" if self.starts([self.program("reprise_conformance"), *second]) else ""

    def without_nccl(self):
        return "" if self.nccl else "no NCCL found (REPRISE_NCCL_LIBRARY)"

    def lacks(self, step):
        for need in step.needs:
            if need not in self.answers:
                self.answers[need] = getattr(self, f"without_{need}")()
            if self.answers[need]:
                return self.answers[need]
        return ""


def look(device, flags):
    return f"$bin/reprise_conformance --device {device} {flags}"


def conformance_steps(machine):
    def step(number, name, seconds, claim, flags, needs=(), memcheck=None):
        command = look(machine.device, flags)
        again = f"{memcheck} {command}" if memcheck and machine.sanitizer else None
        return Step(number, name, seconds, claim, needs, [f"{command} --json | tee $out/{number:02}-{name}.json"],
                    repeat=again)

    sanitizer = shlex.quote(machine.sanitizer or "compute-sanitizer")
    ours = f"{sanitizer} --error-exitcode 9"
    # The libraries beneath LibTorch ask for what a driver may lack and go on without: memcheck counts each such call.
    native = f"{ours} --report-api-errors no"
    small = look(machine.device, "--small --cells 90 --functions none --steps 3 --native-steps 0")
    small_native = look(machine.device, "--small --cells 0 --functions none --steps 0 --native-steps 1")
    return [
        Step(1, "machine", 120, "", (), [
            "nvidia-smi || echo 'nvidia-smi failed'", "! ldd $bin/reprise_conformance | grep 'not found'",
            f"{look(machine.device, NOTHING)} --json | tee $out/01-machine.json"]),
        step(2, "operators", 120, "operators (small)", "--small --cells 90 --functions none --steps 0 --native-steps 0",
             memcheck=ours),
        step(3, "steps", 120, "samples of functions, 3 steps",
             "--small --cells 0 --functions sample --steps 3 --native-steps 0", memcheck=ours),
        Step(4, "sanitizer", 420, "exact kernels under compute-sanitizer", ("sanitizer",),
             [f"timeout 100 {sanitizer} --tool {tool} --error-exitcode 9 {small}" for tool in TOOLS], each=True),
        step(5, "sizes", 240, "operators, 20 steps", "--cells 600 --functions none --steps 20 --native-steps 0"),
        step(6, "native", 120, "native (small)", "--small --cells 0 --functions none --steps 0 --native-steps 3",
             ("native",), memcheck=native),
        step(7, "native-sizes", 240, "native", "--cells 0 --functions none --steps 0 --native-steps 20", ("native",)),
        Step(8, "native-memory", 120, "native kernels under memcheck", ("sanitizer", "native"),
             [f"timeout 100 {native} {small_native}"]),
        # Without the native profile: what LibTorch's CUDA part does to the process would cost the proof.
        step(9, "proof", 900, "operators, functions, 1,000 steps: the bits of the contract", "--native-steps 0"),
    ]


def training_steps(machine, config, settings):
    chosen = shlex.quote(config) + "".join(f" --set {shlex.quote(setting)}" for setting in settings)

    def roots(run):
        return f"$bin/reprise checkpoint list $runs/{run} --json | grep '\"root\"' > $runs/{run}.roots"

    def train(run, flags, environment=""):
        return (f"rm -rf $runs/{run} && cp -r $runs/data $runs/{run} && "
                f"{environment}$bin/reprise train {chosen} --out $runs/{run} {flags}")

    def same(run, other="cpu"):
        return [f"$bin/reprise log diff $runs/{other} $runs/{run}",
                f"{roots(run)} && cmp $runs/{other}.roots $runs/{run}.roots",
                f"cmp $runs/{other}/run.log $runs/{run}/run.log"]

    def gpus(number, name, claim, needs, flags, environment="", more=()):
        lines = [train(name, flags, environment), *same(name), *more, f"rm -r $runs/{name}"]  # it is the CPU's
        return Step(number, name, 240, claim, ("reprise", *needs), lines)

    on_gpu, on_any = f"--set runtime.device={machine.device}", "--set runtime.device=cuda"
    two, nccl = f"--ranks 2 {on_any} --set runtime.bucket_kib=4096", "REPRISE_BACKEND=nccl "
    exchange = "$bin/reprise log show $runs/nccl-two-gpus --session --json | grep '\"exchange\": \"gpus\"'"
    native = []
    for dtype in ("float32", "bfloat16"):
        flags = f"{on_gpu} --set recipe.numerics=native --set 'native.dtype=\"{dtype}\"'"
        first, second = f"{dtype}-1", f"{dtype}-2"
        native += [train(first, flags), roots(first), train(second, flags), *same(second, first),
                   f"rm -r $runs/{first} $runs/{second}"]
    evaluate = "$bin/reprise eval $runs/cpu --tasks held_out,pairs --json"
    return [
        Step(PREPARE, "cpu", 600, "", ("reprise",), [
            f"rm -rf $runs && mkdir -p $runs && $bin/reprise data build {chosen} --out $runs/data",
            train("cpu", "--set runtime.device=cpu"), roots("cpu")]),
        gpus(11, "train", "train as on the CPU", (), on_gpu),
        gpus(12, "nccl", "train over NCCL of one rank", ("nccl",), on_any, nccl),
        gpus(13, "two-ranks", "train on two ranks", ("mpirun",), two),  # which may share a GPU
        gpus(14, "nccl-two-gpus", "train between two GPUs", ("mpirun", "two", "nccl"), two, nccl, [exchange]),
        Step(15, "eval", 240, "eval as on the CPU", ("reprise",), [
            f"{evaluate} > $runs/eval-cpu.json", f"{evaluate} --device {machine.device} > $runs/eval-gpu.json",
            "cmp $runs/eval-cpu.json $runs/eval-gpu.json && echo 'the figures are the same'"]),
        Step(16, "native-train", 480, "native training, twice", ("reprise", "native"), native),
    ]


def all_steps(machine, config, settings):
    """Their commands stand behind those of `preamble`."""
    benchmark = f"$bin/gpu_benchmark --device {machine.device} --only native"
    prepare, *training = training_steps(machine, config, settings)
    speed = Step(10, "native-speed", 180, "", ("benchmark", "native"),
                 [f"{benchmark} | tee $out/10-native-speed.txt", "! grep 'missing: ' $out/10-native-speed.txt"])
    return [prepare, *conformance_steps(machine), speed, *training]


def preamble(machine):
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(machine.environment.items())]
    return [f"cd {shlex.quote(str(ROOT))}; set -o pipefail", *exports]
