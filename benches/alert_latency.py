#!/usr/bin/env python3
"""Measures how long it takes from a sample to the alert that it makes fire.

A fleet is sampled each second, and a clock ten times a second, so that time goes on. At random moments a series appears
that a rule alerts on. Its firing transition is awaited on the topic, as `tailrace alerts --follow` prints it.
docs/benchmarks.md tells what each figure means.
"""

import datetime
import http.client
import json
import math
import pathlib
import random
import subprocess
import tempfile
import threading
import time

import fleet
import remote_write
from node import machine
from rules import rule_file
from sample_stores import HEADERS, Tailrace

EXAMPLE = """examples:
  cargo build --release && benches/alert_latency.py
  benches/alert_latency.py --instances 10 --rules 10 --alerts 20     # a quick look"""
INTERVAL = 1
LATENESS = 1
# The clock of one partition is that of its newest sample; others would wait for ticks.
PARTITIONS = 1
CLOCK_EVERY = 0.1
PATIENCE = 30


class Feeder(threading.Thread):
    """Samples of now until it is told to stop."""

    def __init__(self, node, args):
        super().__init__(daemon=True)
        self.stopped, self.sender = threading.Event(), Sender(node)
        fleet_ = fleet.fleet(args.instances)
        self.moments = fleet.moments(fleet_, int(time.time()) * 1000, 10**6, 1000, args.seed)

    def run(self):
        begin, due = time.time(), 0
        for beat in range(10**6):
            if self.stopped.wait(max(0, begin + beat * CLOCK_EVERY - time.time())):
                return
            self.sender.now({"__name__": "clock"})
            if time.time() >= begin + due:
                due += 1
                for body in next(self.moments):
                    self.sender.send(body)


class Sender:
    """Writes samples over a connection of its own."""

    def __init__(self, node):
        self.connection = http.client.HTTPConnection(node.addresses["http"], timeout=60)

    def now(self, metric):
        """A sample of this moment, which is given back."""
        now = time.time()
        self.send(remote_write.body([(remote_write.labels(metric), remote_write.sample(int(now * 1000), 1))]))
        return now

    def send(self, body):
        self.connection.request("POST", "/api/v1/write", body, HEADERS)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"/api/v1/write: {answer.status} {text.decode(errors='replace')}")


class Follower(threading.Thread):
    """What `tailrace alerts --follow` prints: for each number of a probe when it fired, and for which step."""

    def __init__(self, node, binary):
        super().__init__(daemon=True)
        command = [binary, "alerts", "--follow", "-o", "json", "--addr", f"http://{node.addresses['http']}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.fired = {}

    def run(self):
        for line in self.process.stdout:
            now, alert = time.time(), json.loads(line)
            if alert["state"] == "firing":
                step = datetime.datetime.fromisoformat(alert["evaluatedAt"]).timestamp()
                self.fired[alert["labels"]["number"]] = (now, step)

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def rules(folder, args):
    """The fleet's rules, and the one that fires."""
    path = pathlib.Path(folder, "rules.yml")
    rule_file(path, args.instances, args.rules, INTERVAL)
    group = {"name": "probe", "interval": f"{INTERVAL}s", "rules": [{"alert": "Probe", "expr": "probe == 1"}]}
    path.write_text(json.dumps({"groups": [*json.loads(path.read_text())["groups"], group]}))
    return path


def probe(node, follower, args):
    """When each of the probes was written."""
    sender, rng, written = Sender(node), random.Random(args.seed), {}
    for number in range(args.alerts):
        time.sleep(rng.uniform(0.1, 0.5))
        written[str(number)] = sender.now({"__name__": "probe", "number": str(number)})
    deadline = time.monotonic() + PATIENCE
    while len(follower.fired) < args.alerts:
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(follower.fired)} of {args.alerts} alerts have fired")
        time.sleep(0.05)
    return written


def row(name, seconds):
    """Of a list of times: in the middle, of 99 in 100, the longest."""
    ordered = sorted(seconds)
    shown = (ordered[math.ceil(len(ordered) * share) - 1] for share in (0.5, 0.99, 1))
    return f"| {name} | " + " | ".join(f"{second * 1e3:.0f}" for second in shown) + " |"


def arguments():
    parser = fleet.arguments(__doc__, EXAMPLE)
    parser.add_argument("--rules", type=int, default=100, help="alert rules over the fleet (default: %(default)s)")
    parser.add_argument("--alerts", type=int, default=300, help="that fire (default: %(default)s)")
    return parser.parse_args()


def main():
    args = arguments()
    series = args.instances * fleet.SERIES_OF_INSTANCE
    print(f"{machine()}; {args.alerts} alerts beside {args.rules} rules over {series:,} series, each {INTERVAL} s\n", flush=True)
    settings = {"lateness": f"{LATENESS}s"}
    with tempfile.TemporaryDirectory() as folder:
        with Tailrace(args.binary, folder, [rules(folder, args)], settings, PARTITIONS) as node:
            feeder, follower = Feeder(node, args), Follower(node, args.binary)
            feeder.start(), follower.start()
            written = probe(node, follower, args)
            feeder.stopped.set(), feeder.join(), follower.stop()
    fired = follower.fired
    print("| ms | p50 | p99 | max |\n| --- | --- | --- | --- |")
    print(row("from the sample to the alert", [fired[n][0] - at for n, at in written.items()]))
    print(row("beyond the watermark", [at - step - LATENESS for at, step in fired.values()]))


if __name__ == "__main__":
    main()
