#!/usr/bin/env python3
"""Measures log stores side by side: the same lines pushed in the same requests, the same questions asked.

Tailrace always; VictoriaLogs and Loki where their programs are given. Prints Markdown tables: what taking in costs,
what it takes on disk beside `zstd -3`, and how long questions take, warm and cold. Says so and fails if a store
does not have every line; an answer that differs from Tailrace's is marked. docs/benchmarks.md tells what each
figure means.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import queries
import streams
from node import machine
from peers import STORES

EXAMPLE = """examples:
  cargo build --release && benches/stores.py
  benches/stores.py --lines /srv/logs --mb 1000 --victorialogs ./victoria-logs --loki ./loki
  benches/stores.py --mb 50 --runs 3          # a quick look"""
ZSTD_BLOCK = 256 << 10
COLD_RUNS = 3


class Corpus:
    """The lines as they are, and the push requests that bring them."""

    def __init__(self, args, folder):
        self.end = int(time.time())
        self.jobs = streams.jobs(args.lines)
        self.lines, self.bodies = folder / "lines", folder / "bodies"
        self.count = streams.write(self.jobs, args.seed, int(args.mb * 1e6), self.end, self.lines, self.bodies)
        self.size = self.lines.stat().st_size

    def span(self):
        """Nanoseconds: from before the first line until behind the last, in whole steps."""
        return (self.end - streams.SPAN_SECS) // 300 * 300 * 10**9, (self.end // 300 + 1) * 300 * 10**9

    def questions(self):
        large, small = {"job": "access", "host": "host0"}, {"job": "cron", "host": "host7"}
        return queries.queries(large, small, streams.NEEDLE)

    def zstd(self):
        """Bytes of the lines by `zstd -3`, in independent blocks."""
        total = 0
        with open(self.lines, "rb") as file:
            while block := file.read(ZSTD_BLOCK):
                packed = subprocess.run(["zstd", "-3", "-c"], input=block, capture_output=True, check=True)
                total += len(packed.stdout)
        return total

    def rg(self):
        """Milliseconds of `rg -c` for the needle, file in memory."""
        took = []
        for _ in range(5):
            begin = time.perf_counter()
            subprocess.run(["rg", "-c", streams.NEEDLE, self.lines], stdout=subprocess.DEVNULL, check=True)
            took.append((time.perf_counter() - begin) * 1e3)
        return statistics.median(took)


def ingest(store, corpus):
    """Pushes everything; gives figures by name."""
    cpu, begin = store.cpu(), time.monotonic()
    for body in streams.read(corpus.bodies):
        store.push(body)
    wait_for_all(store, corpus)
    took, used = time.monotonic() - begin, store.cpu() - cpu
    store.flush()
    wait_for_all(store, corpus)
    return {
        "lines/s": corpus.count / took,
        "MB/s": corpus.size / 1e6 / took,
        "CPU s per GB until searchable": used / (corpus.size / 1e9),
        "CPU s per GB until flushed": (store.cpu() - cpu) / (corpus.size / 1e9),
        "peak memory, MB": store.peak_memory() / 1e6,
        "on disk, MB": store.disk() / 1e6,
        "ratio": corpus.size / store.disk(),
    }


def wait_for_all(store, corpus):
    everything = queries.counted("all lines", queries.ALL, "", "*", step=300)
    deadline, found = time.monotonic() + 600, 0
    while time.monotonic() < deadline:
        # Each line lies in exactly one step: steps and ranges are of one length.
        found = store.run(everything, *corpus.span())
        if found == corpus.count:
            return
        time.sleep(0.2)
    raise SystemExit(f"{store.name} has {found:.0f} of {corpus.count} lines")


def ask(store, corpus, runs):
    """Per question: its value, milliseconds warm and cold, CPU seconds warm."""
    answers = {}
    for question in corpus.questions():
        warm, cpu = [], store.cpu()
        for _ in range(runs + 1):
            value, took = timed(store, question, corpus)
            warm.append(took)
        used = (store.cpu() - cpu) / (runs + 1)
        answers[question.name] = [value, statistics.median(warm[1:]), None, used]
    for _ in range(COLD_RUNS):
        for question in corpus.questions():
            store.restart()
            _, took = timed(store, question, corpus)
            cold = answers[question.name][2]
            answers[question.name][2] = took if cold is None else min(cold, took)
    return answers


def timed(store, question, corpus):
    begin = time.perf_counter()
    value = store.run(question, *corpus.span())
    return value, (time.perf_counter() - begin) * 1e3


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "| " + " | ".join("---" for _ in head) + " |"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def shown(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def report(results, corpus):
    names = list(results)
    first = next(iter(results.values()))
    yield from table(["taking in", *names], ([figure, *(shown(r["ingest"][figure]) for r in results.values())] for figure in first["ingest"]))
    yield ""
    if "asked" in first:
        head = ["question", "lines"] + [f"{name} {state}" for name in names for state in ("warm, ms", "cold, ms", "CPU s")]
        yield from table(head, (question_row(q.name, results) for q in corpus.questions()))


def question_row(name, results):
    answers = [result["asked"][name] for result in results.values()]
    value = answers[0][0]
    yield name
    yield shown(value)
    for other, warm, cold, cpu in answers:
        mark = "" if other == value else f" (≠ {shown(other)})"
        yield shown(warm) + mark
        yield shown(cold)
        yield f"{cpu:.2f}"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tailrace", default="target/release/tailrace", metavar="PROGRAM", help="(target/release/tailrace)")
    parser.add_argument("--victorialogs", metavar="PROGRAM", help="VictoriaLogs to measure beside it")
    parser.add_argument("--loki", metavar="PROGRAM", help="Loki to measure beside it")
    parser.add_argument("--lines", metavar="DIR", help="real log files (**/*.log, .gz), a job each, beside the synthetic ones")
    parser.add_argument("--mb", type=float, default=200, help="size of the corpus (200)")
    parser.add_argument("--runs", type=int, default=5, help="how often each question is asked warm (5)")
    parser.add_argument("--seed", type=int, default=1, help="of the corpus (1)")
    parser.add_argument("--ingest-only", action="store_true", help="ask no questions")
    parser.add_argument("--tmp", metavar="DIR", help="where files are made; five times --mb must fit")
    return parser.parse_args()


def main():
    args, results = arguments(), {}
    with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
        folder = pathlib.Path(folder)
        corpus = Corpus(args, folder)
        for key, kind in STORES.items():
            if program := getattr(args, key):
                print(f"{kind.name} …", file=sys.stderr, flush=True)
                results[kind.name] = measure(kind, os.path.abspath(program), folder / key, corpus, args)
        print(f"Machine: {machine()}.")
        print(f"Lines: {corpus.count:,} of {len(corpus.jobs)} jobs, {corpus.size / 1e6:.0f} MB; seed {args.seed}.")
        packed = corpus.zstd()
        print(f"`zstd -3` in blocks of 256 KiB: {packed / 1e6:.1f} MB, ratio {corpus.size / packed:.1f}.")
        if shutil.which("rg"):
            print(f"`rg -c` for the needle: {corpus.rg():.0f} ms.")
        print("\n" + "\n".join(report(results, corpus)))


def measure(kind, program, folder, corpus, args):
    store = kind(program, folder)
    try:
        result = {"ingest": ingest(store, corpus)}
        if not args.ingest_only:
            result["asked"] = ask(store, corpus, args.runs)
        return result
    finally:
        store.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
