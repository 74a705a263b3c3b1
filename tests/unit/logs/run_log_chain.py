"""Prints the chain of the sample log of tests/unit/logs/sample_log.h with two steps, made without Reprise's code."""
import hashlib
import struct
import zlib


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def single(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def text(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def sha(value):
    return hashlib.sha256(value.encode()).digest()


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def header():
    return text(1, number(1, 1) + text(2, b"sample") + text(3, sha("recipe")) + number(4, 1) + text(5, sha("data")) +
                text(6, sha("tokenizer")) + text(7, b'name: "sample"\n') + number(8, 1234) + number(9, 2))


def step(s):
    return text(2, number(1, s) + number(2, (s - 1) * 4) + number(3, 4) + number(4, 1020) + number(5, s * 1024) +
                text(6, sha("batch %d" % s)) + double(7, 8.25 / s) + double(8, 1e-3 / s) +
                text(9, struct.pack("<2d", 4000.1 + s, 4001.2)) + text(10, struct.pack("<2d", 70.5, 71.25)) +
                double(11, 1.0 / 3) + single(12, 0.1) + single(13, float32(float32(1e-3) * s)) +
                text(14, sha("state %d" % s)))


def checkpoint(s):
    return text(3, number(1, s) + text(2, sha("root %d" % s)))


chain = bytes(32)
for payload in (header(), checkpoint(0), step(1), step(2), checkpoint(2)):
    framed = struct.pack("<II", len(payload), zlib.crc32(payload)) + payload
    chain = hashlib.sha256(chain + framed).digest()
print(chain.hex())
