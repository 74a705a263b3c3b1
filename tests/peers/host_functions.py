#!/usr/bin/env python3
"""The binary64 host functions, written again from [C-52] to [C-54] of docs/numeric_contract.md: no line of the program, no
library but Python's integers and fractions. Run alone it prints the table of the contract; with --page FILE it says
whether FILE has that table.
"""

import argparse
import hashlib
import math
import struct
import sys
from fractions import Fraction

INFINITY = float("inf")
LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42fefa2p-1"), float.fromhex("0x1.9ef35793c7673p-41")
DENSITY_AT_0 = float.fromhex("0x1.9884533d43651p-2")


def fma(a, b, c):
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    return float(exact) if exact else a * b + c


def nearest_integer(a, b):
    """a * b rounded once, to an integer, half to even."""
    return float(round(Fraction(a) * Fraction(b)))


def two_sum(a, b):
    total = a + b
    return total, b - (total - a)


def two_product(a, b):
    product = a * b
    return product, fma(a, b, -product)


def horner(coefficients, x):
    """Highest first, a product and a sum for each."""
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def inverse_factorial(n, sign=1):
    return float(Fraction(sign, math.factorial(n)))


# [C-52] exp, log, pow

EXP_SERIES = [inverse_factorial(n) for n in range(14, 2, -1)]
ATANH_SERIES = [1 / n for n in range(27, 4, -2)]


def exp_of_pair(x, low):
    if x > 710:
        return INFINITY
    if x < -746:
        return 0.0
    n = nearest_integer(x, float.fromhex("0x1.71547652b82fep+0"))
    r, r_low = two_sum(fma(-n, LN2_HIGH, x), low - n * LN2_LOW)
    tail = r * r * (0.5 + r * horner(EXP_SERIES, r)) + r_low * (1 + r)
    head, head_low = two_sum(1.0, r)
    half = int(n) // 2
    return (head + (head_low + tail)) * math.ldexp(1.0, half) * math.ldexp(1.0, int(n) - half)


def log_pair(x):
    mantissa, exponent = math.frexp(x)  # exact, in [1/2, 1)
    if mantissa < float.fromhex("0x1.6a09e667f3bcdp-1"):
        mantissa, exponent = 2 * mantissa, exponent - 1
    f = mantissa - 1
    d, d_low = two_sum(2.0, f)
    s = f / d
    s_low = (fma(-s, d, f) - s * d_low) / d
    q, q_low = two_product(s, s)
    q_low = q_low + 2 * s * s_low
    c, c_low = two_product(q, s)
    c_low = c_low + q * s_low + q_low * s
    t = c / 3
    t_low = (fma(-t, 3.0, c) + c_low) / 3
    rest = c * q * horner(ATANH_SERIES, q)
    a, a_low = two_sum(s, t)
    a_low = a_low + (s_low + (t_low + rest))
    if exponent == 0:
        return two_sum(2 * a, 2 * a_low)
    n = float(exponent)
    b, b_low = two_sum(n * LN2_HIGH, 2 * a)
    return two_sum(b, b_low + (2 * a_low + n * LN2_LOW))


def exp(x):
    return exp_of_pair(x, 0.0)


def log(x):
    return sum(log_pair(x))


def power(base, exponent):
    high, low = log_pair(base)
    p, p_low = two_product(exponent, high)
    return exp_of_pair(p, p_low + exponent * low)


# [C-53] sin, cos

PI_HALF = [float.fromhex(part) for part in ("0x1.921fb54442d18p+0", "0x1.1a62633145c07p-54", "-0x1.f1976b7ed8fbcp-110")]
SIN_SERIES = [inverse_factorial(n, 1 if n % 4 == 1 else -1) for n in range(19, 4, -2)]
COS_SERIES = [inverse_factorial(n, 1 if n % 4 == 0 else -1) for n in range(18, 3, -2)]


def difference_of(a, b):
    """a - b and its rounding error, of any two numbers."""
    d = a - b
    e = d - a
    return d, (a - (d - e)) + (-b - e)


def reduced(x):
    n = nearest_integer(x, float.fromhex("0x1.45f306dc9c883p-1"))
    p, p_low = two_product(n, PI_HALF[0])
    s, s_low = two_product(n, PI_HALF[1])
    s_low = s_low + n * PI_HALF[2]
    u, u_error = difference_of(x - p, p_low)
    v, v_error = difference_of(u, s)
    low = u_error + v_error - s_low
    r = v + low
    return r, low - (r - v), int(n) % 4


def sine_series(r, low):
    q = r * r
    c = q * r
    rest = q * c * horner(SIN_SERIES, q) + low * (1 - 0.5 * q)
    return r + (rest - c * float.fromhex("0x1.5555555555555p-3"))


def cosine_series(r, low):
    q, q_low = two_product(r, r)
    h = 0.5 * q
    a = 1 - h
    error = (1 - a) - h
    return a + (error + (q * q * horner(COS_SERIES, q) - 0.5 * q_low - r * low))


def sine(x):
    if x == 0:
        return x
    r, low, quadrant = reduced(x)
    value = cosine_series(r, low) if quadrant % 2 else sine_series(r, low)
    return -value if quadrant >= 2 else value


