"""Arithmetic of docs/numeric_contract.md in numpy: fma, products, lane sums, the tree, the exact functions, Philox."""
import numpy as np

F32, F64, U32, U64 = np.float32, np.float64, np.uint32, np.uint64
SEGMENT, LANES, CHUNK = 256, 32, 4096                              # [C-3], [C-4], [C-16]
QUIET_NAN = np.array(0x7FC00000, U32).view(F32)
np.seterr(all="ignore")


# --- [C-1]: fma in binary32. The binary64 product is exact; the binary64 sum is wrong only where it lies on a rounding
# boundary of binary32 or where the result is subnormal. There the sum is made round-to-odd before it is rounded again.
def _round_to_odd(product, addend):
    s = product + addend
    b = s - product
    error = (product - (s - b)) + (addend - b)                     # TwoSum: s + error is exact
    bits = s.view(np.int64)
    step = np.where((error > 0) == (s > 0), 1, -1)
    return np.where((error != 0) & ~np.isnan(error) & (bits & 1 == 0), bits + step, bits).view(F64)


def _round_sum(product, addend, out, may_be_subnormal=True, total=None, bits=None):
    """out = binary32(product + addend), rounded once; product and addend are exact binary64 values."""
    total = np.add(product, addend, out=total)
    bits = np.bitwise_and(total.view(np.int64), 0x1FFFFFFF, out=bits)
    doubtful = bits == 0x10000000                                  # halfway between two binary32 numbers
    if may_be_subnormal:
        doubtful |= (np.abs(total) < 2.0 ** -125) & (total != 0)
    if doubtful.any():
        product, addend = np.broadcast_to(product, total.shape), np.broadcast_to(addend, total.shape)
        total[doubtful] = _round_to_odd(product[doubtful], addend[doubtful].astype(F64))
    out[...] = total
    return out


def fma(a, b, c):
    product = np.asarray(a, F64) * np.asarray(b, F64)
    shape = np.broadcast_shapes(product.shape, np.shape(c))
    return _round_sum(product, np.asarray(c, F64), np.empty(shape, F32), total=np.empty(shape, F64))


def horner(x, *coefficients):
    result = np.full_like(x, F32(coefficients[0]))
    for c in coefficients[1:]:
        result = fma(result, x, F32(c))
    return result


# --- [C-3]: products; rows = [(first, last), ...] gives for each k the rows that it takes part in ([C-12], [C-40])
def _smallest(x):
    x = np.abs(x[x != 0])
    return x.min() if x.size else 1.0


