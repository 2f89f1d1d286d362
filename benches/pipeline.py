#!/usr/bin/env python3
"""Measures the whole pipeline in one process: `tailrace up`, from a log file to the answer of a query.

Prints one Markdown table: the median of the runs, and the least and the most. Says so and fails if a line is
missing or doubled. docs/benchmarks.md tells what each figure means.
"""

import argparse
import multiprocessing
import os
import pathlib
import random
import statistics
import sys
import tempfile
import time

import corpus
from node import Node, cpu_of, machine, pss_of

EXAMPLE = """examples:
  cargo build --release && benches/pipeline.py
  benches/pipeline.py --lines /srv/logs --mb 1000 throughput
  benches/pipeline.py --runs 1 --mb 20 --appends 50 --idle-secs 10     # a quick look"""
BACKLOG_QUIET_SECS = 5
GIVE_UP_SECS = 900
NO_COUNTER_SECS = 10
POLL_SECS = 0.05


class Figures:
    """Values by name, in the order of their first appearance."""

    def __init__(self):
        self.rows = {}

    def add(self, name, value, unit):
        self.rows.setdefault((name, unit), []).append(value)

    def table(self):
        yield "| figure | median | min – max | runs |"
        yield "| --- | --- | --- | --- |"
        for (name, unit), values in self.rows.items():
            middle = shown(statistics.median(values))
            yield f"| {name} | {middle} {unit} | {shown(min(values))} – {shown(max(values))} | {len(values)} |"


def shown(value):
    """Three digits that count; whole numbers from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def start(args, figures):
    """From exec to readiness on an empty directory with the default sources, and back."""
    for _ in range(max(args.runs, 10)):
        with tempfile.TemporaryDirectory(dir=args.tmp) as folder, defaults(args, folder) as node:
            figures.add("start: until the addresses are printed", node.line_after * 1e3, "ms")
            figures.add("start: until `/ready` answers 200", node.ready_after * 1e3, "ms")
            figures.add("stop: from SIGTERM to the end", node.stop() * 1e3, "ms")


def defaults(args, folder):
    return Node(args.binary, folder, flags=["--syslog", "127.0.0.1:0"])


def idle(args, figures):
    """Memory and CPU with the default sources, after the backlog of the machine's logs has been read."""
    for _ in range(args.runs):
        with tempfile.TemporaryDirectory(dir=args.tmp) as folder, defaults(args, folder) as node:
            wait_for_quiet(node)
            children = node.children()
            before, begin = total_cpu(node, children), time.monotonic()
            time.sleep(args.idle_secs)
            used = total_cpu(node, children) - before
            figures.add("idle: CPU, children included", 100 * used / (time.monotonic() - begin), "% of a core")
            figures.add("idle: resident memory (RSS)", node.memory() / 1e6, "MB")
            figures.add("idle: PSS", pss_of(node.process.pid) / 1e6, "MB")
            figures.add("idle: PSS of children (journalctl)", sum(map(pss_of, children)) / 1e6, "MB")


def total_cpu(node, children):
    return node.cpu() + sum(map(cpu_of, children))


def wait_for_quiet(node):
    """Until no log line has come in for some seconds; a machine that writes all the time is not waited for."""
    seen, since = None, time.monotonic()
    deadline = since + 120
    while time.monotonic() < min(since + BACKLOG_QUIET_SECS, deadline):
        now = node.metric("tailrace_index_entries_total")
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.2)


def tailing(folder, *jobs):
    """Settings that tail `<folder>/<job>/*.log` and nothing else."""
    for job in jobs:
        pathlib.Path(folder, job).mkdir()
    files = [{"paths": [f"{folder}/{job}/*.log"], "job": job} for job in jobs]
    return {"shipper": {"files": files, "host_name": "bench"}}


def throughput(args, figures):
    """A file appears in a tailed folder; until its last line is found, and in segments."""
    with tempfile.TemporaryDirectory(dir=args.tmp) as shelf:
        path = pathlib.Path(shelf, "bench.log")
        lines = args.corpus.write(path, args.seed, int(args.mb * 1e6))
        for _ in range(args.runs):
            ingest(args, figures, path, lines)


def ingest(args, figures, path, lines):
    size = path.stat().st_size
    with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
        with Node(args.binary, folder, tailing(folder, "bench")) as node:
            cpu, begin = node.cpu(), time.monotonic()
            os.link(path, pathlib.Path(folder, "bench", "bench.log"))
            wait_for_lines(node, '{job="bench"}', lines, begin)
            took, used = time.monotonic() - begin, node.cpu() - cpu
            node.flush()
            check(node.lines('{job="bench"}', 86400), lines, "lines stored")
            figures.add("throughput: lines", lines / took, "/s")
            figures.add("throughput: bytes", size / 1e6 / took, "MB/s")
            figures.add("throughput: CPU, whole pipeline", used / (size / 1e9), "s/GB")
            figures.add("throughput: CPU, sealing included", (node.cpu() - cpu) / (size / 1e9), "s/GB")
            figures.add("throughput: peak memory (VmHWM)", node.memory("VmHWM") / 1e6, "MB")
            figures.add("throughput: index on disk", node.disk("index") / 1e6, "MB")
            figures.add("throughput: index, of the file's size", 100 * node.disk("index") / size, "%")
            figures.add("throughput: broker on disk", node.disk("broker") / 1e6, "MB")


