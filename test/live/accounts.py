# accounts.py: Many accounts on one node: an operation costs the same among the first as among the last of them.
import os
import time
from concurrent.futures import ThreadPoolExecutor

from harness import DOMAIN, PASSWORD, Line, main, message, serve, smtp_session, test

from figures import cpu_ms, load_accounts, memory, metrics

ACCOUNTS = int(os.environ.get("VEREDUS_ACCOUNTS", "300"))  # the long form: 10000
SOME = 20
WORK = ("veredus_store_gets_total", "veredus_store_scans_total", "veredus_store_commits_total")


def name(i):
    return f"u{i:05d}"


def deliver(server, numbers):
    """One message to each."""
    with smtp_session(server) as c:
        for i in numbers:
            assert c.smtp("MAIL FROM:<x@far.example>").startswith("250")
            assert c.smtp(f"RCPT TO:<{name(i)}@{DOMAIN}>").startswith("250")
            assert c.smtp("DATA").startswith("354")
            c.send(message(f"to {i}", size=2000))
            assert c.smtp(".").startswith("250")


def read(server, numbers):
    """Each logs in, finds the message that is its own, and goes."""
    for i in numbers:
        with Line(server.port["imap"]) as c:
            c.line()
            assert c.imap("l", f'LOGIN {name(i)}@{DOMAIN} "{PASSWORD}"')[-1].startswith("l OK")
            assert "* 1 EXISTS" in c.imap("s", "SELECT INBOX")
            assert any(line == f"Subject: to {i}" for line in c.imap("f", "FETCH 1 BODY.PEEK[]"))


def cost(server, what, numbers):
    """Of one operation: store reads and commits; CPU and wall time in milliseconds."""
    before, cpu, began = metrics(server), cpu_ms(server), time.monotonic()
    what(server, numbers)
    wall, cpu, after = time.monotonic() - began, cpu_ms(server) - cpu, metrics(server)
    n = len(numbers)
    return [(after[k] - before[k]) / n for k in WORK], cpu / n, wall * 1000 / n


def told(what, few, many):
    for how_many, (work, cpu, wall) in ((SOME * 2, few), (ACCOUNTS, many)):
        print(f"# {what}, with {how_many} accounts: gets {work[0]:.2f}, scans {work[1]:.2f}, commits {work[2]:.2f}, "
              f"CPU {cpu:.2f} ms, wall {wall:.2f} ms")


@test
def cost_does_not_grow():
    first, last = range(SOME, 2 * SOME), range(ACCOUNTS - SOME, ACCOUNTS)
    server = serve(users=())
    try:
        load_accounts(server, map(name, range(2 * SOME)), DOMAIN)
        deliver(server, range(SOME))  # warm
        few = [cost(server, what, first) for what in (deliver, read)]
        began = time.monotonic()
        load_accounts(server, map(name, range(2 * SOME, ACCOUNTS)), DOMAIN)
        print(f"# {ACCOUNTS - 2 * SOME} accounts added in {time.monotonic() - began:.2f} s; "
              f"PSS {memory(server) / 1e6:.1f} MB")
        began = time.monotonic()
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda i: deliver(server, range(2 * SOME + i, ACCOUNTS - SOME, 10)), range(10)))
        print(f"# a message to each of {ACCOUNTS - 3 * SOME}: {time.monotonic() - began:.2f} s; "
              f"PSS {memory(server) / 1e6:.1f} MB")
        many = [cost(server, what, last) for what in (deliver, read)]
        for what, a, b in zip(("deliver", "log in and read"), few, many):
            told(what, a, b)
        if ACCOUNTS > 1000:
            began = time.monotonic()
            read(server, range(2 * SOME, 2 * SOME + 1000))
            print(f"# 1000 more log in and read: {time.monotonic() - began:.2f} s; PSS {memory(server) / 1e6:.1f} MB")
        server.stop()
        server.start(wait=False)
        print(f"# start to listening with {ACCOUNTS} accounts: {server.wait_listening():.2f} s; PSS {memory(server) / 1e6:.1f} MB")
        for what, a, b in zip(("deliver", "log in and read"), few, many):
            assert all(y <= x + 0.5 for x, y in zip(a[0], b[0])), f"{what}: {a[0]} became {b[0]}"
    finally:
        server.__exit__()


if __name__ == "__main__":
    main()
