#!/usr/bin/env python3
"""Measures questions about labels when there are many streams: `labels`, values of a label, `series` of a selector.

Each stream gets one line, so that a store has to know all of them. Prints a Markdown table of medians in ms, warm.
Fails if an answer does not have what was pushed.
"""

import argparse
import json
import os
import pathlib
import statistics
import tempfile
import time

import streams
from node import machine
from peers import STORES, LokiApi

EXAMPLE = """examples:
  cargo build --release && benches/labels.py
  benches/labels.py --streams 10000 --loki ./loki"""
STREAMS_OF_REQUEST = 5000
PODS_OF_APP = 50


def labels(number):
    app = number // PODS_OF_APP
    return {"app": f"app{app}", "pod": f"pod-{number}", "zone": f"zone{number % 3}"}


def questions(count):
    """Name, path, parameters, and how many things the answer has."""
    yield "labels", "labels", {}, 3
    yield "values of a label with 3", "label/zone/values", {}, 3
    yield "series of one app", "series", {"match[]": '{app="app7"}'}, min(PODS_OF_APP, count)
    yield "series of one pod", "series", {"match[]": '{pod="pod-42"}'}, 1


def ask(store, path, parameters, wanted):
    begin = time.perf_counter()
    status, body = store.ask(f"/loki/api/v1/{path}", **parameters)
    took = (time.perf_counter() - begin) * 1e3
    found = [item for item in json.loads(body)["data"] if not str(item).startswith("__")] if status == 200 else []
    if len(found) < wanted:
        raise SystemExit(f"{store.name}: {path}: {status}, {len(found)} of {wanted} found")
    return took


def measure(kind, program, folder, args):
    store = kind(program, folder)
    try:
        now = time.time_ns()
        for first in range(0, args.streams, STREAMS_OF_REQUEST):
            numbers = range(first, min(first + STREAMS_OF_REQUEST, args.streams))
            store.push(streams.request((labels(n), [streams.entry(now, b"started")]) for n in numbers))
        store.flush()
        span = {"start": now - 3600 * 10**9, "end": now + 60 * 10**9}
        figures = {}
        for name, path, parameters, wanted in questions(args.streams):
            took = [ask(store, path, parameters | span, wanted) for _ in range(args.runs + 1)]
            figures[name] = statistics.median(took[1:])
        return figures
    finally:
        store.stop()


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tailrace", default="target/release/tailrace", metavar="PROGRAM", help="(target/release/tailrace)")
    parser.add_argument("--loki", metavar="PROGRAM", help="Loki to measure beside it")
    parser.add_argument("--streams", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--runs", type=int, default=20, help="how often each question is asked (20)")
    parser.add_argument("--tmp", metavar="DIR", help="where files are made")
    return parser.parse_args()


def main():
    args, results = arguments(), {}
    with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
        for key, kind in STORES.items():
            if issubclass(kind, LokiApi) and (program := getattr(args, key)):
                results[kind.name] = measure(kind, os.path.abspath(program), pathlib.Path(folder) / key, args)
    print(f"Machine: {machine()}. {args.streams:,} streams.\n")
    print("| question | " + " | ".join(f"{name}, ms" for name in results) + " |")
    print("| --- |" + " --- |" * len(results))
    for name, *_ in questions(args.streams):
        print(f"| {name} | " + " | ".join(f"{figures[name]:.2f}" for figures in results.values()) + " |")


if __name__ == "__main__":
    main()
