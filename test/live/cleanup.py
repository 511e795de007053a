# cleanup.py: The clean-up by schedule: content that nobody links goes, change logs get short, and clients see no difference.
import hashlib
import imaplib
import re
import time

from harness import DOMAIN, PASSWORD, SLOW, main, message, serve, test

CHANGES = 150  # more than the log keeps
SETTINGS = ["data-retention.data-cleanup-schedule=* * * * *", "data-retention.changes-max=100"]
WHERE = (("rocksdb", "filesystem"), ("sqlite", None), ("rocksdb", None), ("sqlite", "filesystem"))


def log_in(server):
    c = imaplib.IMAP4("127.0.0.1", server.port["imap"])
    c.login(f"ann@{DOMAIN}", PASSWORD)
    return c


def metric(server, name):
    return int(re.search(rf"^{name} (\d+)$", server.cli("metrics"), re.M).group(1))


def answers(server, since):
    """All messages, and those that changed since then."""
    with log_in(server) as c:
        c.select("INBOX")
        whole, changed = c.fetch("1:*", "(UID FLAGS MODSEQ BODY.PEEK[])")[1], c.fetch("1:*", f"(FLAGS) (CHANGEDSINCE {since})")[1]
        return [(row[0], hashlib.sha256(row[1]).hexdigest()) for row in whole if isinstance(row, tuple)], changed


def work(server):
    """Many changes, some messages left; the modseq of the last one but a few."""
    with log_in(server) as c:
        for i in range(20):
            c.append("INBOX", None, None, message(size=i * 10000, token=f"t{i}."))
        c.select("INBOX")
        for i in range(CHANGES):
            c.store(f"{i % 20 + 1}", "+FLAGS" if i // 20 % 2 else "-FLAGS", "(\\Flagged)")
        since = int(re.search(rb"MODSEQ \((\d+)\)", c.fetch("20", "(MODSEQ)")[1][0]).group(1))
        c.store("13:17", "+FLAGS", "(\\Seen)")
        c.copy("1:5", "Archive")
        c.store("1:10", "+FLAGS", "(\\Deleted)")
        c.expunge()
    return since


def wait_done(server):
    end = time.monotonic() + 130 * SLOW
    while time.monotonic() < end:
        done = re.findall(r"cleanup\.done: .*", server.log.read_text(errors="replace"))
        if any(int(re.search(r"changes=(\d+)", line).group(1)) for line in done):
            return done[-1]
        time.sleep(0.1)
    raise AssertionError(f"no clean-up in {server.tail()}")


@test
def nothing_is_missed():
    servers = [serve(engine=engine, blob=blob, settings=SETTINGS) for engine, blob in WHERE]
    try:
        since = [work(s) for s in servers]
        before = [answers(s, n) for s, n in zip(servers, since)]
        for server, n, was, where in zip(servers, since, before, WHERE):
            done = wait_done(server)
            print(f"# {where}: {done}")
            assert "failed=0" in done, done
            assert len(was[0]) == 10 and len(was[1]) == 5, was
            assert answers(server, n) == was
            assert metric(server, "veredus_cleanups_total") > 0
            assert metric(server, "veredus_changes_trimmed_total") > CHANGES - 100
            assert metric(server, "veredus_blobs_purged_total") == 5
            assert metric(server, "veredus_cleanup_last_seconds") > time.time() - 300
            server.stop()
            proof = server.cli("store", "check")
            assert "0 mended, 0 parked, 0 lost" in proof, proof
            server.start()
            assert answers(server, n) == was
            with log_in(server) as c:
                c.select("Archive")
                assert len(c.fetch("1:*", "(BODY.PEEK[])")[1]) == 10  # five
    finally:
        for server in servers:
            server.__exit__()


main()
