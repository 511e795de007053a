# rows.py: What is measured: one row each, with the driver's arguments, and the mailboxes that rows need.
# SPDX-License-Identifier: Apache-2.0
import subprocess, time
from sides import USERS

BIG, MIDDLE, BODIES, APPEND, MULTI, ONE = 51, 52, 53, 54, 55, 56  # users whose INBOX is of a known size


def user(side, n):
    return side.user.replace("%u", str(n))


class Row:
    def __init__(self, key, label, family, full, quick, args, unit="CPU-ms", per="op", fill=None, trace=0, special=None):
        self.key, self.label, self.family, self.full, self.quick = key, label, family, full, quick
        self._args, self.unit, self.per, self.fill, self.trace, self.special = args, unit, per, fill, trace, special

    def n(self, quick):
        return self.quick if quick else self.full

    def args(self, side, n):
        return self._args(side, n)

    def figures(self, out):
        n = out["responses"] if self.per == "response" else out["ops"]
        f = {"rate": out["ops"] / out["seconds"] if out["seconds"] else 0, "p50": out["p50_us"] / 1000, "p99": out["p99_us"] / 1000,
             "driver": out["driver_cpu_ms"] / max(out["ops"], 1), "cpu": out["cpu_ms"] / max(n, 1), "n": n}
        f["cost"] = {"CPU-ms": f["cpu"], "CPU-us": f["cpu"] * 1000, "ms wall": f["p50"]}[self.unit]
        if self.per == "response":
            f["rate"] = n / out["seconds"] if out["seconds"] else 0
        return f


def deliver(proto, size, one=False, sessions=10):
    def args(s, n):
        who = user(s, ONE) if one else s.user
        return ["-p", s.ports[proto], "-s", sessions, "-n", n, "-z", size, "-U", who] + (["-l"] if proto == "lmtp" else []) + ["deliver"]
    return args


def relay(sessions=10):
    def args(s, n):
        a = ["-p", s.ports.get("submission", s.ports["smtp"]), "-s", sessions, "-n", n, "-k", s.ports["sink"], "-R", "user%u@sink.test"]
        return a + (["-a", "-U", s.user] if "submission" in s.ports else []) + ["relay"]
    return args


def command(box_user, *cmds):
    def args(s, n):
        a = ["-p", s.ports["imap"], "-n", n, "-b", "INBOX", "-U", user(s, box_user)]
        for c in cmds:
            a += ["-c", c]
        return a + ["command"]
    return args


def login(s, n):
    return ["-p", s.ports["imap"], "-s", 10, "-n", n, "-U", s.user, "login"]


def retr(s, n):
    return ["-p", s.ports["pop3"], "-s", 4, "-n", n, "-U", user(s, BODIES), "retr"]


def connect(s, n):
    return ["-p", s.ports["imaps"], "-s", 4, "-n", n, "-t", "connect"]


def append(s, n):
    return ["-p", s.ports["imap"], "-s", 4, "-n", n, "-U", user(s, APPEND), "append"]


def multi(s, n):
    return ["-p", s.ports["imap"], "-n", n, "-m", 500, "-z", 2048, "-U", user(s, MULTI), "append"]


def fill(who, full, quick, size):
    def run(bench, side, drive):
        n = quick if bench.opts.quick else full
        base = ["-p", side.ports["imap"], "-z", size, "-U", user(side, who)]
        try:
            drive(bench, side, base + ["-n", n, "-m", 500, "append"])
        except Exception:  # no MULTIAPPEND
            drive(bench, side, base + ["-n", n, "-s", 8, "append"])
    return run


def log_in_all(bench, side, drive):
    """Passwords are hashed here once, not while something is measured."""
    drive(bench, side, ["-p", side.ports["imap"], "-s", USERS, "-u", USERS, "-n", USERS, "-U", side.user, "login"])


FILLS = {"passwords": log_in_all, "big": fill(BIG, 100000, 5000, 1024), "middle": fill(MIDDLE, 10000, 2000, 2048), "bodies": fill(BODIES, 1000, 500, 10240)}


def memory(bench, row, s, drive):
    time.sleep(1)
    bench.note(row, s, {"cost": s.group.pss_kib() / 1024})


