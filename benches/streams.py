"""A corpus of streams for the measurement of stores: many programs on several hosts over a day.

Every program is a job: the synthetic ones of `shapes.py`, and each file of real lines below a folder where one is
named. Runs of 64 lines of a job go to one of its streams at a time, with times of a clock that walks evenly over
the span, and with fresh identifiers (`corpus.py` says how). The same seed and input give the same entries. Ten
lines, evenly spread, get a token that no other line has.
"""

import glob
import pathlib
import random

import corpus
import shapes

HOSTS = 8
SPAN_SECS = 86_400
RUNS_OF_SHAPE = 120
NEEDLE = "nq7x3kd9wz"
NEEDLES = 10
BODY_BYTES = 1 << 20


def jobs(folder=None):
    """Runs of lines by job."""
    found = {}
    for shape in dict.fromkeys(shapes.SHAPES):
        name = {"json_event": "json"}.get(shape.__name__, shape.__name__)
        found[name] = [shapes.run(random.Random(i), corpus.RUN_LINES, shape) for i in range(RUNS_OF_SHAPE)]
    for path in sorted(glob.glob(f"{folder}/**/*.log*", recursive=True)) if folder else []:
        found[pathlib.Path(path).name.split(".")[0].lower()] = corpus.cut(corpus.read_file(path, corpus.INPUT_BYTES))
    return {job: runs for job, runs in found.items() if runs}


def entries(runs_of, seed, size, end):
    """(stream number, seconds since 1970, line) of `size` bytes in all, in the order of time."""
    rng, written, marked = random.Random(seed), 0, 0
    names = list(runs_of)
    while written < size:
        at = end - SPAN_SECS + SPAN_SECS * written / size
        job = rng.randrange(len(names))
        stream = job * HOSTS + min(int(rng.expovariate(0.5)), HOSTS - 1)
        for i, line in enumerate(corpus.fresh(rng, rng.choice(runs_of[names[job]]), at)):
            # JSON with a word behind it would be none.
            if written >= size * (marked + 0.5) / NEEDLES and not line.endswith(b"}"):
                line, marked = line + b" " + NEEDLE.encode(), marked + 1
            yield stream, at + i * 0.001, line
            written += len(line) + 1


def labels(runs_of, stream):
    """The labels of a stream by its number."""
    return {"job": list(runs_of)[stream // HOSTS], "host": f"host{stream % HOSTS}"}


def write(runs_of, seed, size, end, lines_path, bodies_path):
    """Writes the lines as they are, and the bodies of push requests for them; gives the number of lines.

    A stream has no two lines of one time: of equal ones Loki would keep one."""
    count, batch, weight, last = 0, {}, 0, {}
    with open(lines_path, "wb", 1 << 20) as lines, open(bodies_path, "wb", 1 << 20) as bodies:
        for stream, seconds, line in entries(runs_of, seed, size, end):
            lines.write(line + b"\n")
            last[stream] = max(int(seconds * 1e6), last.get(stream, 0) + 1)
            batch.setdefault(stream, []).append(entry(last[stream] * 1000, line))
            count, weight = count + 1, weight + len(line) + 1
            if weight >= BODY_BYTES:
                put(bodies, push_request(runs_of, batch))
                batch, weight = {}, 0
        put(bodies, push_request(runs_of, batch))
    return count


def read(bodies_path):
    """The bodies that `write` has written."""
    with open(bodies_path, "rb", 1 << 20) as file:
        while head := file.read(4):
            yield file.read(int.from_bytes(head, "little"))


def put(file, body):
    file.write(len(body).to_bytes(4, "little") + body)


# --- Loki's push request: protobuf, in the form that Snappy gives to what it does not compress ---


def push_request(runs_of, batch):
    return request((labels(runs_of, stream), rows) for stream, rows in batch.items())


def request(rows_of):
    """Of (labels, entries) of each stream."""
    message = b"".join(field(1, field(1, label_text(pairs).encode()) + b"".join(rows)) for pairs, rows in rows_of)
    return varint(len(message)) + b"\xfc" + (len(message) - 1).to_bytes(4, "little") + message


def entry(ns, line):
    stamp = b"\x08" + varint(ns // 10**9) + b"\x10" + varint(ns % 10**9)
    return field(2, field(1, stamp) + field(2, line))


def field(number, content):
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def label_text(pairs):
    return "{" + ", ".join(f'{name}="{value}"' for name, value in pairs.items()) + "}"


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
