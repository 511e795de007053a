# scarce.py: No disk, no descriptors, no memory: a temporary failure, an event that says so, and service when it is over.
import base64
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import DOMAIN, PASSWORD, SLOW, Line, Skip, main, message, serve, smtp_session, test  # noqa: E402
from figures import child_of  # noqa: E402
from server import Server  # noqa: E402

ANN = f"ann@{DOMAIN}"
PATIENCE = 30 * SLOW


@contextmanager
def small_disk(megabytes):
    """A folder whose data/ is a file system of its own; only root can have one."""
    folder = tempfile.mkdtemp(prefix="veredus-test-disk-")
    data = Path(folder) / "data"
    data.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", data], capture_output=True)
        if done.returncode:
            raise Skip("a small file system cannot be mounted here")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", data], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def served(**options):
    server = serve(("ann",), **options)
    try:
        yield server
        report = server.crashed()
        assert not report, report[:1500]
    except (OSError, AssertionError):
        print("   " + server.tail(1500).replace("\n", "\n   "))
        raise
    finally:
        server.__exit__()


def bulky(token, size):
    """A message that no compression makes smaller."""
    lines = base64.encodebytes(os.urandom(size * 3 // 4)).replace(b"\n", b"\r\n")
    return message(token) + lines


def deliver(server, token, size=200_000):
    """The last reply to a message."""
    with smtp_session(server) as c:
        for text in ("MAIL FROM:<x@far.example>", f"RCPT TO:<{ANN}>", "DATA"):
            reply = c.smtp(text)
            if reply[0] not in "23":
                return reply
        c.send(bulky(token, size))
        return c.smtp("\r\n.")


def login(server):
    c = Line(server.port["imap"], 20)
    c.line()
    done = c.imap("a", f'LOGIN {ANN} "{PASSWORD}"')
    assert done[-1].startswith("a OK"), done
    return c


def append(c, token, size=200_000):
    body = bulky(token, size)
    c.send(f"b APPEND INBOX {{{len(body)}+}}\r\n".encode() + body + b"\r\n")
    while not (line := c.line()).startswith("b "):
        assert line or not line, line
        if not line:
            raise ConnectionError("closed")
    return line


def subjects(server):
    with login(server) as c:
        c.imap("s", "SELECT INBOX")
        return [l[9:] for l in c.imap("f", "FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]") if l.startswith("Subject: ")]


def again(act, what):
    """Until it works; how long that took."""
    began = time.monotonic()
    while True:
        got = act()
        if got.startswith(("250", "b OK")):
            return time.monotonic() - began
        assert time.monotonic() - began < PATIENCE, f"{what}: still {got}"
        time.sleep(0.2)


def fill(path):
    """A file that takes all the space that there is."""
    with open(path, "wb", buffering=0) as f:
        for size in (1 << 20, 4096, 512):
            try:
                while True:
                    f.write(b"\0" * size)
            except OSError:
                pass


def full_and_over(server, begin, end):
    """The disk is full between `begin` and `end`: what the clients hear, and what is there after it."""
    kept = []
    for n in range(3):
        assert deliver(server, f"before-{n}").startswith("250")
        kept.append(f"before-{n}")
    begin()
    smtp, imap = [], []
    with login(server) as c:
        for n in range(400):
            if n and smtp[-1].startswith("4") and imap[-1].startswith("b NO"):
                break  # what was set aside before is used up
            smtp.append(deliver(server, f"full-s{n}"))
            imap.append(append(c, f"full-i{n}"))
            kept += [f"full-s{n}"] * smtp[-1].startswith("250") + [f"full-i{n}"] * imap[-1].startswith("b OK")
        # it goes on reading
        assert c.imap("e", "EXAMINE INBOX")[-1].startswith("e OK")
        assert "before-0" in str(c.imap("f", "FETCH 1 BODY.PEEK[HEADER]"))
    for reply in smtp:
        assert reply.startswith(("250", "452 4.3.1")), smtp
    for reply in imap:
        assert reply.startswith(("b OK", "b NO [UNAVAILABLE]")), imap
    assert smtp[-1].startswith("452") and imap[-1].startswith("b NO"), (smtp, imap)
    log = server.log.read_text(errors="replace")
    assert "store.full" in log, log[-2000:]
    pid = child_of(server)
    end()
    seconds = again(lambda: deliver(server, "after-s"), "SMTP after the disk had room again")
    with login(server) as c:
        again(lambda: append(c, "after-i"), "APPEND after the disk had room again")
    assert child_of(server) == pid, "the serving process died"
    kept += ["after-s", "after-i"]
    there = subjects(server)
    missing = [t for t in kept if t not in there]
    assert not missing and len(set(there)) == len(there), (missing, there)
    server.stop()
    server.start()
    assert subjects(server) == there
    print(f"   taken again after {seconds:.1f} s")


def full_disk(engine, **options):
    with small_disk(96) as disk:
        ballast = disk / "data" / "ballast"
        with served(engine=engine, folder=disk, **options) as server:
            full_and_over(server, lambda: fill(ballast), ballast.unlink)


@test
def full_disk_rocksdb():
    full_disk("rocksdb")


@test
def full_disk_sqlite():
    full_disk("sqlite")


@test
def full_disk_files():
    full_disk("sqlite", blob="filesystem")


def limit(server, what, soft):
    pid = child_of(server)
    hard = resource.prlimit(pid, what)[1]
    resource.prlimit(pid, what, (soft if soft is not None else hard, hard))


def file_limit(engine):
    """RLIMIT_FSIZE, as a quota is: needs no root."""
    with served(engine=engine) as server:
        full_and_over(server, lambda: limit(server, resource.RLIMIT_FSIZE, 150_000),
                      lambda: limit(server, resource.RLIMIT_FSIZE, None))


@test
def file_limit_rocksdb():
    file_limit("rocksdb")


@test
def file_limit_sqlite():
    file_limit("sqlite")


def open_many(server, n, doors=("smtp",)):
    """Connections, and how many were greeted, refused with the protocol's words, closed without."""
    made, told = [], {"2": 0, "4": 0, "": 0}
    for k in range(n):
        c = Line(server.port[doors[k % len(doors)]], 5)
        made.append(c)
        try:
            told[c.line()[:1]] += 1
        except OSError:
            told[""] += 1
    return made, told


@test
def fewer_descriptors_than_connections():
    """Known at the start: fewer connections are taken, the others hear so, and all the rest works."""
    folder = Path(tempfile.mkdtemp(prefix="veredus-test-"))
    server = Server(settings=["server.user="], folder=folder)
    wrapper = folder / "few"
    wrapper.write_text(f'#!/bin/sh\nulimit -n 400\nexec {server.binary} "$@"\n')
    wrapper.chmod(0o755)
    server.binary = wrapper
    try:
        server.start()
        assert "server.few-descriptors" in server.log.read_text(), server.tail()
        server.add_domain(DOMAIN)
        server.add_account(ANN, PASSWORD)
        made, told = open_many(server, 250)
        assert told["2"] == 200 and told["4"] == 50, told
        made[0].smtp("EHLO c.example")
        for c in made:
            c.close()
        again(lambda: deliver(server, "after", 700_000), "SMTP after the crowd")
        assert "accept-failed" not in server.log.read_text()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def no_descriptors(engine):
    """Against all care none is left: who comes is sent away, who is there is served, and it passes."""
    with served(engine=engine) as server:
        pid = child_of(server)
        assert deliver(server, "before-0").startswith("250")
        with smtp_session(server) as there, login(server) as reader:
            used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
            limit(server, resource.RLIMIT_NOFILE, used + 6)
            made, told = open_many(server, 40)
            assert told["2"] in range(1, 8) and told["4"] + told[""] >= 32, told
            assert "accept-failed" in server.log.read_text(), server.tail()
            kept, replies = ["before-0"], []
            for n in range(4):
                replies.append(there.smtp("MAIL FROM:<x@far.example>"))
                replies.append(there.smtp(f"RCPT TO:<{ANN}>"))
                if replies[-1].startswith("250") and there.smtp("DATA").startswith("354"):
                    there.send(bulky(f"short-{n}", 900_000))
                    replies.append(there.smtp("\r\n."))
                    kept += [f"short-{n}"] * replies[-1].startswith("250")
                there.smtp("RSET")
            assert all(r[0] in "24" for r in replies), replies
            assert reader.imap("n", "NOOP")[-1].startswith("n OK")
            for c in made:
                c.close()
            limit(server, resource.RLIMIT_NOFILE, None)
        seconds = again(lambda: deliver(server, "after", 900_000), "SMTP with descriptors again")
        assert child_of(server) == pid, "the serving process died"
        there = subjects(server)
        assert not [t for t in kept + ["after"] if t not in there], (kept, there)
        print(f"   {told}, taken again after {seconds:.1f} s")


@test
def no_descriptors_rocksdb():
    no_descriptors("rocksdb")


@test
def no_descriptors_sqlite():
    no_descriptors("sqlite")


@test
def no_address_space():
    """RLIMIT_AS: large requests are refused, or the process starts again; what was acknowledged is there."""
    with served(settings=["smtp.max-message-size=50MB"]) as server:
        kept, replies = [], []
        with login(server) as c:
            assert append(c, "before").startswith("b OK")
        kept.append("before")
        pid = child_of(server)
        size = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
        limit(server, resource.RLIMIT_AS, size + (16 << 20))
        for n in range(3):
            try:
                with login(server) as c:
                    replies.append(append(c, f"large-{n}", 24_000_000))
                    kept += [f"large-{n}"] * replies[-1].startswith("b OK")
            except (OSError, AssertionError) as e:
                replies.append(repr(e)[:80])
        assert any(not r.startswith("b OK") for r in replies), "the limit was not felt"
        limit(server, resource.RLIMIT_AS, None)

        def one():
            try:
                return deliver(server, "after")
            except OSError as e:
                return repr(e)

        again(one, "SMTP with memory again")
        there = subjects(server)
        assert not [t for t in kept + ["after"] if t not in there], (kept, there)
        died = child_of(server) != pid
        print(f"   {[r[:30] for r in replies]}, {'started again' if died else 'lived on'}")
        server.log.write_text("")  # that the process may end is allowed here


main()
