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


def run(rng, length, shape=None):
    """`length` lines of one program; of any, if none is named."""
    shape, host = shape or rng.choice(SHAPES), rng.choice(HOSTS)
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
    return [f'{{"timestamp":"{ISO}","level":"{level}","logger":"shop.orders","host":"{host}","status":{rng.choices([200, 201, 404, 503], [80, 15, 4, 1])[0]},"order":{rng.randrange(10**5, 10**7)},"message":"order stored","took_ms":{rng.randrange(1, 900)},"span":"{word(rng)}"}}']


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


def nginx_error(rng, _):
    return [f'2026/01/01 00:00:00 [error] {rng.randrange(10, 99)}#{rng.randrange(10, 99)}: *{rng.randrange(10**5, 10**7)} connect() failed (111: Connection refused) while connecting to upstream, client: {ip(rng)}, server: shop.example, request: "GET {rng.choice(PATHS[:3])} HTTP/1.1", upstream: "http://{ip(rng)}:8080/"']


def postgres(rng, _):
    head = f"2026-01-01 00:00:00.000 UTC [{rng.randrange(100, 32768)}] {rng.choice(USERS)}@shop "
    return [head + f"LOG:  duration: {rng.randrange(1, 9000)}.{rng.randrange(1000):03d} ms  execute <unnamed>: SELECT id, total FROM orders WHERE customer_id = $1 AND state = $2",
            head + f"DETAIL:  parameters: $1 = '{rng.randrange(10**4, 10**6)}', $2 = '{rng.choice(['open', 'paid', 'sent'])}'"]


def checkpoints(rng, _):
    return [f"2026-01-01 00:00:00.000 UTC [{rng.randrange(20, 40)}] LOG:  checkpoint complete: wrote {rng.randrange(10, 9000)} buffers ({rng.randrange(99)}.{rng.randrange(10)}%); write={rng.randrange(300)}.{rng.randrange(1000):03d} s, sync=0.{rng.randrange(1000):03d} s, total={rng.randrange(300)}.{rng.randrange(1000):03d} s; distance={rng.randrange(10**5)} kB"]


def kubelet(rng, host):
    happened = rng.choice(["ContainerStarted", "ContainerDied"])
    pod = f"{rng.choice(['orders', 'cart', 'search', 'auth'])}-{word(rng, 9)}-{word(rng, 5)}"
    return [f'I0101 00:00:00.000000 {rng.randrange(900, 2000):7d} kubelet.go:{rng.randrange(1000, 2500)}] "SyncLoop (PLEG): event for pod" pod="shop/{pod}" event={{"ID":"{word(rng, 8)}-{word(rng, 4)}-{word(rng, 4)}-{word(rng, 4)}-{word(rng, 12)}","Type":"{happened}","Data":"{word(rng, 64)}"}}']


def etcd(rng, _):
    return [f'{{"level":"warn","ts":"{ISO}","caller":"etcdserver/util.go:170","msg":"apply request took too long","took":"{rng.randrange(100, 900)}.{rng.randrange(10**6):06d}ms","expected-duration":"100ms","prefix":"read-only range ","request":"key:\\"/registry/leases/kube-system/{rng.choice(HOSTS)}\\" ","response":"range_response_count:1 size:{rng.randrange(200, 900)}"}}']


def kafka(rng, _):
    return [f"[2026-01-01 00:00:00,000] INFO [LocalLog partition=orders-{rng.randrange(12)}, dir=/var/lib/kafka] Rolled new log segment at offset {rng.randrange(10**6, 10**9)} in {rng.randrange(1, 30)} ms. (kafka.log.LocalLog)",
            f"[2026-01-01 00:00:00,000] INFO [GroupCoordinator {rng.randrange(3)}]: Preparing to rebalance group billing in state PreparingRebalance with old generation {rng.randrange(1, 400)} (__consumer_offsets-{rng.randrange(50)}) (kafka.coordinator.group.GroupCoordinator)"]


def haproxy(rng, host):
    t = [rng.randrange(0, 30) for _ in range(4)]
    return [SYSLOG % (host, f"haproxy[{rng.randrange(1000, 9999)}]", f"{ip(rng)}:{rng.randrange(32768, 60999)} [01/Jan/2026:00:00:00.000] www~ shop/{rng.choice(HOSTS)} {t[0]}/{t[1]}/{t[2]}/{t[3]}/{sum(t)} {rng.choices([200, 302, 503], [94, 5, 1])[0]} {rng.randrange(200, 90000)} - - ---- {rng.randrange(200)}/{rng.randrange(200)}/{rng.randrange(9)}/{rng.randrange(9)}/0 0/0 \"GET {rng.choice(PATHS[:3])} HTTP/1.1\"")]


def postfix(rng, host):
    queue = word(rng, 10).upper()
    return [SYSLOG % (host, f"postfix/qmgr[{rng.randrange(900, 2000)}]", f"{queue}: from=<{rng.choice(USERS)}@example.org>, size={rng.randrange(500, 90000)}, nrcpt=1 (queue active)"),
            SYSLOG % (host, f"postfix/smtp[{rng.randrange(2000, 9000)}]", f"{queue}: to=<{rng.choice(USERS)}@example.com>, relay=mx.example.com[{ip(rng)}]:25, delay={rng.randrange(9)}.{rng.randrange(10)}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {word(rng, 11).upper()})")]


def audit(rng, _):
    program = rng.choice(["bash", "sudo", "cat"])
    return [f'type=SYSCALL msg=audit({rng.randrange(1767225600, 1798761600)}.{rng.randrange(1000):03d}:{rng.randrange(10**4, 10**6)}): arch=c000003e syscall={rng.choice([2, 59, 87, 257])} success=yes exit={rng.randrange(9)} a0={word(rng, 12)} a1={word(rng, 8)} items=1 ppid={rng.randrange(1000, 9999)} pid={rng.randrange(1000, 9999)} auid={rng.randrange(1000, 1010)} uid=0 comm="{program}" exe="/usr/bin/{program}" key="access"']


def firewall(rng, host):
    mac = ":".join(word(rng, 2) for _ in range(14))
    return [SYSLOG % (host, "kernel", f"[{rng.randrange(10, 999999)}.{rng.randrange(10**6):06d}] [UFW BLOCK] IN=eth0 OUT= MAC={mac} SRC={ip(rng)} DST={ip(rng)} LEN={rng.randrange(40, 1500)} TOS=0x00 TTL={rng.randrange(30, 250)} ID={rng.randrange(65536)} DF PROTO=TCP SPT={rng.randrange(1024, 65535)} DPT={rng.choice([22, 23, 445, 3389])} WINDOW=1024 SYN URGP=0")]


def redis(rng, _):
    return [f"{rng.randrange(1, 9)}:M 01 Jan 2026 00:00:00.000 * {rng.randrange(10, 10000)} changes in 60 seconds. Saving...",
            f"{rng.randrange(1, 9)}:M 01 Jan 2026 00:00:00.000 * Background saving started by pid {rng.randrange(100, 32768)}"]


def dhcp(rng, host):
    mac = ":".join(word(rng, 2) for _ in range(6))
    return [SYSLOG % (host, f"dhcpd[{rng.randrange(500, 999)}]", f"{kind} for {ip(rng)} from {mac} via eth1") for kind in ("DHCPREQUEST", "DHCPACK")]


SHAPES = [
    sshd, cron, systemd, kernel, access, access, logfmt, json_event, java, nginx_error, postgres, checkpoints, kubelet, etcd,
    kafka, haproxy, postfix, audit, firewall, redis, dhcp,
]
