# drain.py: SIGTERM under load: transactions end with their reply, idle clients hear it, nobody new comes in, nothing is lost.
import random
import re
import signal
import socket
import threading
import time

from harness import DOMAIN, SLOW, Line, imap_session, main, message, serve, smtp_session, test

ANN = f"ann@{DOMAIN}"


def start(drain):
    return serve(settings=[f"server.drain={drain}"])


def end(server, seconds):
    """Waits for the process's end; seconds it took."""
    began = time.monotonic()
    code = server.process.wait(seconds * SLOW)
    assert code == 0, code
    assert not server.crashed(), server.crashed()
    return time.monotonic() - began


def refused(server):
    until = time.monotonic() + 2 * SLOW
    for door in ("smtp", "imap", "lmtp", "http"):
        while True:
            with socket.socket() as s:
                s.settimeout(2)
                if s.connect_ex(("127.0.0.1", server.port[door])) != 0:
                    break
            assert time.monotonic() < until, f"{door} is still open"


def tokens(server, user="ann"):
    with imap_session(server, user) as c:
        c.imap("a1", "SELECT INBOX")
        found = [re.match(r"token (\S+)", line) for line in c.imap("a2", "FETCH 1:* BODY.PEEK[TEXT]")]
        return [m[1] for m in found if m]


def begin(server, door="smtp"):
    c = Line(server.port[door])
    assert c.smtp().startswith("220")
    assert c.smtp("LHLO x" if door == "lmtp" else "EHLO x").startswith("250")
    assert c.smtp("MAIL FROM:<x@far.example>").startswith("250")
    assert c.smtp(f"RCPT TO:<{ANN}>").startswith("250")
    return c


class Load:
    """Clients that deliver as fast as they get answers, until they are sent away."""

    def __init__(self, server, n=6):
        self.taken, self.last, self.faults = set(), [], []
        self.threads = [threading.Thread(target=self.run, args=(server, ("smtp", "lmtp")[i % 2])) for i in range(n)]
        for t in self.threads:
            t.start()
        until = time.monotonic() + 20 * SLOW
        while len(self.taken) < 50:
            assert time.monotonic() < until and not self.faults, self.faults
            time.sleep(0.01)

    def run(self, server, door):
        try:
            with begin(server, door) as c:
                c.smtp("RSET")
                while self.deliver(c):
                    pass
        except Exception as e:
            self.faults.append(e)

    def step(self, c, text):
        said = c.smtp(text)
        if not said.startswith(("250", "354")):
            self.last.append(said)
            return False
        return True

    def deliver(self, c):
        token = f"d{random.getrandbits(64):x}"
        body = message(token, size=random.choice((100, 3000, 60000)), token=token).decode()
        if not all(self.step(c, text) for text in ("MAIL FROM:<x@far.example>", f"RCPT TO:<{ANN}>", "DATA")):
            return False
        if not self.step(c, body + "\r\n."):
            return False
        self.taken.add(token)
        return True

    def join(self):
        for t in self.threads:
            t.join(30 * SLOW)
        assert not self.faults, self.faults[:3]