def cosine(x):
    r, low, quadrant = reduced(x)
    value = sine_series(r, low) if quadrant % 2 else cosine_series(r, low)
    return -value if quadrant in (1, 2) else value


# [C-54] the normal distribution and its inverse

TAIL_SERIES = [float.fromhex(c) for c in """
    0x1.375e23df02073p+1 -0x1.e25e81ff28432p+0 0x1.1d296c0251421p-1 -0x1.f22396f07d5c5p-4 0x1.1c70166d9d115p-6
    -0x1.a55436343d40bp-11 -0x1.08471cd6ca1b7p-12 0x1.8d7bc32713542p-15 0x1.53eb19a1ef0cp-19 -0x1.9d7ff63f1a85cp-20
    -0x1.23328ac4bc208p-27 0x1.bd6acd3d4a7dep-25 -0x1.36f4c38561955p-32 -0x1.0bd2429e911a6p-29 -0x1.b6633fe0eff9fp-36
    0x1.5df6a7d35f4f7p-34 0x1.44fdf2ad862c2p-38 -0x1.cf2599288ce4cp-39 -0x1.eb7fb70c1cd39p-42 0x1.14fc9af60215p-43
    0x1.23f5529e54087p-45 -0x1.b80f419c33612p-49 -0x1.22eb488ef41d8p-49 -0x1.4bf28c160334dp-54 0x1.d3bb12db7175cp-54
    0x1.3f09f8e2411eap-56 -0x1.0b1a3b14ae65ep-58 -0x1.074c9196b6af5p-59""".split()]
TAIL_NUMERATOR = [-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00, -2.549732539343734e+00,
                  4.374664141464968e+00, 2.938163982698783e+00]
TAIL_DENOMINATOR = [7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00, 1.0]
MIDDLE_NUMERATOR = [-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02, 1.383577518672690e+02,
                    -3.066479806614716e+01, 2.506628277459239e+00]
MIDDLE_DENOMINATOR = [-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
                      -1.328068155288572e+01, 1.0]


def density(x):
    q, q_low = two_product(x, x)
    value = exp(-0.5 * q)
    return DENSITY_AT_0 * (value - value * (0.5 * q_low))


def upper_tail(x):
    if x > 40:
        return 0.0
    t = (x - 4) / (x + 4)
    following, after = 0.0, 0.0
    for coefficient in TAIL_SERIES[:0:-1]:
        following, after = 2 * t * following - after + coefficient, following
    return density(x) * (t * following - after + TAIL_SERIES[0]) / (x + 4)


def above_half(x):
    h = 0.5 * x * x
    series = 0.0
    for k in range(14, 0, -1):
        series = -h / k * (1 / (2 * k + 1) + series)
    return DENSITY_AT_0 * (x + x * series)


def normal(x):
    if abs(x) <= 1:
        return 0.5 + above_half(x)
    return upper_tail(-x) if x < 0 else 1 - upper_tail(x)


def inverse_normal(p):
    if p > 0.5:
        return -inverse_normal(1 - p)
    if p < 0.02425:
        q = math.sqrt(-2 * log(p))
        guess = horner(TAIL_NUMERATOR, q) / horner(TAIL_DENOMINATOR, q)
    else:
        q = p - 0.5
        r = q * q
        guess = horner(MIDDLE_NUMERATOR, r) * q / horner(MIDDLE_DENOMINATOR, r)
    residual = above_half(guess) - (p - 0.5) if p > 0.25 else upper_tail(-guess) - p
    step = residual / density(guess)
    return guess - step / (1 + 0.5 * guess * step)


# The table of the contract

STEP = float.fromhex("0x1.6a09e667f3bcdp+0")
COUNT = 4096
SAMPLES = {
    "exp": lambda i: exp((i - 2048) * STEP * 0.25),
    "log": lambda i: log(math.ldexp((i + 1) * STEP, i % 2048 - 1072)),
    "pow": lambda i: power((i + 1) * STEP, (i % 128 - 64) * STEP * 0.25),
    "sin": lambda i: sine((i - 2048) * STEP * 256),
    "cos": lambda i: cosine((i - 2048) * STEP * 256),
    "Phi": lambda i: normal((i - 2048) * STEP * 0.015625),
    "inverse Phi": lambda i: inverse_normal(math.ldexp((i + 0.5) * 2.0**-12, -(i % 512) if i % 2 else 0)),
}


def digest(function):
    return hashlib.sha256(struct.pack(f"<{COUNT}d", *(function(i) for i in range(COUNT)))).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", help="docs/numeric_contract.md, which must have the table that this program computes")
    arguments = parser.parse_args()
    rows = [f"| {name} | `{digest(function)}` |" for name, function in SAMPLES.items()]
    print("\n".join(rows))
    if not arguments.page:
        return 0
    with open(arguments.page, encoding="utf-8") as page:
        lines = page.read().splitlines()
    missing = [row for row in rows if not any(line.startswith(row) for line in lines)]
    for row in missing:
        print(f"not in {arguments.page}: {row}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
