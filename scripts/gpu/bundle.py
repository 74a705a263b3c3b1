#!/usr/bin/env python3
"""Packs what check.py needs on a GPU machine without our libraries: docs/reference/gpu.md, "Carrying the programs".

    python3 scripts/gpu/bundle.py BUNDLE.tar.xz

and there, with no network and nothing installed but Python and a torch wheel of the LibTorch that we are linked to:

    python3 -m tarfile -e BUNDLE.tar.xz FOLDER
    python3 FOLDER/scripts/gpu/check.py measured --minutes 9

Its end says how it is compressed: .tar.xz (a minute), .tar.gz or .tar. The same files give the same bytes. The exit
code is 2 for wrong usage, 4 when something cannot be read or written, 5 when a library is missing, 130 after Ctrl-C;
then BUNDLE is as it was. Standard library only; asks ldd, and ompi_info of Open MPI.
"""

import sys

sys.dont_write_bytecode = True  # of the other files, beside their source

import argparse
import contextlib
import gzip
import io
import lzma
import os
import re
import shutil
import tarfile
from pathlib import Path

from contents import PROGRAMS, Missing, contents_of, programs_in
from check import Parser
from processes import Stopped, raise_when_stopped
from steps import ROOT, short

PRESET = 8  # a dictionary that reaches from one program to the next, which have the same kernels


def open_xz(file):
    return lzma.open(file, "wb", preset=PRESET)


def open_gz(file):
    return gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0)  # it would store name and time


OPEN = {".tar.xz": open_xz, ".tar.gz": open_gz, ".tar": contextlib.nullcontext}


def compression_of(path):
    return next((OPEN[end] for end in OPEN if path.name.endswith(end) and path.name != end), None)


def options_of(arguments):
    head, *rest = __doc__.split("\n\n")
    parser = Parser(prog="bundle.py", description=head, epilog="\n\n".join(rest), allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", metavar="BUNDLE", type=Path, help="to write: .tar.xz, .tar.gz or .tar")
    parser.add_argument("--bin", type=Path, default=ROOT / "build/cuda/bin",
                        help="folder of the programs (build/cuda/bin); links are followed")
    options = parser.parse_args(arguments)
    if compression_of(options.bundle) is None:
        parser.error(f"{options.bundle} ends with none of {', '.join(OPEN)}")
    if not options.bin.is_dir():
        parser.error(f"no folder {short(options.bin)} (the preset `cuda` builds it; --bin FOLDER)")
    for name in PROGRAMS[:2]:  # check.py goes on without the last one
        if name not in programs_in(options.bin):
            parser.error(f"no program {name} in {short(options.bin)} (the preset `cuda` builds it; --bin FOLDER)")
    if not options.bundle.absolute().parent.is_dir():
        parser.error(f"no folder {options.bundle.absolute().parent} to write to")
    if options.bundle.is_dir():
        parser.error(f"{options.bundle} is a folder")
    for tool in ("ldd", "ompi_info"):
        if not shutil.which(tool):
            raise Missing(f"no program {tool}", "install libc-bin and openmpi-bin (scripts/setup.sh)")
    return options


def entry(name, source):
    """The head of a file in the archive. Nothing of it tells when, where or by whom it was made."""
    info = tarfile.TarInfo(name)
    info.uname = info.gname = "root"
    info.mode = 0o644
    if isinstance(source, str):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, source, 0o777
    elif isinstance(source, bytes):
        info.size = len(source)
    else:
        info.size = source.stat().st_size
        info.mode = 0o755 if os.access(source, os.X_OK) else 0o644
    return info


def write_archive(file, contents):
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, source in sorted(contents.items()):
            if isinstance(source, Path):
                with source.open("rb") as data:
                    archive.addfile(entry(name, source), data)
            else:
                archive.addfile(entry(name, source), io.BytesIO(source) if isinstance(source, bytes) else None)


def write(bundle, contents):
    """Under another name until all of it is there."""
    part = bundle.with_name(f".{bundle.name}.{os.getpid()}")
    try:
        with part.open("xb") as file, compression_of(bundle)(file) as compressed:
            write_archive(compressed, contents)
        part.replace(bundle)
    finally:
        part.unlink(missing_ok=True)


def newest_versions(contents):
    """What the files ask of the C library family, which stays behind: such as GLIBC_2.36."""
    found = {}
    for source in contents.values():
        if not isinstance(source, Path):
            continue
        for word in set(re.findall(rb"\0((?:GLIBC|GLIBCXX)_[0-9.]+)(?=\0)", source.read_bytes())):
            family, version = word.decode().split("_")
            found[family] = max(found.get(family, []), [int(part) for part in version.split(".")])
    return ", ".join(f"{family}_{'.'.join(map(str, version))}" for family, version in sorted(found.items()))


def main():
    raise_when_stopped()
    bundle = None
    try:
        options = options_of(sys.argv[1:])
        bundle = options.bundle
        contents = contents_of(options.bin)
        write(bundle, contents)
        size, versions = bundle.stat().st_size / 2**20, newest_versions(contents)
        # In one piece, line end included: a reader may leave behind the first line.
        sys.stdout.write(f"{bundle}: {size:.1f} MiB, {len(contents)} files\n"
                         f"needs there: LibTorch, {versions}, Python\n"
                         f"unpack: python3 -m tarfile -e {bundle.name} FOLDER; "
                         "check: python3 FOLDER/scripts/gpu/check.py RESULTS\n")
        return 0
    except Missing as error:
        print(f"error[device]: {error.args[0]}\nhint: {error.args[1]}", file=sys.stderr)
        return 5
    except OSError as error:
        print(f"error[io]: {error.strerror}: {error.filename or bundle}\nhint: look at its rights and the space left",
              file=sys.stderr)
        return 4
    except Stopped as stopped:
        return 128 + stopped.number


if __name__ == "__main__":
    sys.exit(main())
