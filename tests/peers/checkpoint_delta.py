"""Undoes the differences of a packed checkpoint (docs/formats/checkpoint.md) with numpy and zstandard alone."""
import sys

import numpy as np


def zstd_frames(data, sizes):
    """Decompresses frames that stand one behind the other."""
    try:
        import zstandard
    except ImportError:
        sys.exit("a checkpoint is stored as differences: install zstandard, or run `reprise checkpoint unpack RUN` first")
    for size in sizes:
        frame = zstandard.ZstdDecompressor().decompressobj()
        values = frame.decompress(data)
        if len(values) != size or not frame.eof:
            sys.exit(f"a frame of differences holds {len(values)} bytes, not {size}")
        data = frame.unused_data
        yield np.frombuffer(values, np.uint8)
    if data:
        sys.exit(f"{len(data)} bytes are left behind the last frame of differences")


def apply_delta(data, anchor, piece=1 << 20):
    """Undoes the differences of one tensor; `anchor` holds the anchor's values."""
    old = np.ascontiguousarray(anchor, dtype="<f4").reshape(-1).view(np.uint32)
    new = np.empty_like(old)
    starts = range(0, old.size, piece)
    for start, planes in zip(starts, zstd_frames(data, [4 * min(piece, old.size - s) for s in starts])):
        a = old[start : start + piece]
        order = np.argsort((a >> 23) & 0xFF, kind="stable")
        u = np.zeros(a.size, np.uint32)
        for i, plane in enumerate(planes.reshape(4, -1)):
            u[order] |= plane.astype(np.uint32) << (8 * i)
        new[start : start + piece] = a + ((u >> 1) ^ (0 - (u & 1)).astype(np.uint32))
    return new.view("<f4").reshape(anchor.shape)