def wait_for_lines(node, selector, lines, begin):
    """The node's counter is cheap to look at; the query, which waits for the index, has the last word."""
    while time.monotonic() - begin < GIVE_UP_SECS:
        counted = node.metric("tailrace_index_entries_total")
        is_missing = counted is None and time.monotonic() - begin > NO_COUNTER_SECS
        if is_missing or (counted or 0) >= lines:
            break
        time.sleep(POLL_SECS)
    while node.lines(selector, 86400) < lines:
        if time.monotonic() - begin > GIVE_UP_SECS:
            raise SystemExit(f"{node.lines(selector, 86400)} of {lines} lines after {GIVE_UP_SECS} s")


def check(found, expected, what):
    if found != expected:
        raise SystemExit(f"WRONG: {found} {what}, expected {expected}")


def latency(args, figures):
    """From the append of a line to the first answer that has it."""
    for _ in range(args.runs):
        appended(args, figures, "latency, idle", lambda node, folder: None)


def latency_load(args, figures):
    """The same while a second file grows by some megabytes a second."""
    shelf = tempfile.TemporaryDirectory(dir=args.tmp)
    path = pathlib.Path(shelf.name, "load.log")
    with shelf:
        args.corpus.write(path, args.seed + 1, int(args.load_mb * 60e6))
        for _ in range(args.runs):
            appended(args, figures, f"latency, {args.load_mb:g} MB/s beside", lambda node, folder: Load(args, path, folder))


class Load:
    """A process that appends the lines of a file at a steady rate, again and again."""

    def __init__(self, args, path, folder):
        self.target = pathlib.Path(folder, "load", "load.log")
        self.process = multiprocessing.Process(target=append_steadily, args=(path, self.target, args.load_mb * 1e6))
        self.begin = time.monotonic()
        self.process.start()

    def stop(self):
        """Megabytes a second that were really written."""
        self.process.terminate()
        self.process.join()
        return self.target.stat().st_size / 1e6 / (time.monotonic() - self.begin)


def append_steadily(source, target, bytes_per_sec):
    begin, written = time.monotonic(), 0
    with open(target, "ab", buffering=0) as out:
        while True:
            with open(source, "rb") as lines:
                for chunk in iter(lambda: lines.readlines(64 << 10), []):
                    written += out.write(b"".join(chunk))
                    time.sleep(max(0.0, begin + written / bytes_per_sec - time.monotonic()))


def appended(args, figures, name, make_load):
    with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
        with Node(args.binary, folder, tailing(folder, "probe", "load")) as node:
            load = make_load(node, folder)
            try:
                first, *took = probe(node, pathlib.Path(folder, "probe", "probe.log"), args)
            finally:
                rate = load.stop() if load else None
            took.sort()
            check(node.lines('{job="probe"}', 86400), args.appends + 1, "probe lines stored")
            figures.add(f"{name}: first line of a new file", first * 1e3, "ms")
            figures.add(f"{name}: median", statistics.median(took) * 1e3, "ms")
            figures.add(f"{name}: p99", took[-(-99 * len(took) // 100) - 1] * 1e3, "ms")
            figures.add(f"{name}: worst", took[-1] * 1e3, "ms")
            if load:
                figures.add(f"{name}: load really written", rate, "MB/s")


def probe(node, path, args):
    """Seconds for the first line of a new file, then for each of the further lines. The pause between them
    varies, so that it cannot fall in step with a timer."""
    rng = random.Random(args.seed)
    with open(path, "ab", buffering=0) as file:
        for i in range(args.appends + 1):
            mark, begin_ns = f"probe {i:06d} {rng.getrandbits(64):016x}", time.time_ns()
            begin = time.perf_counter()
            file.write(f"{utc(begin_ns)} {mark}\n".encode())
            query = f'{{job="probe"}} |= "{mark}"'
            while not node.finds(query, begin_ns - 10**9, begin_ns + 60 * 10**9):
                if time.perf_counter() - begin > 60:
                    raise SystemExit(f"{mark!r} is not found after 60 s")
            yield time.perf_counter() - begin
            time.sleep(rng.uniform(0.025, 0.075))


def utc(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}Z"


PARTS = {"start": start, "idle": idle, "throughput": throughput, "latency": latency, "latency-load": latency_load}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; without any, all of them")
    parser.add_argument("--binary", default="target/release/tailrace", help="(target/release/tailrace)")
    parser.add_argument("--lines", metavar="DIR", help="real log files (**/*.log); without it, this machine's")
    parser.add_argument("--mb", type=float, default=200, help="size of the file for throughput (200)")
    parser.add_argument("--load-mb", type=float, default=5, help="MB/s beside the second latency figure (5)")
    parser.add_argument("--appends", type=int, default=500, help="lines for latency (500)")
    parser.add_argument("--idle-secs", type=float, default=60, help="how long to watch the idle process (60)")
    parser.add_argument("--runs", type=int, default=3, help="how often to measure each; start at least 10 times (3)")
    parser.add_argument("--seed", type=int, default=1, help="of the corpus (1)")
    parser.add_argument("--tmp", metavar="DIR", help="where files are made; three times --mb must fit")
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if not os.access(args.binary, os.X_OK):
        parser.error(f"{args.binary} is no program: build it (cargo build --release) or name it with --binary")
    return args


def main():
    args, figures = arguments(), Figures()
    wanted = [name for name in PARTS if name in args.parts or not args.parts]
    if {"throughput", "latency-load"} & set(wanted):
        args.corpus = corpus.load(args.lines)
    for name in wanted:
        print(f"{name} …", file=sys.stderr, flush=True)
        PARTS[name](args, figures)
    print(f"Machine: {machine()}.")
    if hasattr(args, "corpus"):
        print(f"Lines: {args.mb:g} MB made from {args.corpus.origin}; seed {args.seed}.")
    print()
    print("\n".join(figures.table()))


if __name__ == "__main__":
    main()