def half(c, token, command, size=200_000):
    """Begins a message, and sends one half of it; the other half."""
    text = message(token, size=size, token=token)
    c.send(command.replace("SIZE", str(len(text))))
    if command.startswith("DATA"):
        assert c.smtp().startswith("354")
    c.send(text[: len(text) // 2])
    return text[len(text) // 2 :]


@test
def all_that_runs_ends_with_its_reply():
    server = start("30s")
    try:
        load = Load(server)
        open_ones = []  # (client, what it sends yet, what it must hear)
        for i, door in enumerate(("smtp", "lmtp", "smtp")):
            c = begin(server, door)
            rest = half(c, f"data{i}", "DATA\r\n") + b"\r\n.\r\n"
            open_ones.append((c, rest, ("250", "421 4.3.2")))
        c = begin(server)
        rest = half(c, "bdat", "BDAT SIZE LAST\r\n")
        open_ones.append((c, rest, ("250", "421 4.3.2")))
        c = begin(server)
        text = message("chunks", token="chunks")
        c.send(b"BDAT %d\r\n" % len(text) + text)
        assert c.smtp().startswith("250")
        open_ones.append((c, b"BDAT 10 LAST\r\n0123456789", ("250", "421 4.3.2")))
        open_ones.append((begin(server), b"DATA\r\n" + message("late", token="late") + b"\r\n.\r\n", ("354", "250", "421 4.3.2")))
        c = imap_session(server)
        rest = half(c, "append", "a1 APPEND INBOX {SIZE+}\r\n") + b"\r\n"
        open_ones.append((c, rest, ("a1 OK", "* BYE")))
        c = imap_session(server)
        c.send(b"a1 APPEND INBOX {100+}\r\n" + b"x" * 99)
        open_ones.append((c, b"x\r\n", ("a1 OK", "* BYE")))
        readers = [imap_session(server) for _ in range(3)]
        for c in readers:
            c.imap("a1", "SELECT INBOX")
            c.send("a2 FETCH 1:* BODY.PEEK[]\r\n")
        idle = [imap_session(server) for _ in range(4)]
        for c in idle[:2]:
            c.imap("a1", "SELECT INBOX")
            c.send("a2 IDLE\r\n")
            assert c.line().startswith("+")
        mail = [smtp_session(server) for _ in range(4)]
        bare = [Line(server.port["imaps"]), Line(server.port["http"])]

        server.process.send_signal(signal.SIGTERM)
        refused(server)
        for c in mail:
            assert c.smtp().startswith("421 4.3.2") and c.line() == ""
        for c in idle:
            line = c.line()
            while line.startswith("*") and "BYE" not in line:
                line = c.line()
            assert line.startswith("* BYE [UNAVAILABLE]") and c.line() == "", line
        for c in bare:
            try:
                assert c.line() == ""
            except ConnectionResetError:
                pass  # it was not taken off the listener's queue yet
        for c in readers:
            lines = [line.rstrip(b"\r\n") for line in c.file]
            assert lines[-2].startswith(b"a2 OK") and lines[-1].startswith(b"* BYE"), lines[-2:]
        assert server.process.poll() is None, "transactions are open"
        for c, rest, heard in open_ones:
            c.send(rest)
            for want in heard:
                line = c.line()
                assert line.startswith(want), (rest[:30], want, line)
            assert c.line() == ""
        load.join()
        assert all(said.startswith("421 4.3.2") for said in load.last), load.last
        assert end(server, 10) < 10 * SLOW
        assert "server.cut-off" not in server.log.read_text()
        server.start()
        there = tokens(server)
        more = {"data0", "data1", "data2", "bdat", "chunks", "late", "append"}
        lost = (load.taken | more) - set(there)
        assert not lost, f"{len(lost)} lost: {list(lost)[:5]}"
        assert len(there) == len(set(there)), "doubled"
    finally:
        server.__exit__()


@test
def the_end_of_the_time_cuts_off():
    server = start("1s")
    try:
        load = Load(server)
        c, d = begin(server), imap_session(server)
        half(c, "cut", "DATA\r\n")
        half(d, "cut", "a1 APPEND INBOX {SIZE+}\r\n")
        server.process.send_signal(signal.SIGTERM)
        took = end(server, 8)
        assert took > 0.9, took
        load.join()
        assert "server.cut-off" in server.log.read_text()
        server.start()
        there = tokens(server)
        assert not load.taken - set(there) and "cut" not in there
    finally:
        server.__exit__()


@test
def a_second_signal_cuts_off():
    server = start("10m")
    try:
        load = Load(server)
        c = begin(server)
        half(c, "cut", "DATA\r\n")
        server.process.send_signal(signal.SIGTERM)
        refused(server)
        load.join()  # those who had their reply were sent away; the other one is waited for
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGTERM)
        end(server, 8)
        server.start()
        there = tokens(server)
        assert not load.taken - set(there) and "cut" not in there
    finally:
        server.__exit__()


main()
