# relogin.py: 2,000 sessions log in again after a restart; those that are in already wait for none of them.
import os
import resource
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))
from harness import DOMAIN, PASSWORD, SLOW, Line, imap_session, main, message, serve, smtp_session, test  # noqa: E402

from figures import load_accounts, memory, metrics  # noqa: E402

SESSIONS = int(os.environ.get("VEREDUS_SESSIONS", "2000"))
ACCOUNTS = int(os.environ.get("VEREDUS_ACCOUNTS", "500"))
P99_MS = 200


class Meter(threading.Thread):
    """A session that was in before: what it waits for each command."""

    def __init__(self, server, command):
        super().__init__()
        self.command, self.waits, self.stop = command, [], threading.Event()
        self.session = imap_session(server, "ann")
        self.session.imap("s", "SELECT INBOX")

    def run(self):
        while not self.stop.is_set():
            began = time.monotonic()
            assert self.session.imap("n", self.command)[-1].startswith("n OK")
            self.waits.append((time.monotonic() - began) * 1000)
            time.sleep(0.01)

    def told(self):
        waits = sorted(self.waits)
        p99 = waits[int(len(waits) * 0.99)]
        print(f"# {self.command}: median {waits[len(waits) // 2]:.1f} ms, p99 {p99:.1f} ms, most {waits[-1]:.1f} ms, "
              f"over {len(waits)} commands")
        return p99


def log_in_all(server, names):
    """All connect and send their LOGIN first; then the answers are waited for. Seconds until the last one is in."""
    began = time.monotonic()
    sessions = [Line(server.port["imap"], timeout=600) for _ in range(SESSIONS)]
    for i, c in enumerate(sessions):
        assert c.line().startswith("* OK")
        c.send(f'l LOGIN {names[i % len(names)]}@{DOMAIN} "{PASSWORD}"\r\n')
    asked = time.monotonic() - began
    for c in sessions:
        assert c.line().startswith("l OK")
    return sessions, asked, time.monotonic() - began


@test
def others_do_not_wait():
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    names = [f"u{i:05d}" for i in range(ACCOUNTS)]
    server = serve()
    try:
        load_accounts(server, names, DOMAIN)
        with smtp_session(server) as c:
            c.smtp("MAIL FROM:<x@far.example>")
            c.smtp(f"RCPT TO:<ann@{DOMAIN}>")
            c.smtp("DATA")
            c.send(message("to read", size=10000))
            assert c.smtp(".").startswith("250")
        server.stop()
        server.start()
        meters = [Meter(server, command) for command in ("NOOP", "FETCH 1 (FLAGS BODY.PEEK[])")]
        before = metrics(server)["veredus_auth_hashed_total"]
        for m in meters:
            m.start()
        sessions, asked, seconds = log_in_all(server, names)
        for m in meters:
            m.stop.set()
            m.join()
        hashes = metrics(server)["veredus_auth_hashed_total"] - before
        print(f"# {SESSIONS} sessions of {ACCOUNTS} accounts: asked within {asked:.1f} s, all in after {seconds:.1f} s, "
              f"{hashes} hashes; PSS {memory(server) / 1e6:.1f} MB")
        assert hashes == ACCOUNTS, f"{hashes} hashes for {ACCOUNTS} accounts"
        worst = max(m.told() for m in meters)
        assert worst < P99_MS * SLOW, f"p99 {worst:.0f} ms"
        for c in sessions:
            c.close()
    finally:
        server.__exit__()


if __name__ == "__main__":
    main()
