"""What bundle.py packs, by its name in the archive, which is laid out as a checkout with a build:

    scripts/, configs/, ...      what check.py and the GPU benchmarks read
    build/cuda/bin/              programs
    build/cuda/bundle/           what Machine of steps.py tells them of: lib/, and Open MPI with its plugins

Left behind: LibTorch and CUDA, which the machine has, and the C library family, of which a machine can load one only.
libstdc++ and libgcc_s belong to it: ours, found before a newer one of the machine, would break its Python and LibTorch;
what was linked to an older one runs with any newer.
"""

import os
import re
import subprocess
from pathlib import Path

from steps import ROOT
from summary import commit

BUNDLE = "build/cuda/bundle"
PROGRAMS = ("reprise", "reprise_conformance", "gpu_benchmark")
CHECKOUT = ("LICENSE", "scripts/gpu/*.py", "configs/runs/tiny.pbtxt", "corpora/tiny/*", "tests/data/small.*",
            "benchmarks/run_gpu_benchmarks.sh", "benchmarks/gpu_peer.py", "benchmarks/gpu_table.py",
            "docs/reference/gpu.md")
FAMILY = re.compile(r"(ld-linux.*|lib(c|m|pthread|dl|rt|resolv|util|stdc\+\+|gcc_s))\.so[.\d]*")
CUDA = re.compile(r"lib(cuda|cudart|cublas|cublasLt|cupti|nccl|nv\w+)\.so[.\d]*")


class Missing(Exception):
    """What, and a hint."""


def output_of(*words):
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    return done.stdout


def linked(path):
    """What the dynamic linker loads with a file, but CUDA and the C library family: names, and where they are."""
    found = {}
    for line in output_of("ldd", path).splitlines():
        name, arrow, place = line.strip().partition(" => ")
        if arrow and not FAMILY.fullmatch(name) and not CUDA.fullmatch(name):
            if place.startswith("not found"):
                raise Missing(f"{path} needs {name}, which is not found", "name its folder: LD_LIBRARY_PATH")
            found[name] = Path(place.rsplit(" (", 1)[0])
    return found


def without_torch(libraries):
    """Those of LibTorch's wheel stay behind, which is WHEEL/torch/lib and more."""
    torch = libraries.get("libtorch_cpu.so")
    wheel = torch.resolve().parents[2] if torch else None
    return {name: path for name, path in libraries.items() if wheel not in path.resolve().parents}


class OpenMpi:
    """Where it has been put together with, and its plugins: of those, all that need nothing more than is there."""

    def __init__(self):
        lines = output_of("ompi_info", "--parsable", "--path", "all").splitlines()
        self.folders = {words[1]: Path(words[2]) for words in (line.split(":", 2) for line in lines) if len(words) == 3}
        if not {"bindir", "pkglibdir", "pkgdatadir", "sysconfdir"} <= self.folders.keys():
            raise Missing("ompi_info does not say where Open MPI is", "install Debian's openmpi-bin")
        self.programs = [self.folders["bindir"] / name for name in ("mpirun", "orted")]

    def plugins(self, libraries):
        """Adds the libraries of those taken to `libraries`."""
        paths = sorted(self.folders["pkglibdir"].glob("mca_*.so"))
        taken = [path for path in paths if path.name.startswith("mca_pmix_")]  # by these ranks find each other
        for path in taken:
            libraries.update(linked(path))
        for path in paths:
            if path not in taken:
                needed = linked(path)
                if all(name in libraries or name.startswith("libmca_common_") for name in needed):
                    taken.append(path)
                    libraries.update(needed)
        return taken

    def files(self, libraries):
        contents = {f"bin/{path.name}": path for path in self.programs}
        contents.update({f"lib/openmpi/{path.name}": path for path in self.plugins(libraries)})
        contents.update({f"share/openmpi/{path.name}": path for path in self.folders["pkgdatadir"].glob("help-*.txt")})
        contents.update({f"etc/{path.name}": path for path in self.folders["sysconfdir"].glob("openmpi-*")})
        if "libpmix.so.2" in libraries:  # a library with plugins of its own, as Debian has it
            pmix = libraries["libpmix.so.2"].resolve().parent
            for path in sorted(pmix.glob("pmix/*.so")):
                libraries.update(linked(path))
                contents[f"lib/pmix/{path.name}"] = path
            contents.update({f"share/pmix/{path.name}": path for path in pmix.parent.glob("share/pmix/help-*.txt")})
        return contents


def programs_in(folder):
    return {name: folder / name for name in PROGRAMS if os.access(folder / name, os.X_OK)}


def contents_of(folder):
    """Name in the archive -> a file (Path), text (bytes) or the target of a link (str)."""
    programs, mpi = programs_in(folder), OpenMpi()
    libraries = {}
    for path in [*programs.values(), *mpi.programs]:
        libraries.update(without_torch(linked(path)))
    contents = {f"{BUNDLE}/{name}": path for name, path in mpi.files(libraries).items()}
    contents.update({f"{BUNDLE}/lib/{name}": path for name, path in libraries.items()})
    contents.update({f"build/cuda/bin/{name}": path for name, path in programs.items()})
    # The build puts libraries beside its programs, which then look there themselves.
    contents.update({f"build/cuda/bin/{name}": f"../bundle/lib/{name}" for name in libraries
                     if (folder / name).exists()})
    for pattern in CHECKOUT:
        contents.update({str(path.relative_to(ROOT)): path for path in ROOT.glob(pattern) if path.is_file()})
    if commit():
        contents[f"{BUNDLE}/commit"] = f"{commit()}\n".encode()
    return contents
