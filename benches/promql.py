#!/usr/bin/env python3
"""Measures range queries of Tailrace and of Prometheus: the same samples in both, the same questions.

The panels of one host over a day, sampled each 15 s, and questions over ten thousand series for an hour. Prints a
Markdown table of medians in ms, and fails if two answers differ by more than Prometheus' own tests allow.
docs/benchmarks.md tells what each figure means.
"""

import json
import math
import pathlib
import statistics
import tempfile
import time

import fleet
from node import machine
from sample_stores import Prometheus, Tailrace, write

EXAMPLE = """examples:
  cargo build --release && benches/promql.py
  benches/promql.py --instances 50 --hours 2 --runs 3         # a quick look"""
# Prometheus' tests compare so: the relative difference of two values.
EPSILON = 1e-6
# Seconds of CPU in a second: whoever needs less has nothing to do.
REST_CPU = 0.05
HOST_STEP, FLEET_STEP = 60, 15
# Samples lie beside the steps: before its third version Prometheus counted one at the very beginning of a range in.
BESIDE_MS = 7_000
HOST = [
    ("CPU busy", '100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle"}[4m])))'),
    ("CPU by mode", "sum by (mode) (irate(node_cpu_seconds_total[4m])) / scalar(count(count by (cpu) (node_cpu_seconds_total)))"),
    ("CPU of each core", 'sum by (cpu) (rate(node_cpu_seconds_total{mode!="idle"}[4m]))'),
    ("memory used", "node_memory_MemTotal_bytes - node_memory_MemFree_bytes - (node_memory_Cached_bytes + node_memory_Buffers_bytes + node_memory_SReclaimable_bytes)"),
    ("swap used", "node_memory_SwapTotal_bytes - node_memory_SwapFree_bytes"),
    ("network in", "rate(node_network_receive_bytes_total[4m]) * 8"),
    ("network errors", "rate(node_network_receive_errs_total[4m]) + rate(node_network_transmit_errs_total[4m])"),
    ("disk space used", '100 - node_filesystem_avail_bytes{fstype!~"tmpfs|rootfs"} * 100 / node_filesystem_size_bytes'),
    ("disk I/O", 'irate(node_disk_read_bytes_total{device=~"[a-z]+.*"}[4m])'),
    ("disk busy", "rate(node_disk_io_time_seconds_total[4m])"),
    ("load", "node_load1"),
    ("context switches", "irate(node_context_switches_total[4m])"),
]
FLEET = [
    ("rate of requests", "rate(http_requests_total[5m])"),
    ("sum by code", "sum by (code) (rate(http_requests_total[5m]))"),
    ("sum by zone of all", 'sum by (zone) (rate({job="api",__name__=~".+_total"}[5m]))'),
    ("quantile of all", "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))"),
    ("quantile by instance", "histogram_quantile(0.9, rate(http_request_duration_seconds_bucket[5m]))"),
    ("top 10", "topk(10, process_resident_memory_bytes)"),
    ("top 10 rates", "topk(10, sum by (instance) (rate(process_cpu_seconds_total[5m])))"),
    ("error ratio", 'sum by (instance) (rate(http_requests_total{code="500"}[5m])) / sum by (instance) (rate(http_requests_total[5m]))'),
    ("maximum over time", "max_over_time(process_open_fds[10m])"),
    ("count of all", 'count({job="api"})'),
]


class Load:
    """What is written, and what is asked about it."""

    def __init__(self, name, series, questions, seconds, step):
        self.name, self.series, self.questions = name, list(series), questions
        self.count, self.step = seconds * 1000 // fleet.STEP_MS, step
        self.end = int(time.time()) // 60 * 60
        self.start = self.end - seconds

    def fill(self, store, seed):
        write(store, fleet.requests(self.series, self.start * 1000 + BESIDE_MS, self.count, seed))

    def ask(self, store, question):
        """Milliseconds, and the answer as values by labels and time."""
        span = {"start": self.start, "end": self.end, "step": self.step}
        begin = time.perf_counter()
        status, body = store.get("/api/v1/query_range", query=question, **span)
        took = (time.perf_counter() - begin) * 1e3
        if status != 200:
            raise SystemExit(f"{store.name}: {question}: {status} {body.decode(errors='replace')}")
        return took, json.loads(body)["data"]["result"]

    def medians(self, store, runs):
        """By question: milliseconds warm, CPU milliseconds, and the answer."""
        found = {}
        for name, question in self.questions:
            _, answer = self.ask(store, question)
            cpu = store.cpu()
            took = statistics.median(self.ask(store, question)[0] for _ in range(runs))
            found[name] = took, (store.cpu() - cpu) * 1e3 / runs, by_series(answer)
        return found


def by_series(result):
    return {json.dumps(s["metric"], sort_keys=True): {at: float(value) for at, value in s["values"]} for s in result}


def assert_same(name, ours, theirs):
    """Every series, every time, and each value as near as Prometheus' tests want it."""
    if ours.keys() != theirs.keys():
        raise SystemExit(f"{name}: {len(ours)} and {len(theirs)} series, or others")
    for series, values in theirs.items():
        if values.keys() != ours[series].keys():
            raise SystemExit(f"{name}: {series}: {len(ours[series])} and {len(values)} points, or others")
        for at, value in values.items():
            if not is_near(value, ours[series][at]):
                raise SystemExit(f"{name}: {series} at {at}: {ours[series][at]} and {value}")


def is_near(a, b):
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= EPSILON * max(abs(a), abs(b))


def arguments():
    parser = fleet.arguments(__doc__, EXAMPLE)
    parser.add_argument("--hours", type=int, default=24, help="of the host's samples (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=10, help="how often each question is asked (default: %(default)s)")
    return parser.parse_args()


def main():
    args = arguments()
    loads = [
        Load("one host", fleet.host(), HOST, args.hours * 3600, HOST_STEP),
        Load("the fleet", fleet.fleet(args.instances), FLEET, 3600, FLEET_STEP),
    ]
    print(f"{machine()}\n")
    for load in loads:
        print(f"{load.name}: {len(load.series)} series, {len(load.series) * load.count:,} samples\n")
        results = [measure(kind, binary, load, args) for kind, binary in ((Tailrace, args.binary), (Prometheus, args.prometheus))]
        report(load, *results)


def measure(kind, binary, load, args):
    with tempfile.TemporaryDirectory() as folder, kind(binary, pathlib.Path(folder)) as store:
        load.fill(store, args.seed)
        if kind is Tailrace:
            store.flush()
        wait_for_rest(store)
        return load.medians(store, args.runs)


def wait_for_rest(store):
    """Until nothing is left to do of what was written."""
    busy = True
    while busy:
        before = store.cpu()
        time.sleep(1)
        busy = store.cpu() - before > REST_CPU


def report(load, ours, theirs):
    print("| question | Tailrace, ms | Prometheus, ms | ratio | Tailrace, CPU ms | Prometheus, CPU ms |\n" + "| --- " * 6 + "|")
    for name, (took, cpu, answer) in ours.items():
        other, other_cpu, expected = theirs[name]
        assert_same(name, answer, expected)
        print(f"| {name} | {took:.1f} | {other:.1f} | {took / other:.2f} | {cpu:.0f} | {other_cpu:.0f} |")
    print()


if __name__ == "__main__":
    main()
