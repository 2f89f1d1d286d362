#!/usr/bin/env python3
"""Measures how fast rules are led through the past: days of history in a minute of `tailrace rules diff`.

A fleet's samples, all older than the start of the program, go in by remote write. Then old rules are compared with new
ones over all of them, from the store and from the topics; both have to find the same. docs/benchmarks.md tells what each
figure means.
"""

import datetime
import json
import pathlib
import resource
import subprocess
import tempfile
import time

import fleet
from node import machine
from rules import rule_file
from sample_stores import Tailrace, write

EXAMPLE = """examples:
  cargo build --release && benches/replay.py
  benches/replay.py --instances 1 --hours 720 --rules 10     # a month of little
  benches/replay.py --instances 50 --hours 1                 # a quick look"""
INTERVAL = 15
# Some of these fire, more in the old rules than in the new ones.
FILES = "process_open_fds > {limit}"
# The past is written at once: ticks would say meanwhile that it is over.
SETTINGS = {"tick_after": "24h", "take_over_after": "25h"}


def old_and_new(folder, args):
    """Files of rules that differ in one of them."""
    paths = []
    for name, limit in (("old", 230), ("new", 240)):
        path = pathlib.Path(folder, f"{name}.yml")
        rule_file(path, args.instances, args.rules - 1, INTERVAL)
        rules = json.loads(path.read_text())
        rules["groups"][0]["rules"].append({"alert": "Files", "expr": FILES.format(limit=limit), "for": "1m"})
        path.write_text(json.dumps(rules))
        paths.append(path)
    return paths


def fill(node, args):
    """Seconds since 1970 at which the history begins and ends."""
    count = args.hours * 3600 * 1000 // fleet.STEP_MS
    end = int(time.time()) // 60 * 60 - 60
    first = end - count * fleet.STEP_MS // 1000
    write(node, fleet.requests(fleet.fleet(args.instances), first * 1000 + 1000, count, args.seed))
    node.flush()
    return first, end


def diff(node, rules, span, history):
    """What it prints; seconds, CPU seconds of the command and of the server."""
    at = [datetime.datetime.fromtimestamp(second, datetime.UTC).isoformat() for second in span]
    command = [node.process.args[0], "rules", "diff", *rules, "--from", at[0], "--to", at[1], "--history", history]
    command += ["--addr", f"http://{node.addresses['http']}"]
    server, own, begin = node.cpu(), children_cpu(), time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True)
    took = time.perf_counter() - begin
    if ended.returncode != 0:
        raise SystemExit(f"rules diff --history {history}:\n{ended.stderr}")
    return ended.stdout, took, children_cpu() - own, node.cpu() - server


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def arguments():
    parser = fleet.arguments(__doc__, EXAMPLE)
    parser.add_argument("--hours", type=int, default=3, help="of history (default: %(default)s)")
    parser.add_argument("--rules", type=int, default=100, help="alert rules in each of the two files (default: %(default)s)")
    return parser.parse_args()


def main():
    args = arguments()
    series = args.instances * fleet.SERIES_OF_INSTANCE
    print(f"{machine()}; two files of {args.rules} rules over {args.hours} h of {series:,} series, each {INTERVAL} s\n", flush=True)
    with tempfile.TemporaryDirectory() as folder, Tailrace(args.binary, folder, settings=SETTINGS, partitions=1) as node:
        rules, span = old_and_new(folder, args), fill(node, args)
        found = {}
        print("| history | s | days a minute | CPU s | of the server |\n| --- | --- | --- | --- | --- |")
        for history in ("store", "topics"):
            found[history], took, own, server = diff(node, rules, span, history)
            days = args.hours / 24 / (took / 60)
            print(f"| {history} | {took:.1f} | {days:.2f} | {own:.1f} | {server:.1f} |", flush=True)
        print(f"\n{found['store'].splitlines()[-1]}")
        if found["store"] != found["topics"]:
            raise SystemExit("the store and the topics differ")


if __name__ == "__main__":
    main()
