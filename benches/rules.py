#!/usr/bin/env python3
"""Measures what alert rules cost, in Tailrace and in Prometheus: CPU seconds of one evaluation of all of them.

Both get a fleet's samples by remote write as time goes by, once without rules and once with; what the process needs
more is divided by the evaluations that it says to have made. docs/benchmarks.md tells what each figure means.
"""

import datetime
import json
import pathlib
import tempfile
import time

import fleet
from node import machine
from sample_stores import Prometheus, Tailrace, write

EXAMPLE = """examples:
  cargo build --release && benches/rules.py
  benches/rules.py --instances 5000 --interval 5         # 100,000 series
  benches/rules.py --instances 50 --rules 100 --seconds 10     # a quick look"""
WARM_SECONDS = 40
# One of these for each instance in turn: nothing fires.
EXPRESSIONS = (
    'rate(http_requests_total{{code="500",instance="{instance}"}}[30s]) > 1e9',
    'histogram_quantile(0.99, rate(http_request_duration_seconds_bucket{{instance="{instance}"}}[30s])) > 1e9',
    'process_open_fds{{instance="{instance}"}} > 1e9',
    'sum without (mode) (rate(process_cpu_seconds_total{{instance="{instance}"}}[30s])) > 1e9',
)
OVER_ALL = 'sum by (zone) (rate(http_requests_total{code="500"}[30s])) > 1e9'
OVER_ALL_EVERY = 100


def rule_file(path, instances, count, interval):
    """So many alert rules, each for one instance, and each hundredth for all."""
    names = sorted({metric["instance"] for metric, _ in fleet.fleet(instances)})

    def expression(number):
        if number % OVER_ALL_EVERY == 0:
            return OVER_ALL
        return EXPRESSIONS[number % len(EXPRESSIONS)].format(instance=names[number % len(names)])

    rules = [{"alert": f"Alert{number}", "expr": expression(number)} for number in range(count)]
    path.write_text(json.dumps({"groups": [{"name": "bench", "interval": f"{interval}s", "rules": rules}]}))


def feed(store, requests, steps, interval):
    """One sample of each series at each step, when its time has come."""
    begin = time.time()
    for step in range(steps):
        time.sleep(max(0, begin + step * interval - time.time()))
        write(store, next(requests))


def live(instances, steps, interval, seed):
    """The requests of each step, with the times at which they will be sent."""
    first = int(time.time()) * 1000
    return fleet.moments(fleet.fleet(instances), first, steps, interval * 1000, seed)


def evaluated(store):
    """Seconds since 1970 of the last evaluation; nothing without rules."""
    status, body = store.get("/api/v1/rules")
    groups = json.loads(body)["data"]["groups"] if status == 200 else []
    times = [group["lastEvaluation"] for group in groups if group["name"] == "bench"]
    return datetime.datetime.fromisoformat(times[0][:19] + "+00:00").timestamp() if times else 0


def measure(kind, binary, rules, args):
    """CPU seconds of the process while the fleet is fed, and evaluations in this time."""
    warm, steps = WARM_SECONDS // args.interval, args.seconds // args.interval
    with tempfile.TemporaryDirectory() as folder, kind(binary, pathlib.Path(folder), rules) as store:
        requests = live(args.instances, warm + steps, args.interval, args.seed)
        feed(store, requests, warm, args.interval)
        cpu, last = store.cpu(), evaluated(store)
        feed(store, requests, steps, args.interval)
        time.sleep(args.interval)
        return store.cpu() - cpu, (evaluated(store) - last) / args.interval


def of_one_evaluation(kind, binary, rules, args):
    with_rules, evaluations = measure(kind, binary, [rules], args)
    without, _ = measure(kind, binary, [], args)
    if evaluations < args.seconds / args.interval / 2:
        raise SystemExit(f"{kind.name} has evaluated its rules {evaluations:.0f} times in {args.seconds} s")
    return (with_rules - without) / evaluations, without, evaluations


def arguments():
    parser = fleet.arguments(__doc__, EXAMPLE)
    parser.add_argument("--rules", type=int, default=1000, help="alert rules (default: %(default)s)")
    parser.add_argument("--interval", type=int, default=1, help="seconds between evaluations and samples (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=60, help="for which CPU is measured (default: %(default)s)")
    return parser.parse_args()


def main():
    args = arguments()
    series = args.instances * fleet.SERIES_OF_INSTANCE
    print(f"{machine()}; {args.rules} rules over {series:,} series, each {args.interval} s\n")
    print("| | CPU ms of an evaluation | evaluations | CPU s without rules |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder, "rules.yml")
        rule_file(rules, args.instances, args.rules, args.interval)
        for kind, binary in ((Tailrace, args.binary), (Prometheus, args.prometheus)):
            cost, without, evaluations = of_one_evaluation(kind, binary, rules, args)
            print(f"| {kind.name} | {cost * 1e3:.1f} | {evaluations:.0f} | {without:.1f} |", flush=True)


if __name__ == "__main__":
    main()
