"""Bodies of Prometheus' remote write 1.0, without any library."""

import struct


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, content):
    """A field with a length: text or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def labels(metric):
    """The labels of a series, to be used for each of its samples."""
    pairs = sorted(metric.items())
    return b"".join(field(1, field(1, n.encode()) + field(2, v.encode())) for n, v in pairs)


def sample(timestamp_ms, value):
    return field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(timestamp_ms))


def body(series):
    """A request with pairs of labels and samples, both encoded, as a snappy block of literals only."""
    plain = b"".join(field(1, names + samples) for names, samples in series)
    parts = [varint(len(plain))]
    for start in range(0, len(plain), 1 << 16):
        part = plain[start : start + (1 << 16)]
        parts += [b"\xf4", struct.pack("<H", len(part) - 1), part]
    return b"".join(parts)
