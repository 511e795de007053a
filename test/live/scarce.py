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
from server import Server  # noqa: E402

ANN = f"ann@{DOMAIN}"
PATIENCE = 30 * SLOW


def child_of(pid):
    """The serving process, once it is there."""
    for _ in range(500):
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                    return int(stat.parent.name)
            except OSError:
                pass
        time.sleep(0.01)
    raise AssertionError("no child")


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
    pid = child_of(server.process.pid)
    end()
    seconds = again(lambda: deliver(server, "after-s"), "SMTP after the disk had room again")
    with login(server) as c:
        again(lambda: append(c, "after-i"), "APPEND after the disk had room again")
    assert child_of(server.process.pid) == pid, "the serving process died"
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
    pid = child_of(server.process.pid)
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


main()
