# harness.py: What the live tests share: named tests, their count, a server with a domain and accounts, a sink.
import base64
import os
import random
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from server import SLOW, Server  # noqa: E402

TESTS = []
DOMAIN, PASSWORD = "example.org", "correct horse"


class Skip(Exception):
    """This machine lacks what the test needs."""


def test(f):
    TESTS.append(f)
    return f


def needs(*programs):
    for p in programs:
        if not shutil.which(p):
            raise Skip(f"{p} is not installed")


def main(start=None):
    """Runs the tests of the file in order; those named on the command line, if any. Prints what tools/test counts."""
    server = start() if start else None
    try:
        run_all(server)
    finally:
        if server:
            server.__exit__()


def run_all(server):
    words = sys.argv[1:]
    for f in TESTS:
        if words and not any(w in f.__name__ for w in words):
            continue
        began = time.monotonic()
        try:
            f(server) if server else f()
            print(f"ok {f.__name__} # {time.monotonic() - began:.2f} s", flush=True)
        except Skip as e:
            print(f"skip {f.__name__}: {e}", flush=True)
        except Exception as e:
            print(f"not ok {f.__name__}: {e!r}", flush=True)
            traceback.print_exc(limit=4, file=sys.stdout)
    if server and (report := server.crashed()):
        print(f"not ok nothing_died: {report[:1500]}", flush=True)


def run(*command, stdin=None, env=None, code=0):
    done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True, timeout=60, env=env)
    text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    assert done.returncode == code, f"exit {done.returncode}: {text[-1500:]}"
    return text


def serve(users=("ann", "bob"), under=(), journal=False, **options):
    """A started server with DOMAIN and accounts. `journal`: it is told that its log is the journal's."""
    settings = ["server.user=", *options.pop("settings", ())]
    server = Server(settings=settings, **options)
    if journal:
        server.log.touch()
        about = server.log.stat()
        server.env["JOURNAL_STREAM"] = f"{about.st_dev}:{about.st_ino}"
    server.start(under=[str(word).replace("%{folder}", str(server.folder)) for word in under])
    server.add_domain(DOMAIN)
    for u in users:
        server.add_account(f"{u}@{DOMAIN}", PASSWORD)
    return server


def rss(server):
    """Bytes resident, of the child (the biggest of the group)."""
    most = 0
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.getpgid(int(name)) == server.process.pid:
                kib = [line.split()[1] for line in Path(f"/proc/{name}/status").read_text().splitlines() if line.startswith("VmRSS")]
                most = max(most, int(kib[0]) * 1024 if kib else 0)
        except OSError:
            pass
    return most


def message(subject="hello", size=0, sender=f"bob@{DOMAIN}", to=f"ann@{DOMAIN}", token=""):
    """Bytes with CRLF line ends."""
    head = f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: Wed, 25 Nov 2026 08:00:00 +0000\r\n"
    head += f"Message-ID: <{token or subject}.{time.monotonic_ns()}@{DOMAIN}>\r\n\r\n"
    body = f"token {token}\r\n" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n" * (size // 64)
    return (head + body).encode()


WORDS = random.Random(7).randbytes(57 * 4096)  # 4096 lines that do not compress


def large(subject, size=100_000_000):
    """Pieces of a message of two parts: a text, and base64 that nobody has to understand."""
    head = f"From: <bob@{DOMAIN}>\r\nTo: <ann@{DOMAIN}>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@{DOMAIN}>\r\n"
    head += "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na large one\r\n--b\r\n"
    head += "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    yield head.encode()
    lines = b"".join(base64.b64encode(WORDS[i:i + 57]) + b"\r\n" for i in range(0, len(WORDS), 57))
    left, n = size - len(head), 0
    while left > len(lines) + 100:
        first = f"{n:076d}\r\n".encode()  # no two frames are the same
        yield first + lines[len(first):]
        left, n = left - len(lines), n + 1
    yield b"A" * (left % 76) + b"\r\n--b--\r\n"


class Watch:
    """The most memory that the server has while the block runs."""

    def __init__(self, server):
        self.server, self.most, self.done = server, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.done.wait(0.05):
            self.most = max(self.most, rss(self.server))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


class Line:
    """A plain client: bytes out, lines in."""

    def __init__(self, port, timeout=10):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout * SLOW)
        self.file = self.sock.makefile("rb")

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode())

    def line(self):
        return self.file.readline().decode(errors="replace").rstrip("\r\n")

    def smtp(self, text=None):
        """Sends a line, if any; the last line of the reply."""
        if text is not None:
            self.send(text + "\r\n")
        while True:
            line = self.line()
            if line[3:4] != "-":
                return line

    def imap(self, tag, text):
        """Sends a command; its lines, the tagged one last."""
        self.send(f"{tag} {text}\r\n")
        lines = []
        while raw := self.file.readline():
            lines.append(raw.decode(errors="replace").rstrip("\r\n"))
            if lines[-1].startswith(tag + " "):
                return lines
        raise ConnectionError(f"closed after {lines[-3:]}")

    def close(self):
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def smtp_session(server, door="smtp"):
    c = Line(server.port[door])
    assert c.smtp().startswith("220")
    assert c.smtp("EHLO client.example").startswith("250")
    return c


def imap_session(server, user="ann"):
    c = Line(server.port["imap"])
    assert c.line().startswith("* OK")
    done = c.imap("a0", f'LOGIN {user}@{DOMAIN} "{PASSWORD}"')
    assert done[-1].startswith("a0 OK"), done
    return c


class Sink(socketserver.ThreadingTCPServer):
    """A server elsewhere that takes every message; they are in .messages. `tls`: an SSLContext for STARTTLS, or "broken"."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, tls=None):
        self.messages, self.connections, self.tls, self.secured = [], 0, tls, 0
        super().__init__(("127.0.0.1", 0), SinkSession)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait(self, n, seconds=20):
        end = time.monotonic() + seconds * SLOW
        while len(self.messages) < n and time.monotonic() < end:
            time.sleep(0.02)
        return len(self.messages) >= n


class SinkSession(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def data(self):
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.messages.append(b"".join(lines))
        self.say("250 taken")

    def envelope(self, line):
        self.say("451 4.2.0 later" if line.startswith(b"RCPT") and b"<later@" in line else "250 ok")

    def start_tls(self):
        self.say("220 go on")
        if self.server.tls == "broken":
            self.say("no handshake")
            return
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
        self.server.secured += 1

    def handle(self):
        self.server.connections += 1
        self.say("220 sink.example ESMTP")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                offers = b"250-STARTTLS\r\n" if self.server.tls else b""
                self.wfile.write(b"250-sink.example\r\n" + offers + b"250 PIPELINING\r\n")
            elif word == b"STAR":
                self.start_tls()
                if self.server.tls == "broken":
                    return
            elif word == b"DATA":
                self.data()
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.envelope(line)


def environment(home):
    return dict(os.environ, HOME=str(home), LC_ALL="C.UTF-8", TERM="xterm")
