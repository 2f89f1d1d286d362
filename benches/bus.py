#!/usr/bin/env python3
"""Measures the embedded broker beside Apache Kafka: the same client program, the same records, one after the other.

Prints one Markdown table: for each broker the median of the runs, and the least and the most.
docs/benchmarks.md tells what each figure means.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from node import cpu_of, machine, memory_of

EXAMPLE = """examples:
  cargo build --release -p bus --examples && benches/bus.py
  benches/bus.py --runs 1 --records 200000 --large-records 2000     # a quick look"""
ROOT = pathlib.Path(__file__).resolve().parent.parent
KAFKA = ROOT / "tests/kafka/kafka"
IDLE_SECS = 5
SIZES = ((200, "200 B"), (64 << 10, "64 KiB"))


class Embedded:
    """The embedded broker alone, as the example `broker` of the crate `bus`."""

    name = "embedded"

    def __init__(self, args, folder):
        self.program, self.data, self.addr = args.examples / "broker", folder / "data", "127.0.0.1:0"

    def start(self):
        command = [self.program, self.addr, self.data]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        if self.addr.endswith(":0"):
            self.addr = self.process.stdout.readline().strip()

    def stop(self):
        self.process.communicate()


class Kafka:
    """One node of Apache Kafka, as `tests/kafka/kafka` starts it."""

    name = "Apache Kafka"

    def __init__(self, _, folder):
        self.folder, self.addr = folder, None

    def start(self):
        starting = subprocess.Popen([KAFKA, "start", self.folder], stdout=subprocess.PIPE, text=True)
        if self.addr is None:
            self.addr = starting.communicate()[0].strip()
        self.starting = starting

    @property
    def pid(self):
        self.starting.wait()
        return int((self.folder / "pid").read_text())

    def stop(self):
        self.starting.wait()
        subprocess.run([KAFKA, "stop", self.folder], check=True)


class Figures:
    """Values by figure and broker, in the order of their first appearance."""

    def __init__(self):
        self.rows = {}

    def add(self, figure, unit, broker, value):
        self.rows.setdefault((figure, unit), {}).setdefault(broker.name, []).append(value)

    def table(self, brokers):
        yield "| figure | " + " | ".join(broker.name for broker in brokers) + " |"
        yield "| --- |" + " --- |" * len(brokers)
        for (figure, unit), by_broker in self.rows.items():
            cells = (cell(by_broker[broker.name], unit) for broker in brokers)
            yield f"| {figure} | " + " | ".join(cells) + " |"


def cell(values, unit):
    return f"{shown(statistics.median(values))} {unit} ({shown(min(values))} – {shown(max(values))})"


def shown(value):
    """Three digits that count; whole numbers from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def load(args, *words):
    """What the client program says."""
    done = subprocess.run([args.examples / "bus_load", *map(str, words)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout or "null")


@contextlib.contextmanager
def running(args, broker):
    """A broker that has acknowledged a record."""
    broker.start()
    try:
        load(args, broker.addr, "ready")
        yield broker
    finally:
        broker.stop()


def measure(args, broker, figures):
    """A broker from its start on a directory that it knows to its end."""
    with running(args, broker):
        pass
    begin = time.perf_counter()
    with running(args, broker):
        figures.add("start: until a record is acknowledged", "s", broker, time.perf_counter() - begin)
        pid = broker.pid
        time.sleep(IDLE_SECS)
        figures.add("memory, idle", "MB", broker, memory_of(pid) / 1e6)
        for size, name in SIZES:
            for what in ("produce", "fetch"):
                transfer(args, broker, figures, what, size, name)
        figures.add("memory, peak", "MB", broker, memory_of(pid, "VmHWM") / 1e6)


def transfer(args, broker, figures, what, size, name):
    records = args.records if size == SIZES[0][0] else args.large_records
    before = cpu_of(broker.pid)
    found = load(args, broker.addr, what, records, size)
    used = cpu_of(broker.pid) - before
    figures.add(f"{what}, records of {name}", "/s", broker, found["records_per_s"])
    figures.add(f"{what}, records of {name}: bytes", "MB/s", broker, found["mb_per_s"])
    figures.add(f"{what}, records of {name}: CPU of the broker", "s per million", broker, used * 1e6 / records)


def arguments():
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=form)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--examples", type=pathlib.Path, default=target / "release/examples", help="built programs")
    parser.add_argument("--runs", type=int, default=3, help="of each broker, in turn")
    parser.add_argument("--records", type=int, default=1_000_000, help="of 200 B")
    parser.add_argument("--large-records", type=int, default=10_000, help="of 64 KiB")
    parser.add_argument("--tmp", help="where the brokers keep their files")
    return parser.parse_args()


def main():
    args, figures = arguments(), Figures()
    for _ in range(args.runs):
        for broker in (Embedded, Kafka):
            with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
                measure(args, broker(args, pathlib.Path(folder)), figures)
    print(f"{machine()}; runs: {args.runs}; {args.records:,} records of 200 B, {args.large_records:,} of 64 KiB\n")
    print("\n".join(figures.table((Embedded, Kafka))))


if __name__ == "__main__":
    main()
