#!/usr/bin/env python3
"""Log lines for measurements: runs of real lines, repeated with fresh times and identifiers.

How a corpus is made, always the same for the same seed and the same input:

1. Every input file is cut into runs of 64 consecutive lines. Real logs repeat themselves over short spans,
   and that is what a store lives on; single lines drawn at random would hide it.
2. Runs are drawn at random, with repetition, until the wanted size is reached.
3. In each drawn run the times are replaced by times of a clock that walks evenly over the given span and ends
   with the last line; the form of each time stays as it is.
4. In each drawn run, identifiers are replaced by others of the same form: numbers of four digits or more,
   hexadecimal words of eight or more, and the last part of IPv4 addresses. One identifier becomes the same
   other one all through its run, so that lines that belong together still do.
5. Empty lines and carriage returns are left out, lines are cut at 64 KiB, bytes that are no UTF-8 are replaced.

Without files of one's own the input is the machine's `/var/log/**/*.log` and its journal, and half of the runs
come from `shapes.py`, which writes lines in the shape of common programs. `Corpus.origin` says what it was.
"""

import glob
import gzip
import os
import random
import re
import shutil
import subprocess
import time

import shapes

RUN_LINES = 64
LINE_BYTES = 64 << 10
INPUT_BYTES = 256 << 20
SYNTHETIC_RUNS = 400
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

TIME = re.compile(
    r"(?P<iso>\d{4}-\d\d-\d\d(?P<sep>[T _-])\d\d:\d\d:\d\d(?P<frac>[.,]\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?)"
    r"|(?P<slash>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)"
    r"|(?P<clf>\d\d/(?:%s)/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})"
    r"|(?P<syslog>(?:%s) {1,2}\d{1,2} \d\d:\d\d:\d\d)" % ("|".join(MONTHS), "|".join(MONTHS))
)
IDENTIFIER = re.compile(
    r"(?P<ip>\b\d{1,3}\.\d{1,3}\.\d{1,3}\.)\d{1,3}\b"
    r"|(?P<hex>\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b)"
    r"|(?P<number>(?<![\d.+])\d{4,}(?![\d.]))"
)


class Corpus:
    """Runs of lines, and where they are from."""

    def __init__(self, runs, origin):
        self.runs = runs
        self.origin = origin

    def lines(self, seed, size, start, end):
        """Lines of `size` bytes in all (line ends counted), with times from `start` to `end` (seconds)."""
        rng, written = random.Random(seed), 0
        while written < size:
            for line in fresh(rng, rng.choice(self.runs), start + (end - start) * written / size):
                if written >= size:
                    return
                yield line
                written += len(line) + 1

    def write(self, path, seed, size, span=3600.0):
        """Writes a file of about `size` bytes whose times end now; gives the number of lines."""
        end, count = time.time(), 0
        with open(path, "wb", buffering=1 << 20) as file:
            for line in self.lines(seed, size, end - span, end):
                file.write(line + b"\n")
                count += 1
        return count


def load(folder=None):
    """The lines of all `*.log` files below `folder` (`.gz` too), or of this machine."""
    if folder:
        runs, files = read_files([f"{folder}/**/*.log", f"{folder}/**/*.log.gz"])
        if not runs:
            raise SystemExit(f"no lines in {folder}/**/*.log")
        return Corpus(runs, f"{count(runs)} real lines of {files} files below {folder}")
    runs, files = read_files(["/var/log/**/*.log"])
    runs += cut(journal())
    made = [shapes.run(random.Random(i), RUN_LINES) for i in range(SYNTHETIC_RUNS)]
    origin = f"{count(runs)} lines of this machine ({files} files, the journal); half of all runs synthetic"
    return Corpus(balance(runs, made), origin)


def count(runs):
    return sum(map(len, runs))


def balance(real, made):
    """As many of the one as of the other, so that a draw is fair."""
    if not real:
        return made
    times = -(-len(made) // len(real))
    return made + (real * times)[: len(made)] if times > 1 else real + (made * -(-len(real) // len(made)))[: len(real)]


def read_files(patterns):
    runs, files, left = [], 0, INPUT_BYTES
    for path in sorted({p for pattern in patterns for p in glob.glob(pattern, recursive=True)}):
        lines = read_file(path, left)
        left -= sum(map(len, lines))
        files += bool(lines)
        runs += cut(lines)
    return runs, files


def read_file(path, most):
    try:
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            return clean(file.read(max(most, 0)))
    except OSError:
        return []


def journal():
    if not shutil.which("journalctl"):
        return []
    command = ["journalctl", "--no-pager", "--output=short-iso", "--lines=200000"]
    output = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).stdout
    return [line for line in clean(output) if not line.startswith("-- ")]


def clean(data):
    text = data.decode("utf-8", "replace").replace("\r", "")
    return [line[:LINE_BYTES] for line in text.split("\n") if line.strip()]


def cut(lines):
    return [lines[i : i + RUN_LINES] for i in range(0, len(lines), RUN_LINES)]


def fresh(rng, run, at):
    """The lines of `run` with times from `at` on, a millisecond apart, and other identifiers."""
    names = {}
    for i, line in enumerate(run):
        now = at + i * 0.001
        line = TIME.sub(lambda m, now=now: written_time(m, now), line, count=2)
        yield IDENTIFIER.sub(lambda m: names.setdefault(m[0], other(rng, m)), line).encode()


def other(rng, match):
    """An identifier of the same form and length."""
    if match["ip"]:
        return match["ip"] + str(rng.randrange(1, 255))
    if match["hex"]:
        return "%0*x" % (len(match[0]), rng.getrandbits(4 * len(match[0])))
    # What looks like a year, or the part of a time that was set just now, stays.
    if re.fullmatch(r"(19|20)\d\d", match[0]):
        return match[0]
    return str(rng.randrange(10 ** (len(match[0]) - 1), 10 ** len(match[0])))


def written_time(match, now):
    """`now` in the form of the time that was there."""
    local = time.localtime(now)
    if match["syslog"]:
        return f"{MONTHS[local.tm_mon - 1]} {local.tm_mday:2d} " + time.strftime("%H:%M:%S", local)
    if match["slash"]:
        return time.strftime("%Y/%m/%d %H:%M:%S", local)
    if match["clf"]:
        utc = time.gmtime(now)
        return f"{utc.tm_mday:02d}/{MONTHS[utc.tm_mon - 1]}/" + time.strftime("%Y:%H:%M:%S +0000", utc)
    return iso(match, now, local)


def iso(match, now, local):
    zone = match["zone"] or ""
    parts = time.gmtime(now) if zone else local
    if zone and zone != "Z":
        zone = "+00:00" if ":" in zone else "+0000"
    text = time.strftime(f"%Y-%m-%d{match['sep']}%H:%M:%S", parts)
    if match["frac"]:
        digits = len(match["frac"]) - 1
        text += match["frac"][0] + f"{int(now % 1 * 1e9):09d}".ljust(digits, "0")[:digits]
    return text + zone


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(
        description="Write a log file for measurements.",
        epilog="example: benches/corpus.py --mb 200 --lines /var/log /tmp/bench.log",
    )
    parser.add_argument("--lines", metavar="DIR", help="real log files (**/*.log); without it, this machine's")
    parser.add_argument("--mb", type=float, default=200, help="megabytes to write (200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("file")
    args = parser.parse_args()
    source = load(args.lines)
    lines = source.write(args.file, args.seed, int(args.mb * 1e6))
    print(f"{args.file}: {lines} lines, {os.path.getsize(args.file) / 1e6:.1f} MB, from {source.origin}")
