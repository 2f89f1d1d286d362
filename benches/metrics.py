#!/usr/bin/env python3
"""Measures what samples cost, in Tailrace and in Prometheus: bytes on disk, and CPU time to take them in.

The samples are those of this host, taken by Tailrace's own sampler for a while, each second. Both get them in the
same remote write requests, once as they are (bytes on disk) and once as if from many hosts (CPU time). Fails if one
does not have every sample. docs/benchmarks.md tells what each figure means.
"""

import json
import pathlib
import sys
import tempfile
import time

import remote_write
import sample_stores
from node import Node, machine
from sample_stores import Prometheus, Tailrace, write

EXAMPLE = """examples:
  cargo build --release && benches/metrics.py
  benches/metrics.py --seconds 60 --hosts 2         # a quick look
  benches/metrics.py --samples host.json            # samples that an earlier run has written with --keep"""
ALL = '{job="node"}'
SAMPLES_PER_REQUEST = 2000
FLUSHES = 8


def collect(binary, folder, seconds):
    """This host's series with their samples, as the query API answers them."""
    config = {"shipper": {"host": {"interval": "1s"}}}
    with Node(binary, folder, config) as node:
        time.sleep(seconds)
        return raw(node, seconds + 60)


def raw(store, seconds):
    status, body = store.get("/api/v1/query", query=f"{ALL}[{int(seconds)}s]")
    if status != 200:
        raise SystemExit(f"query: {status} {body.decode(errors='replace')}")
    return [(s["metric"], s["values"]) for s in json.loads(body)["data"]["result"]]


def requests(series, hosts):
    """Remote write requests in the order of time, as a scraper would send them; and how many samples they hold."""
    encoded = [(remote_write.labels(metric | host), values) for host in hosts for metric, values in series]
    bodies, count = [], 0
    for moment in sorted({time for _, values in series for time in values}):
        now = [(names, remote_write.sample(moment, at[moment])) for names, at in encoded if moment in at]
        for start in range(0, len(now), SAMPLES_PER_REQUEST):
            bodies.append(remote_write.body(now[start : start + SAMPLES_PER_REQUEST]))
        count += len(now)
    return bodies, count


def by_time(series):
    """Of each series its labels and its values by time in milliseconds."""
    return [(metric, {round(at * 1000): float(value) for at, value in values}) for metric, values in series]


def measure(store, series, args, span):
    """Bytes of a sample as the samples are; then CPU seconds of a million from many hosts."""
    bodies, samples = requests(series, [{}])
    part = len(bodies) // FLUSHES + 1
    for start in range(0, len(bodies), part):
        write(store, bodies[start : start + part])
        if isinstance(store, Tailrace) and start + part < len(bodies):
            Node.flush(store)
    if (found := sum(len(values) for _, values in raw(store, span))) != samples:
        raise SystemExit(f"{store.name} has {found} of {samples} samples")
    store.flush()
    size = store.disk_bytes() / samples
    bodies, samples = requests(series, [{"host": f"other{n}"} for n in range(args.hosts)])
    return size, write(store, bodies) / samples * 1e6


def main():
    parser = sample_stores.arguments(__doc__, EXAMPLE)
    parser.add_argument("--seconds", type=int, default=600, help="for which to sample this host (default: %(default)s)")
    parser.add_argument("--samples", help="take the samples from this file instead")
    parser.add_argument("--keep", help="write the samples to this file")
    parser.add_argument("--hosts", type=int, default=10, help="hosts whose CPU time is measured (default: %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in ("collect", "tailrace", "prometheus"):
            (folder / name).mkdir()
        series = json.loads(pathlib.Path(args.samples).read_text()) if args.samples else None
        series = series or collect(args.binary, folder / "collect", args.seconds)
        if args.keep:
            pathlib.Path(args.keep).write_text(json.dumps(series))
        report(series, args, folder)


def report(series, args, folder):
    samples = sum(len(values) for _, values in series)
    first = min(float(values[0][0]) for _, values in series)
    span = time.time() - first + 3600
    series = by_time(series)
    print(f"{machine()}; {len(series)} series, {samples} samples\n")
    print("| | bytes per sample | CPU seconds per million samples taken in |\n| --- | --- | --- |")
    with Tailrace(args.binary, folder / "tailrace") as store:
        print("| Tailrace | {:.2f} | {:.2f} |".format(*measure(store, series, args, span)), flush=True)
    if args.prometheus:
        with Prometheus(args.prometheus, folder / "prometheus") as store:
            print("| Prometheus | {:.2f} | {:.2f} |".format(*measure(store, series, args, span)), flush=True)
    else:
        print("no prometheus in PATH: tests/peers/install prometheus", file=sys.stderr)


if __name__ == "__main__":
    main()
