"""Synthetic samples, the same for the same seed: a fleet of like instances, and one host as its exporter shows it."""

import random

import remote_write
import sample_stores

STEP_MS = 15_000
BUCKETS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
MODES = ("idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user")
SAMPLES_PER_REQUEST = 2000
SERIES_OF_INSTANCE = 20


def arguments(description, examples):
    """What benches over a fleet have in common on the command line."""
    parser = sample_stores.arguments(description, examples)
    parser.add_argument("--instances", type=int, default=500, help="of the fleet, 20 series each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the samples (default: %(default)s)")
    return parser


def fleet(instances):
    """Twenty series of each instance: requests by code, a histogram, CPU time by mode, and memory."""
    for number in range(instances):
        own = {"job": "api", "instance": f"10.0.{number // 250}.{number % 250}:9100", "zone": f"zone{number % 3}"}
        for code in ("200", "301", "404", "500"):
            yield counter("http_requests_total", own, code=code)
        for le in BUCKETS:
            yield counter("http_request_duration_seconds_bucket", own, le=le)
        for mode in MODES[:4]:
            yield counter("process_cpu_seconds_total", own, mode=mode)
        yield gauge("process_resident_memory_bytes", own, 4e8)
        yield gauge("process_open_fds", own, 200)


def host():
    """What dashboards of a single host ask for, under the names of the Node Exporter."""
    own = {"job": "node", "instance": "web1:9100"}
    for cpu in range(8):
        for mode in MODES:
            yield counter("node_cpu_seconds_total", own, cpu=str(cpu), mode=mode)
    for name in ("MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "SReclaimable", "SwapTotal", "SwapFree"):
        yield gauge(f"node_memory_{name}_bytes", own, 8e9)
    for device in ("sda", "sdb", "nvme0n1", "dm-0"):
        for name in ("read_bytes", "written_bytes", "reads_completed", "writes_completed", "io_time_seconds"):
            yield counter(f"node_disk_{name}_total", own, device=device)
    for device in ("eth0", "eth1", "docker0", "lo"):
        for way in ("receive", "transmit"):
            for name in ("bytes", "packets", "errs", "drop"):
                yield counter(f"node_network_{way}_{name}_total", own, device=device)
    for mount in ("/", "/boot", "/var", "/home"):
        for name in ("size", "avail", "free"):
            yield gauge(f"node_filesystem_{name}_bytes", own, 1e11, device="/dev/sda1", fstype="ext4", mountpoint=mount)
    for name, middle in (("load1", 2), ("load5", 2), ("load15", 2), ("procs_running", 3), ("filefd_allocated", 2000)):
        yield gauge(f"node_{name}", own, middle)
    yield counter("node_context_switches_total", own)
    yield counter("node_intr_total", own)


def counter(name, own, **labels):
    """It has counted long before: how a rate reaches back to zero differs between versions of Prometheus."""
    return {"__name__": name, **own, **labels}, lambda rng, last: (last or 1e6) + rng.randrange(0, 1500) / 10


def gauge(name, own, middle, **labels):
    def following(rng, last):
        return round((last or middle) * rng.uniform(0.97, 1.03), 1)

    return {"__name__": name, **own, **labels}, following


def requests(series, first_ms, count, seed):
    """Remote write requests with `count` samples of each series, in the order of time."""
    waiting = []
    for now in samples(series, first_ms, count, STEP_MS, seed):
        waiting += now
        if len(waiting) >= SAMPLES_PER_REQUEST:
            yield from bodies(waiting)
            waiting = []
    yield from bodies(waiting)


def moments(series, first_ms, count, step_ms, seed):
    """The same, a list of requests for each time."""
    for now in samples(series, first_ms, count, step_ms, seed):
        yield list(bodies(now))


def samples(series, first_ms, count, step_ms, seed):
    """For each time the sample of each series, both encoded."""
    rng = random.Random(seed)
    encoded = [(remote_write.labels(metric), following) for metric, following in series]
    last = [None] * len(encoded)
    for moment in range(first_ms, first_ms + count * step_ms, step_ms):
        now = []
        for at, (names, following) in enumerate(encoded):
            last[at] = following(rng, last[at])
            now.append((names, remote_write.sample(moment, last[at])))
        yield now


def bodies(encoded):
    for start in range(0, len(encoded), SAMPLES_PER_REQUEST):
        yield remote_write.body(encoded[start : start + SAMPLES_PER_REQUEST])
