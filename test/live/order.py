# order.py: No reply before its flush returned: strace tells the order of system calls.
import re
import subprocess
from contextlib import contextmanager

from harness import DOMAIN, Skip, imap_session, main, message, needs, serve, smtp_session, test

ANN = f"ann@{DOMAIN}"
CALLS = "trace=write,writev,send,sendto,sendmsg,pwrite64,pwritev,fdatasync,fsync,sync_file_range"
# it becomes the server, and a grandchild traces: allowed where one may not attach to strangers
STRACE = ["strace", "-D", "-f", "-y", "-tt", "-s", "4000", "-e", CALLS]


@contextmanager
def traced():
    """A server under strace from its first call on; its lines are in the list once the block has ended."""
    needs("strace")
    may = subprocess.run(STRACE + ["-o", "/dev/null", "true"], capture_output=True, text=True)
    if may.returncode:
        raise Skip(f"this machine forbids to trace: {may.stderr.strip()}")
    server, lines = serve(under=[*STRACE, "-o", "%{folder}/strace"]), []
    try:
        yield server, lines
        server.stop()
        lines += (server.folder / "strace").read_text(errors="replace").splitlines()
        assert not server.crashed(), server.crashed()
    finally:
        server.__exit__()


def flushed_at(lines):
    """Numbers of the lines where a flush has returned."""
    return [n for n, line in enumerate(lines)
            if re.search(r"(fdatasync|fsync)(\(.*\) +=|.*resumed>.*= 0)", line) and "unfinished" not in line]


SENT = re.compile(r"(write|writev|send|sendto|sendmsg)\(\d+<(socket|TCP)")


def check(lines, answered, count):
    """Between two replies, and before the first, there is a flush that returned."""
    assert len(answered) == count, f"{len(answered)} replies seen, not {count}"
    flushes, before = flushed_at(lines), 0
    for n in answered:
        assert any(before <= f < n for f in flushes), f"no flush returned before: {lines[n]}"
        before = n


def after_354(lines):
    """The first thing that is sent after each 354."""
    found, is_due = [], False
    for n, line in enumerate(lines):
        if not SENT.search(line):
            continue
        if is_due:
            found.append(n)
        is_due = '"354 ' in line
    return found


def tagged(lines, letter):
    return [n for n, line in enumerate(lines) if SENT.search(line) and re.search(letter + r"\d+ OK", line)]


@test
def smtp_250_follows_its_flush():
    with traced() as (server, lines), smtp_session(server) as c:
        for i in range(10):
            c.smtp("MAIL FROM:<x@far.example>")
            c.smtp(f"RCPT TO:<{ANN}>")
            c.smtp("DATA")
            c.send(message(f"order {i}", size=5000))
            assert c.smtp("\r\n.").startswith("250")
            c.smtp("NOOP")
    check(lines, after_354(lines), 10)


@test
def imap_ok_follows_its_flush():
    with traced() as (server, lines), imap_session(server) as c:
        c.imap("s", "SELECT INBOX")
        for i in range(10):
            body = message(f"append {i}", size=3000)
            c.send(f"t{i} APPEND INBOX {{{len(body)}+}}\r\n".encode() + body + b"\r\n")
            while not c.line().startswith(f"t{i} OK"):
                pass
        for i in range(10):
            c.imap(f"u{i}", f"UID STORE 1:* +FLAGS (k{i})")
    check(lines, tagged(lines, "t"), 10)
    check(lines, tagged(lines, "u"), 10)


if __name__ == "__main__":
    main()
