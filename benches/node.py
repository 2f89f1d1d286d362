"""One running `tailrace up`: started on free ports, watched through /proc, asked over HTTP."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.parse

TICKS = os.sysconf("SC_CLK_TCK")
START_TIMEOUT = 60


class Node:
    """Starts on construction and is ready when that returns."""

    def __init__(self, binary, folder, config=None, flags=()):
        self.data = pathlib.Path(folder, "data")
        command = [binary, "up", "--print-addresses", "json", "--data-dir", self.data]
        command += ["--http", "127.0.0.1:0", "--kafka", "127.0.0.1:0", *flags]
        if config is not None:
            path = pathlib.Path(folder, "up.json")
            path.write_text(json.dumps(config))
            command += ["--config", path]
        self.log = pathlib.Path(folder, "stderr")
        begin = time.perf_counter()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline()
        self.line_after = time.perf_counter() - begin
        if not line:
            raise SystemExit(f"{binary} did not start:\n{self.log.read_text()}")
        self.addresses = json.loads(line)
        self.connection = http.client.HTTPConnection(self.addresses["http"], timeout=120)
        while self.get("/ready")[0] != 200:
            if time.perf_counter() - begin > START_TIMEOUT:
                raise SystemExit(f"not ready after {START_TIMEOUT} s:\n{self.log.read_text()}")
            time.sleep(0.002)
        self.ready_after = time.perf_counter() - begin

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Seconds from SIGTERM to the end."""
        begin = time.perf_counter()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.connection.close()
        return time.perf_counter() - begin

    # --- over HTTP ---

    def get(self, path, method="GET", **parameters):
        """Status and body."""
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        try:
            self.connection.request(method, path + query)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, OSError):
            self.connection.close()
            if self.process.poll() is not None:
                raise SystemExit(f"tailrace has ended:\n{self.log.read_text()}") from None
            return 0, b""

    def loki(self, path, **parameters):
        """The `data` of an answer."""
        status, body = self.get("/loki/api/v1/" + path, **parameters)
        if status != 200:
            raise SystemExit(f"{path} {parameters}: {status} {body.decode(errors='replace')}")
        return json.loads(body)["data"]

    def finds(self, query, start_ns, end_ns):
        """Whether a log query has any line."""
        span = {"start": start_ns, "end": end_ns, "limit": 1}
        return bool(self.loki("query_range", query=query, **span)["result"])

    def lines(self, selector, seconds):
        """How many lines the store has of a selector."""
        query = f"sum(count_over_time({selector}[{seconds}s]))"
        result = self.loki("query", query=query, time=time.time_ns())["result"]
        return int(float(result[0]["value"][1])) if result else 0

    def metric(self, name):
        """One of the node's own metrics, summed over its labels; nothing if it is not there."""
        text = self.get("/metrics")[1].decode()
        found = [line.split()[-1] for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name]
        return sum(map(float, found)) if found else None

    def flush(self):
        """Everything goes into segments."""
        status, body = self.get("/flush", method="POST")
        if status != 204:
            raise SystemExit(f"POST /flush: {status} {body.decode(errors='replace')}")

    # --- through /proc ---

    def cpu(self):
        """CPU seconds of the process."""
        return cpu_of(self.process.pid)

    def memory(self, field="VmRSS"):
        """Bytes: VmRSS, or VmHWM for the peak."""
        return memory_of(self.process.pid, field)

    def children(self):
        """Programs that it runs, such as journalctl."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    def disk(self, part):
        """Bytes on disk below one folder of the data directory."""
        return sum(p.stat().st_blocks * 512 for p in (self.data / part).rglob("*") if p.is_file())


def cpu_of(pid):
    """CPU seconds that a process has used, user and system."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(pid, field="VmRSS"):
    """Bytes that a process has resident: VmRSS, or VmHWM for the peak."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def pss_of(pid):
    """Proportional set size in bytes: pages shared with other processes count in part."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def machine():
    """One line about the machine."""
    cpu = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    memory = int(open("/proc/meminfo").readline().split()[1]) / 2**20
    name = cpu[0] if cpu else os.uname().machine
    return f"{name}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, Linux {os.uname().release}"