def product(a, b, rows=None):
    """[..., M, K] times [..., K, N]: sums over ascending k, cut at the multiples of 256."""
    num_rows, terms, width = a.shape[-2], a.shape[-1], b.shape[-1]
    batch = a.shape[:-2]
    block = max(1, 32768 // width)
    if rows is None and not batch and num_rows > block:            # rows are independent: keep the working set in cache
        return np.concatenate([product(a[i:i + block], b) for i in range(0, num_rows, block)])
    left = np.ascontiguousarray(np.moveaxis(a, -1, 0), F64)[..., None]
    right = np.ascontiguousarray(np.moveaxis(b, -2, 0), F64)[..., None, :]
    subnormal = bool(_smallest(left) * _smallest(right) < 2.0 ** -78)    # else all sums are multiples of 2^-126
    shape = (*batch, num_rows, width)
    total, started = np.zeros(shape, F32), np.zeros(num_rows, bool)
    acc, work, s, bits = np.empty(shape, F32), np.empty(shape, F64), np.empty(shape, F64), np.empty(shape, np.int64)
    for start in range(0, terms, SEGMENT):
        acc[...] = 0
        touched = np.zeros(num_rows, bool)
        for k in range(start, min(start + SEGMENT, terms)):
            r = slice(*rows[k]) if rows else slice(None)
            np.multiply(left[k][..., r, :], right[k], out=work[..., r, :])
            _round_sum(work[..., r, :], acc[..., r, :], acc[..., r, :], subnormal, s[..., r, :], bits[..., r, :])
            touched[r] = True
        first, later = touched & ~started, touched & started
        total[..., first, :] = acc[..., first, :]                  # the first segment is the start, not added to zero
        total[..., later, :] = total[..., later, :] + acc[..., later, :]
        started |= touched
    return total


def product_of_rows(dy, x):
    """[C-3] over rows of elementwise products (gradients of norm weights)."""
    total = None
    for start in range(0, dy.shape[0], SEGMENT):
        acc = np.zeros(dy.shape[1], F32)
        for k in range(start, min(start + SEGMENT, dy.shape[0])):
            acc = fma(dy[k], x[k], acc)
        total = acc if total is None else total + acc
    return total


# --- [C-4], [C-5]
def lane_sum(x, y=None):
    """lane + x, or fma(x, y, lane) where y is given, over the last axis."""
    def lanes(v):
        padded = np.zeros((*v.shape[:-1], -(-v.shape[-1] // LANES) * LANES), F32)
        padded[..., :v.shape[-1]] = v
        return padded.reshape(*v.shape[:-1], -1, LANES)
    x = lanes(x)
    y = None if y is None else lanes(y)
    lane = np.zeros((*x.shape[:-2], LANES), F32)
    for i in range(x.shape[-2]):
        lane = lane + x[..., i, :] if y is None else fma(x[..., i, :], y[..., i, :], lane)
    for distance in (16, 8, 4, 2, 1):
        lane = lane + lane[..., np.arange(LANES) ^ distance]
    return lane[..., 0]


def row_maximum(x):
    return np.fmax.reduce(x, axis=-1, initial=-np.inf) + F32(0)    # -0 + 0 is +0


# --- [C-6] to [C-8], [C-31] to [C-34]
LN2_HIGH, LN2_LOW = F32(float.fromhex("0x1.62e4p-1")), F32(float.fromhex("0x1.7f7d1cp-20"))


def _hex(*numbers):
    return [F32(float.fromhex(n)) for n in numbers]


EXP = _hex("0x1.6db42ap-10", "0x1.123b56p-7", "0x1.55545ep-5", "0x1.55548ep-3", "0x1p-1")
LOG = _hex("0x1.1b4316p-4", "-0x1.e2ee38p-4", "0x1.e652cep-4", "-0x1.fb4296p-4", "0x1.233294p-3", "-0x1.5562e6p-3",
           "0x1.99a548p-3", "-0x1.ffffeep-3", "0x1.555546p-2")
TANH = _hex("-0x1.9460e4p-8", "0x1.5812a2p-6", "-0x1.b905c4p-5", "0x1.110c5ep-3", "-0x1.555548p-2")
ERF_P = _hex("0x1.4f676p-14", "-0x1.a60a2ep-11", "0x1.544a1ap-8", "-0x1.b8011ap-6", "0x1.ce2d64p-4", "-0x1.81274p-2",
             "0x1.06eba8p-3")
ERF_Q = _hex("-0x1.78d41p-17", "0x1.5279dcp-12", "-0x1.dd6bc4p-9", "0x1.855124p-6", "-0x1.b32568p-4", "-0x1.45328ep-1",
             "-0x1.0778dcp-3")
SIN = _hex("-0x1.991c26p-13", "0x1.1106c6p-7", "-0x1.555544p-3")
COS = _hex("0x1.99e336p-16", "-0x1.6c0c1ep-10", "0x1.55554ap-5", "-0x1p-1")


def _power_of_two(n):
    return np.ldexp(F32(1), n.astype(np.int32)).astype(F32)


def _nearest_integer(x, factor):
    return np.rint(x.astype(F64) * float.fromhex(factor)).astype(F32)    # "once": the product itself is not rounded


def _exp_parts(x):
    n = _nearest_integer(x, "0x1.715476p+0")
    h = fma(-n, LN2_HIGH, x)
    r = fma(-n, LN2_LOW, h)
    a = np.floor(n / F32(2))
    return n, h, r, horner(r, *EXP), _power_of_two(a), _power_of_two(n - a)


def _clamp(x):
    return np.minimum(np.maximum(x, F32(-104)), F32(89))


def exp(x):
    n, h, r, t, scale_1, scale_2 = _exp_parts(np.where(np.isnan(x), F32(0), _clamp(x)))
    y = fma(t, r * r, r) + F32(1)
    return np.where(np.isnan(x), QUIET_NAN, y * scale_1 * scale_2)


def log(x):
    good = np.where((x > 0) & (x < np.inf), x, F32(1))
    m, e = np.frexp(good)
    low = m < F32(float.fromhex("0x1.6a09e6p-1"))
    f = np.where(low, m * F32(2), m) - F32(1)
    e = (e - low).astype(F32)
    p = horner(f, *LOG)
    s = f * f
    c = fma(s * f, p, e * LN2_LOW)
    y = fma(e, LN2_HIGH, f + fma(F32(-0.5), s, c))
    return np.where(np.isnan(x) | (x < 0), QUIET_NAN, np.where(x == 0, F32(-np.inf), np.where(x == np.inf, x, y)))


def sigmoid(x):
    n, h, r, t, scale_1, scale_2 = _exp_parts(np.where(np.isnan(x), F32(0), _clamp(-np.abs(x))))
    one = F32(1)
    w = fma(t, r * r, fma(-n, LN2_LOW, h - r))
    g = one + r
    high = g + w
    low = (g - high) + (((one - g) + r) + w)
    u, v = high * scale_1 * scale_2, low * scale_1 * scale_2
    d = one + u
    dl = ((one - d) + u) + v
    p, pl = np.where(x < 0, u, one), np.where(x < 0, v, F32(0))
    y = one / d
    q = p * y
    e = fma(-q, dl, fma(-q, d, p) + pl)
    return np.where(np.isnan(x), QUIET_NAN, fma(e, y, q))


def tanh(x):
    a = np.abs(np.where(np.isnan(x), F32(0), x))
    s = a * a
    small = fma(horner(s, *TANH) * s, a, a)
    b = np.minimum(a, F32(10))
    n, h, r, t, _, _ = _exp_parts(b + b)
    m, power = fma(t, r * r, r), _power_of_two(n)
    large = F32(1) - F32(2) / fma(m, power, power + F32(1))
    y = np.where(a < F32(float.fromhex("0x1.1ap-1")), small, large)
    return np.where(np.isnan(x), QUIET_NAN, np.copysign(y, x))


def erf(x):
    a = np.abs(np.where(np.isnan(x), F32(0), x))
    small = fma(horner(a * a, *ERF_P), a, a)
    b = np.minimum(a, F32(4))
    n, h, r, t, _, _ = _exp_parts(fma(horner(b, *ERF_Q), b, -b))
    m, power = fma(t, r * r, r), _power_of_two(n)
    large = fma(-m, power, F32(1) - power)
    y = np.where(a < F32(float.fromhex("0x1.d8p-1")), small, large)
    return np.where(np.isnan(x), QUIET_NAN, np.copysign(y, x))


def sin_and_cos(x):
    bad = ~(np.abs(x) <= F32(2.0 ** 17))
    a = np.abs(np.where(bad, F32(0), x))
    n = _nearest_integer(a, "0x1.45f306p-1")
    c1, c2 = F32(float.fromhex("0x1.777a5cp-25")), F32(float.fromhex("0x1.ee59dap-50"))
    d = fma(-n, F32(float.fromhex("0x1.921fb6p+0")), a)
    r = fma(n, c1, d)
    s = r * r
    k = np.where(s >= F32(2.0 ** -14), fma(n, c1, d - r), F32(0))
    l = fma(n, c2, k)
    sine = r + fma(r * s, horner(s, *SIN), l)
    cosine = fma(horner(s, *COS), s, F32(1))
    quarter = n.astype(np.int64) % 4
    sin = np.choose(quarter, [sine, cosine, -sine, -cosine])
    cos = np.choose(quarter, [cosine, -sine, -cosine, sine])
    return np.where(bad, QUIET_NAN, np.where(np.signbit(x), -sin, sin)), np.where(bad, QUIET_NAN, cos)


def rsqrt(x):
    return np.where(np.isnan(x) | (x < 0), QUIET_NAN, F32(1) / np.sqrt(x))


# --- [C-20]
def tree(values):
    if len(values) == 1:
        return values[0]
    half = 1 << (len(values) - 1).bit_length() - 1
    return tree(values[:half]) + tree(values[half:])


# --- [C-24]
def philox(counter, seed):
    """Philox4x32-10; counter is four integers or arrays of them; returns four arrays of 32-bit words as uint64."""
    c = [np.asarray(x, U64) for x in np.broadcast_arrays(*counter)]
    key0, key1 = seed & 0xFFFFFFFF, seed >> 32
    mask, shift = U64(0xFFFFFFFF), U64(32)
    for _ in range(10):
        p0, p1 = c[0] * U64(0xD2511F53), c[2] * U64(0xCD9E8D57)
        c = [(p1 >> shift) ^ c[1] ^ U64(key0), p1 & mask, (p0 >> shift) ^ c[3] ^ U64(key1), p0 & mask]
        key0, key1 = (key0 + 0x9E3779B9) & 0xFFFFFFFF, (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return c
