"""Log stores that take Loki's push API: Tailrace and, where their programs are there, VictoriaLogs and Loki.

Each store is one process on loopback ports with a folder of its own, and answers the same questions: push,
flush, bytes on disk, a query's answer as a comparable value.
"""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse

from node import cpu_of

START_TIMEOUT = 60
FLUSH_TIMEOUT = 600


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Store:
    """A program that runs. Subclasses give the command, the paths, and how it flushes."""

    name = push_path = ready_path = data_folder = ""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.port = binary, pathlib.Path(folder), free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()

    def command(self):
        raise NotImplementedError

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        log.close()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        deadline = time.monotonic() + START_TIMEOUT
        while self.ask(self.ready_path)[0] != 200:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.name} does not start:\n{(self.folder / 'log').read_text()[-4000:]}")
            time.sleep(0.05)

    def stop(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def restart(self):
        """Stops, forgets what the kernel has cached of its files, and starts: a cold store."""
        self.stop()
        forget(self.folder)
        self.start()

    def ask(self, path, body=None, headers=None, **parameters):
        """Status and body; status 0 if nobody answers."""
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        try:
            self.connection.request("GET" if body is None else "POST", path + query, body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return 0, b""

    def push(self, body):
        headers = {"Content-Type": "application/x-protobuf"}
        while True:
            status, answer = self.ask(self.push_path, body, headers)
            if status in (200, 204):
                return
            if status not in (0, 429, 503):
                raise SystemExit(f"{self.name}: push: {status} {answer[:500]!r}")
            time.sleep(0.05)

    def cpu(self):
        return cpu_of(self.process.pid)

    def peak_memory(self):
        """Bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))

    def disk(self):
        """Bytes of the files that hold the data."""
        files = (p for p in (self.folder / self.data_folder).rglob("*") if p.is_file())
        return sum(p.stat().st_size for p in files)


def forget(folder):
    """Drops the files below `folder` from the page cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            fd = os.open(path, os.O_RDONLY)
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


class LokiApi(Store):
    """What speaks Loki's query API."""

    push_path = "/loki/api/v1/push"

    def run(self, query, start_ns, end_ns):
        """The answer to a query of `queries.py`, as a value that two stores can be compared by."""
        parameters = {"query": query.logql, "start": start_ns, "end": end_ns, "direction": "backward"}
        parameters |= {"limit": query.limit} if query.limit else {"step": f"{query.step}s"}
        status, body = self.ask("/loki/api/v1/query_range", **parameters)
        if status != 200:
            raise SystemExit(f"{self.name}: {query.name}: {status} {body[:500]!r}")
        return query.value_of_loki(json.loads(body)["data"]["result"])


class Tailrace(LokiApi):
    name, ready_path, data_folder = "Tailrace", "/ready", "data/index"

    def command(self):
        listen = ["--http", f"127.0.0.1:{self.port}", "--kafka", "127.0.0.1:0", "--syslog", "off"]
        settings = self.folder / "tailrace.json"
        settings.write_text(json.dumps({"shipper": {"host_name": "bench", "files": []}}))
        return [self.binary, "up", "--data-dir", str(self.folder / "data"), "--config", str(settings), *listen]

    def flush(self):
        status, body = self.ask("/flush", body=b"", merge="true")
        if status not in (200, 204):
            raise SystemExit(f"flush: {status} {body[:500]!r}")


class Loki(LokiApi):
    name, ready_path, data_folder = "Loki", "/ready", "chunks"

    def command(self):
        settings = self.folder / "loki.yaml"
        settings.write_text(LOKI % {"port": self.port, "grpc": free_port(), "folder": self.folder})
        return [self.binary, f"-config.file={settings}", "-target=all"]

    def flush(self):
        """Writes all chunks; they are on disk when their number no longer grows."""
        self.ask("/flush", body=b"")
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < 10:
            if (size := self.disk()) != seen:
                seen, since = size, time.monotonic()
            time.sleep(0.5)


class VictoriaLogs(Store):
    name, ready_path, data_folder = "VictoriaLogs", "/health", "data"
    push_path = "/insert/loki/api/v1/push?disable_message_parsing=1"

    def command(self):
        return [
            self.binary, f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=10y",
            f"-storageDataPath={self.folder / self.data_folder}",
        ]

    def flush(self):
        self.ask("/internal/force_flush")
        self.ask("/internal/force_merge")
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < 10:
            if (size := self.disk()) != seen:
                seen, since = size, time.monotonic()
            time.sleep(0.5)

    def run(self, query, start_ns, end_ns):
        span = f"_time:[{rfc3339(start_ns)}, {rfc3339(end_ns)}) "
        if query.limit:
            path, parameters = "query", {"query": f"{span}{query.logsql} | sort by (_time desc) limit {query.limit}"}
        else:
            path = "stats_query_range"
            parameters = {"query": query.logsql, "start": start_ns, "end": end_ns, "step": f"{query.step}s"}
        status, body = self.ask(f"/select/logsql/{path}", **parameters)
        if status != 200:
            raise SystemExit(f"{self.name}: {query.name}: {status} {body[:500]!r}")
        return query.value_of_victoria(body)


def rfc3339(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}Z"


STORES = {"tailrace": Tailrace, "victorialogs": VictoriaLogs, "loki": Loki}

LOKI = """
auth_enabled: false
server: {http_listen_address: 127.0.0.1, http_listen_port: %(port)d, grpc_listen_address: 127.0.0.1, grpc_listen_port: %(grpc)d, log_level: error}
common:
  instance_addr: 127.0.0.1
  path_prefix: %(folder)s
  storage: {filesystem: {chunks_directory: %(folder)s/chunks, rules_directory: %(folder)s/rules}}
  replication_factor: 1
  ring: {kvstore: {store: inmemory}}
schema_config:
  configs: [{from: 2020-01-01, store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}]
limits_config:
  ingestion_rate_mb: 4096
  ingestion_burst_size_mb: 4096
  per_stream_rate_limit: 4GB
  per_stream_rate_limit_burst: 4GB
  reject_old_samples: false
  unordered_writes: true
  max_global_streams_per_user: 0
  max_query_series: 100000
  discover_service_name: []
  discover_log_levels: false
  allow_structured_metadata: true
analytics: {reporting_enabled: false}
"""
