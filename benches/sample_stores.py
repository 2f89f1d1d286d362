"""Stores of samples that take Prometheus' remote write and answer its query API: Tailrace and Prometheus."""

import argparse
import http.client
import json
import pathlib
import shutil
import subprocess
import time

from node import Node, cpu_of
from peers import free_port


# Of a request of remote write.
HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}


class Tailrace(Node):
    """Without windows: Prometheus has none either. `settings`: more of the section `processor`."""

    name = "Tailrace"

    def __init__(self, binary, folder, rules=(), settings=(), partitions=4):
        windows = pathlib.Path(folder, "windows.yaml")
        windows.write_text("windows: []\n")
        processor = {"rules": [str(path) for path in rules], "windows": str(windows), **dict(settings)}
        config = {"bus": {"partitions": partitions}, "processor": processor, "index": {"retention": "off"}}
        super().__init__(binary, folder, config, ["--no-ship", "--syslog", "off"])

    def flush(self):
        status, answer = self.get("/flush", method="POST", merge="true")
        if status != 204:
            raise SystemExit(f"POST /flush: {status} {answer.decode(errors='replace')}")

    def disk_bytes(self):
        index = self.data / "index"
        return sum(p.stat().st_size for p in index.rglob("*") if p.is_file())


class Prometheus:
    """Debian's package, with nothing to scrape."""

    name = "Prometheus"

    def __init__(self, binary, folder, rules=()):
        self.folder, port = pathlib.Path(folder), free_port()
        config = {"rule_files": [str(path) for path in rules]}
        (self.folder / "prometheus.yml").write_text(json.dumps(config))
        command = [binary, f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"]
        command += ["--web.enable-admin-api", f"--config.file={self.folder}/prometheus.yml"]
        command += [f"--storage.tsdb.path={self.folder}/data"]
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        deadline = time.monotonic() + 60
        while self.get("/-/ready")[0] != 200:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"prometheus does not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait(60)

    get = Node.get

    @property
    def log(self):
        return self.folder / "log"

    def cpu(self):
        return cpu_of(self.process.pid)

    def flush(self):
        """A snapshot is a block with all samples, as compaction writes it."""
        status, answer = self.get("/api/v1/admin/tsdb/snapshot", method="POST")
        if status != 200:
            raise SystemExit(f"snapshot: {status} {answer.decode(errors='replace')}")

    def disk_bytes(self):
        snapshots = self.folder / "data" / "snapshots"
        return sum(p.stat().st_size for p in snapshots.rglob("*") if p.is_file())


def write(store, bodies):
    """CPU seconds from the first request until all samples can be queried."""
    before = store.cpu()
    for body in bodies:
        store.connection.request("POST", "/api/v1/write", body, HEADERS)
        answer = store.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{store.name}: {answer.status} {text.decode(errors='replace')}")
    store.get("/api/v1/query", query="time()")
    return store.cpu() - before


def arguments(description, examples):
    """The programs, for the command line of a bench."""
    parser = argparse.ArgumentParser(
        description=description, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--binary", default="target/release/tailrace", help="default: %(default)s")
    parser.add_argument("--prometheus", default=shutil.which("prometheus"), help="default: the one in PATH")
    return parser
