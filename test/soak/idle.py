# idle.py: 8,192 sessions in IDLE: what each costs, what those over the limit hear, and how soon all hear of a delivery.
import os
import re
import resource
import select
import signal
import socket
import ssl
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))
from harness import DOMAIN, PASSWORD, SLOW, main, message, serve, smtp_session, test  # noqa: E402

from figures import child_of, load_accounts, memory  # noqa: E402

SESSIONS = int(os.environ.get("VEREDUS_SESSIONS", "8192"))
ACCOUNTS = 64
MORE = 64  # over the limit, and told so
TLS_KIB, PLAIN_KIB = 20, 4
HEARD_S = 1.0
CLIENTS = 2  # processes that hold the sessions


def kernel_kib():
    """Of all sockets' buffers, and of the kernel's own structures, on this machine."""
    text = Path("/proc/meminfo").read_text()
    pages = int(re.search(r"^TCP: .* mem (\d+)", Path("/proc/net/sockstat").read_text(), re.M).group(1))
    return pages * 4 + int(re.search(r"^Slab: +(\d+)", text, re.M).group(1))


class Session:
    def __init__(self, port, context, name):
        self.sock = socket.create_connection(("127.0.0.1", port), 120 * SLOW)
        if context:
            self.sock = context.wrap_socket(self.sock)
        assert self.until(b"* ").startswith(b"* OK")
        self.ask(f'a LOGIN {name}@{DOMAIN} "{PASSWORD}"')
        self.ask("b SELECT INBOX")
        self.sock.sendall(b"c IDLE\r\n")
        self.until(b"+ ")

    def until(self, start):
        got = b""
        while not (got.endswith(b"\r\n") and got[:-2].rpartition(b"\r\n")[2].startswith(start)):
            more = self.sock.recv(16384)
            assert more, "closed"
            got += more
        return got

    def ask(self, line):
        self.sock.sendall(line.encode() + b"\r\n")
        done = self.until(line[:2].encode())
        assert b" OK" in done, done


def tls():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def hold(port, secure, share, out, go):
    """In a process of its own. Says R when all sessions idle; after each octet it is sent it waits until all hear of mail,
    and says so."""
    context = tls() if secure else None
    sessions = [Session(port, context, f"u{(share + i * CLIENTS) % ACCOUNTS:02d}") for i in range(SESSIONS // CLIENTS)]
    poll = select.epoll(len(sessions))
    for s in sessions:
        s.sock.setblocking(False)
        poll.register(s.sock, select.EPOLLIN)
    by_fd = {s.sock.fileno(): s for s in sessions}
    os.write(out, b"R\n")
    while os.read(go, 1):
        silent = dict.fromkeys(by_fd, b"")
        while silent:
            events = poll.poll(30 * SLOW)
            assert events, f"{len(silent)} sessions heard nothing"
            for fd, _ in events:
                try:
                    more = by_fd[fd].sock.recv(4096)
                except (ssl.SSLWantReadError, BlockingIOError):
                    continue
                assert more, "closed"
                if fd in silent:
                    silent[fd] += more
                    if b" EXISTS\r\n" in silent[fd]:
                        del silent[fd]
        os.write(out, b"heard\n")


class Holder:
    def __init__(self, *args):
        out, self.go = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.go[1])
                hold(*args, out[1], self.go[0])
                os._exit(0)
            except BaseException as e:
                print(f"# a client: {e!r}", flush=True)
                os._exit(1)
        os.close(out[1])
        os.close(self.go[0])
        self.lines = os.fdopen(out[0])

    def line(self):
        line = self.lines.readline().strip()
        assert line, "a client has ended"
        return line

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def deliver(c):
    """One message to each account."""
    assert c.smtp("MAIL FROM:<x@far.example>").startswith("250")
    for i in range(ACCOUNTS):
        assert c.smtp(f"RCPT TO:<u{i:02d}@{DOMAIN}>").startswith("250")
    assert c.smtp("DATA").startswith("354")
    c.send(message("to all"))
    assert (line := c.smtp(".")).startswith("250"), line


def over_the_limit(server, secure):
    """The next ones are told, each in its turn, and all at once; past that connections are closed."""
    port, told = server.port["imaps" if secure else "imap"], 0
    many = [socket.create_connection(("127.0.0.1", port), 30 * SLOW) for _ in range(MORE)]
    context = tls()
    time.sleep(0.2)  # all are taken before the first one is done
    last = socket.create_connection(("127.0.0.1", port), 30 * SLOW)
    try:
        over = last.recv(1)
    except ConnectionError:
        over = b""
    if secure:
        assert over == b"", f"{over} for the one past them"
    for s in many:
        with (context.wrap_socket(s) if secure else s) as c:
            told += c.makefile("rb").readline().startswith(b"* BYE [UNAVAILABLE]")
    last.close()
    assert told == MORE, f"{told} of {MORE} heard BYE"


def idle(secure, most_kib):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    server = serve(settings=[f"server.max-connections={SESSIONS + 1}"])
    holders = []
    try:
        load_accounts(server, [f"u{i:02d}" for i in range(ACCOUNTS)], DOMAIN)
        server.stop()
        server.start()
        child = child_of(server)
        sender = smtp_session(server)  # has the one place that is left
        time.sleep(2)
        before, kernel = memory(server), kernel_kib()
        began = time.monotonic()
        holders = [Holder(server.port["imaps" if secure else "imap"], secure, k) for k in range(CLIENTS)]
        assert all(h.line() == "R" for h in holders)
        took = time.monotonic() - began
        time.sleep(5)
        each = (memory(server) - before) / 1024 / SESSIONS
        kernels = (kernel_kib() - kernel) / SESSIONS
        over_the_limit(server, secure)
        waits = []
        for _ in range(3):
            for h in holders:
                os.write(h.go[1], b"g")
            time.sleep(0.1)
            began = time.monotonic()
            deliver(sender)
            assert all(h.line() for h in holders)
            waits.append(time.monotonic() - began)
        print(f"# {SESSIONS} sessions {'with TLS' if secure else 'plain'} in {took:.1f} s: {each:.2f} KiB each (PSS over the idle "
              f"server), and {kernels:.1f} KiB of the kernel's for both ends; a delivery to all is heard after "
              f"{max(waits):.2f} s at most", flush=True)
        assert child_of(server) == child, "the serving process died"
        assert each <= most_kib, f"{each:.2f} KiB a session"
        assert max(waits) < HEARD_S * SLOW, waits
    finally:
        for h in holders:
            h.end()
        server.__exit__()


@test
def idle_with_tls():
    idle(True, TLS_KIB)


@test
def idle_plain():
    idle(False, PLAIN_KIB)


if __name__ == "__main__":
    main()