def idle(tls):
    def run(bench, row, s, drive):
        n = (1000 if s.name == "veredus" else 100) // (2 if bench.opts.quick else 1)
        s.stop()
        s.start()
        time.sleep(1)
        argv = [f"{bench.build}/driver", "-p", str(s.ports["imaps" if tls else "imap"]), "-s", str(n), "-b", "INBOX", "-U", s.user]
        log_in_all(bench, s, drive)
        before = s.group.pss_kib()
        p = subprocess.Popen(argv + (["-t"] if tls else []) + ["idle"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        bench.drivers.append(p)
        try:
            if p.stdout.readline() != "READY\n":
                raise RuntimeError(p.stderr.read()[:200])
            time.sleep(2)
            bench.note(row, s, {"cost": (s.group.pss_kib() - before) / n})
        finally:
            p.stdin.close()
            p.wait(20)
            bench.drivers.remove(p)
    return run


def starting(bench, row, s, drive):
    s.stop()
    s.start()
    bench.note(row, s, {"cost": s.start_ms})


NONE = lambda s, n: []
ROWS = [
    Row("memory", "idle server, PSS", "", 0, 0, NONE, "MiB", special=memory),
    Row("lmtp10", "LMTP to mailbox, 10 KiB, 10 sessions, 50 rcpts", "lmtp", 3000, 400, deliver("lmtp", 10240), trace=200),
    Row("smtp10", "SMTP to mailbox, 10 KiB, 10 sessions, 50 rcpts", "smtp", 2000, 200, deliver("smtp", 10240), trace=100),
    Row("lmtp100", "LMTP to mailbox, 100 KiB", "lmtp", 800, 100, deliver("lmtp", 102400)),
    Row("one", "LMTP to one mailbox, 10 sessions", "lmtp", 2000, 200, deliver("lmtp", 10240, one=True), trace=200),
    Row("relay", "relay in, queue, out, 10 KiB, 10 sessions", "relay", 2000, 200, relay(), trace=100),
    Row("login", "LOGIN + LOGOUT", "imap", 1000, 200, login, fill="passwords", trace=100),
    Row("tls", "TLS connect + banner", "tls", 600, 100, connect),
    Row("select", "SELECT, big mailbox, warm", "imap", 50, 20, command(BIG, "SELECT INBOX"), "ms wall", fill="big"),
    Row("envelope", "FETCH 1:* (FLAGS UID RFC822.SIZE ENVELOPE), a message", "imap", 4, 3,
        command(BIG, "FETCH 1:* (FLAGS UID RFC822.SIZE ENVELOPE)"), "CPU-us", "response", fill="big"),
    Row("flags", "FETCH 1:* (FLAGS), a message", "imap", 6, 5, command(BIG, "FETCH 1:* (FLAGS)"), "CPU-us", "response", fill="big"),
    Row("body", "FETCH BODY.PEEK[], 10 KiB, a message", "imap", 6, 4, command(BODIES, "FETCH 1:* (BODY.PEEK[])"), "CPU-us", "response",
        fill="bodies"),
    Row("pop3", "POP3 RETR 10 KiB, 4 sessions", "pop3", 10000, 2000, retr, fill="bodies", trace=500),
    Row("store", "STORE 1:* (10k; quick 2k)", "imap", 10, 4,
        command(MIDDLE, "STORE 1:* +FLAGS.SILENT (\\Flagged)", "STORE 1:* -FLAGS.SILENT (\\Flagged)"), "ms wall", fill="middle", trace=10),
    Row("header", "SEARCH HEADER (10k; quick 2k)", "imap", 10, 4, command(MIDDLE, "SEARCH HEADER Subject needle"), "ms wall", fill="middle"),
    Row("text", "SEARCH BODY (10k x 2 KB; quick 2k)", "imap", 4, 2, command(MIDDLE, "SEARCH BODY needle"), "ms wall", fill="middle"),
    Row("append", "APPEND 10 KiB, 4 sessions", "imap", 2000, 200, append, trace=100),
    Row("multiappend", "MULTIAPPEND 500 x 2 KB, a message", "imap", 5000, 1000, multi, "CPU-ms", trace=500),
    Row("idle", "a session in IDLE, plain", "imap", 0, 0, NONE, "KiB", special=idle(False)),
    Row("idletls", "a session in IDLE, TLS", "imap", 0, 0, NONE, "KiB", special=idle(True)),
    Row("start", "start to greeting", "", 3, 0, NONE, "ms", special=starting),
]
