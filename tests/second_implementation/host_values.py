"""Values of the host functions ([C-2], [C-52] to [C-54] of docs/numeric_contract.md), rounded once to binary32. One of them by
tests/peers/host_functions.py, which follows the clauses in Python's integers and fractions, takes up to a millisecond. So
tables and weights take the C library's value wherever neither its error nor that of the clauses (at most 4 ulp) can decide the
rounding; where it lies that near to a boundary between two binary32 numbers, the clauses decide. `decided` counts those.
"""
import math
import os
import statistics
import sys

import numpy as np

from exact_arithmetic import F32, F64, U64, philox

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../peers"))
import host_functions  # noqa: E402  (its folder has no package)

SLACK = 2.0 ** -46                                                  # 64 ulp, far above both errors
LOG_2 = host_functions.log(2.0)
decided = 0


def cosine(x):
    return host_functions.cosine(x)


def _rounded(near, exact, scale=1.0):
    """exact(i) * scale in binary32, for `near`, values within SLACK of exact(i)"""
    global decided
    low, high = (near * (1 - SLACK) * scale).astype(F32), (near * (1 + SLACK) * scale).astype(F32)
    result = (near * scale).astype(F32)
    for i in np.flatnonzero(low != high).tolist():
        result[i] = F32(exact(i) * scale)
        decided += 1
    return result


def cosines_and_sines(angles):
    """of binary32 angles"""
    flat = angles.reshape(-1).astype(F64).tolist()
    cos = _rounded(np.array([math.cos(a) for a in flat]), lambda i: host_functions.cosine(flat[i]))
    sin = _rounded(np.array([math.sin(a) for a in flat]), lambda i: host_functions.sine(flat[i]))
    return cos.reshape(angles.shape), sin.reshape(angles.shape)


def inverse_frequencies(theta, size):
    """[C-11]"""
    return np.array([1 / host_functions.power(theta, 2 * e / size) for e in range(size // 2)], F64).astype(F32)


def initial_weights(index, shape, seed, deviation, cut):
    """[C-25]; elements in row-major order"""
    if len(shape) == 1:
        return np.ones(shape, F32)
    j = np.arange(math.prod(shape), dtype=U64)
    w0, w1, _, _ = philox((1, index, j & U64(0xFFFFFFFF), j >> U64(32)), seed)
    u = ((((w0 << U64(32)) | w1) >> U64(11)).astype(F64) + 0.5) * 2.0 ** -53
    below, above = host_functions.normal(-cut), host_functions.normal(cut)
    p = (below + u * (above - below)).tolist()
    inverse = statistics.NormalDist().inv_cdf                        # Wichura's AS 241
    near = np.array([inverse(v) for v in p])
    return _rounded(near, lambda i: host_functions.inverse_normal(p[i]), deviation).reshape(shape)
