"""Synthetic log lines in the shape of common programs, for machines that have few real ones.

Each shape writes what its program writes, with values drawn from small sets as in real life: few hosts, few
users, many request numbers. Times are placeholders; `corpus.py` replaces them.
"""

HOSTS = [f"web{i}" for i in range(1, 7)]
USERS = ["alice", "bob", "deploy", "carol", "backup", "root", "www-data"]
PATHS = ["/", "/login", "/api/v1/orders", "/api/v1/orders/%d", "/static/app.js", "/health", "/search?q=%d"]
AGENTS = ["curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0", "kube-probe/1.31"]
SYSLOG = "Jan  1 00:00:00 %s %s: %s"
ISO = "2026-01-01T00:00:00.000000Z"


def run(rng, length):
    """`length` lines of one program."""
    shape, host = rng.choice(SHAPES), rng.choice(HOSTS)
    lines = []
    while len(lines) < length:
        lines += shape(rng, host)
    return lines[:length]


def ip(rng):
    return f"10.{rng.randrange(4)}.{rng.randrange(16)}.{rng.randrange(1, 255)}"


def word(rng, digits=16):
    return "%0*x" % (digits, rng.getrandbits(4 * digits))


def sshd(rng, host):
    user, pid, port = rng.choice(USERS), rng.randrange(1000, 99999), rng.randrange(32768, 60999)
    if rng.random() < 0.3:
        text = f"Failed password for invalid user {user} from {ip(rng)} port {port} ssh2"
        return [SYSLOG % (host, f"sshd[{pid}]", text)]
    return [
        SYSLOG % (host, f"sshd[{pid}]", f"Accepted publickey for {user} from {ip(rng)} port {port} ssh2: ED25519 SHA256:{word(rng, 43)}"),
        SYSLOG % (host, f"sshd[{pid}]", f"pam_unix(sshd:session): session opened for user {user}(uid={rng.randrange(1000, 1010)}) by (uid=0)"),
        SYSLOG % (host, f"sshd[{pid}]", f"Disconnected from user {user} {ip(rng)} port {port}"),
    ]


def cron(rng, host):
    pid = rng.randrange(1000, 99999)
    return [SYSLOG % (host, f"CRON[{pid}]", f"({rng.choice(USERS)}) CMD (cd / && run-parts --report /etc/cron.hourly)")]


def systemd(rng, host):
    unit = rng.choice(["logrotate", "apt-daily", "fstrim", "man-db", "certbot"])
    return [
        SYSLOG % (host, "systemd[1]", f"Starting {unit}.service..."),
        SYSLOG % (host, "systemd[1]", f"{unit}.service: Deactivated successfully."),
        SYSLOG % (host, "systemd[1]", f"Finished {unit}.service. Consumed {rng.randrange(1, 999)}ms CPU time."),
    ]


def kernel(rng, host):
    uptime = f"[{rng.randrange(10, 999999)}.{rng.randrange(10**6):06d}]"
    text = f"{uptime} TCP: request_sock_TCP: Possible SYN flooding on port {rng.choice([80, 443, 8080])}. Sending cookies."
    if rng.random() < 0.5:
        text = f"{uptime} veth{word(rng, 8)}: renamed from eth0"
    return [SYSLOG % (host, "kernel", text)]


def access(rng, _):
    path = rng.choice(PATHS)
    path = path % rng.randrange(10**6) if "%d" in path else path
    status = rng.choices([200, 304, 404, 500], [90, 5, 4, 1])[0]
    return [f'{ip(rng)} - - [01/Jan/2026:00:00:00 +0000] "GET {path} HTTP/1.1" {status} {rng.randrange(120, 90000)} "-" "{rng.choice(AGENTS)}"']


def logfmt(rng, host):
    level = rng.choices(["info", "warn", "error"], [92, 6, 2])[0]
    message = {"info": "request done", "warn": "slow request", "error": "upstream timed out"}[level]
    return [f'time={ISO} level={level} msg="{message}" host={host} trace_id={word(rng, 32)} duration_ms={rng.randrange(1, 9000)} user={rng.choice(USERS)}']


def json_event(rng, host):
    level = rng.choices(["INFO", "WARN", "ERROR"], [92, 6, 2])[0]
    return [f'{{"timestamp":"{ISO}","level":"{level}","logger":"shop.orders","host":"{host}","order":{rng.randrange(10**5, 10**7)},"message":"order stored","took_ms":{rng.randrange(1, 900)},"span":"{word(rng)}"}}']


def java(rng, _):
    head = f"2026-01-01 00:00:00,000 INFO  [http-nio-8080-exec-{rng.randrange(1, 20)}] c.e.s.OrderService - Stored order {rng.randrange(10**5, 10**7)} in {rng.randrange(1, 400)} ms"
    if rng.random() > 0.03:
        return [head]
    return [
        head.replace("INFO ", "ERROR"),
        f"java.sql.SQLTransientConnectionException: pool - Connection is not available, request timed out after {rng.randrange(30000, 31000)}ms.",
        "\tat com.example.pool.Pool.getConnection(Pool.java:197)",
        "\tat com.example.shop.OrderService.store(OrderService.java:88)",
        "\tat com.example.shop.OrderController.post(OrderController.java:41)",
    ]


SHAPES = [sshd, cron, systemd, kernel, access, access, logfmt, json_event, java]
