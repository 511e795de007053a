# small.py: The main job on one core with [memory] limit = "128MB": what stays resident, and what comes back after it.
import os
import re
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))
from harness import DOMAIN, SLOW, Line, imap_session, main, message, serve, smtp_session, test  # noqa: E402

from figures import processes  # noqa: E402
from server import ENGINE  # noqa: E402

MAILS = int(os.environ.get("VEREDUS_MAILS", "2000"))
IDLERS = int(os.environ.get("VEREDUS_IDLERS", "200"))
LIMIT_MB = 128
FIXED_MB = 24  # beyond the limit: the parent, and pages of the program and its libraries, which the kernel can drop
WORD = "extraordinary"


def resident(server):
    """MB of parent and child."""
    pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in processes(server))
    return pages * 4096 / 1e6


class Watch(threading.Thread):
    """The most that is resident, by phase."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.phase, self.most, self.stop = server, "start", {}, threading.Event()

    def run(self):
        while not self.stop.wait(0.1):
            self.most[self.phase] = max(self.most.get(self.phase, 0), resident(self.server))


def on_one_core(**options):
    """The server runs on core 0; this test on all."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        return serve(settings=[f"memory.limit={LIMIT_MB}MB"], **options)
    finally:
        os.sched_setaffinity(0, cores)


def idlers(server):
    sessions = []
    for _ in range(IDLERS):
        c = imap_session(server, "bob")
        c.imap("s", "SELECT INBOX")
        c.send("i IDLE\r\n")
        assert c.line().startswith("+")
        sessions.append(c)
    return sessions


def deliver(server, share, shares):
    with smtp_session(server) as c:
        for i in range(share, MAILS, shares):
            size = 3_000_000 if i % 400 == 0 else 100_000 if i % 20 == 0 else 8000
            word = WORD if i % 50 == 0 else "usual"
            assert c.smtp("MAIL FROM:<x@far.example>").startswith("250")
            for who in ("ann", "bob") if i % 10 == 0 else ("ann",):
                assert c.smtp(f"RCPT TO:<{who}@{DOMAIN}>").startswith("250")
            assert c.smtp("DATA").startswith("354")
            c.send(message(f"mail {i}", size=size, token=word))
            assert (line := c.smtp(".")).startswith("250"), line


def read(server):
    """All envelopes, all texts, a search in headers and one in bodies."""
    with imap_session(server, "ann") as c:
        lines = c.imap("s", "SELECT INBOX")
        assert f"* {MAILS} EXISTS" in lines, lines
        lines = c.imap("e", "FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)")
        assert sum(" FETCH (" in line for line in lines) == MAILS, (len(lines), lines[-1])
        c.send("b FETCH 1:* BODY.PEEK[]\r\n")
        octets = 0
        while not (line := c.file.readline()).startswith(b"b "):
            assert line, f"closed after {octets} octets of bodies"  # or it would wait for ever
            octets += len(line)
        assert line.startswith(b"b OK") and octets > MAILS * 8000, (line, octets)
        found = [line for line in c.imap("t", f"SEARCH TEXT {WORD}") if line.startswith("* SEARCH")]
        assert len(found[0].split()) - 2 == len(range(0, MAILS, 50)), found[0][:200]
        found = c.imap("h", 'SEARCH SUBJECT "mail 7"')
        assert re.search(r"\d", found[0]), found


def at_once(n, f):
    failed = []
    def one(i):
        try:
            f(i)
        except Exception as e:
            failed.append(e)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


def main_job(engine):
    server = on_one_core(engine=engine)
    watch = Watch(server)
    try:
        server.stop()
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
        server.start()
        os.sched_setaffinity(0, cores)
        idle = resident(server)
        watch.start()
        for phase, work in (("200 sessions idle", lambda: sessions.extend(idlers(server))),
                            ("deliver", lambda: at_once(10, lambda i: deliver(server, i, 10))),
                            ("read", lambda: read(server)),
                            ("ten read at once", lambda: at_once(10, lambda i: read(server)))):
            sessions = [] if phase == "200 sessions idle" else sessions
            watch.phase, began = phase, time.monotonic()
            work()
            print(f"# {engine}: {phase}: {time.monotonic() - began:.1f} s, {watch.most.get(phase, 0):.1f} MB resident at most",
                  flush=True)
        began, watch.phase = time.monotonic(), "after"
        for wait in (1, 2, 5, 10):
            time.sleep(max(0, began + wait - time.monotonic()))
            print(f"# {engine}: {wait} s later {resident(server):.1f} MB")
        after = resident(server)
        most = max(watch.most.values())
        print(f"# {engine}: idle {idle:.1f} MB, most {most:.1f} MB, 10 s after {after:.1f} MB with {IDLERS} sessions in IDLE")
        assert most < LIMIT_MB * 1.048576 + FIXED_MB, f"{most:.1f} MB with a limit of {LIMIT_MB} MB"
        assert after < 1.3 * idle, f"{after:.1f} MB stay, {idle:.1f} MB were enough before"
    finally:
        watch.stop.set()
        server.__exit__()


@test
def main_job_rocksdb():
    main_job("rocksdb")


@test
def main_job_sqlite():
    main_job("sqlite")


if __name__ == "__main__":
    main()
