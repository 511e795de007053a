#!/usr/bin/env python3
# refused.py: Each request for memory of each command is refused in turn: a temporary failure, and nothing else.
import base64
import mmap
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))
from harness import DOMAIN, PASSWORD, Line, Server, main, message, test  # noqa: E402

WORDS = ("seed", "every", "at", "asked", "refused")  # of base/chaos.h
ANN, BOB = f"ann@{DOMAIN}", f"bob@{DOMAIN}"
MOST = 400  # requests of one command that are refused in turn


class Page:
    """The page that a chaos build shares with its test."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="veredus-chaos-")
        self.file.write(bytes(4096))
        self.file.flush()
        self.map = mmap.mmap(self.file.fileno(), 4096)

    def __getitem__(self, word):
        return struct.unpack_from("=Q", self.map, 8 * WORDS.index(word))[0]

    def __setitem__(self, word, n):
        struct.pack_into("=Q", self.map, 8 * WORDS.index(word), n)


def start():
    page = Page()
    server = Server(settings=["server.user=", "auth.delay=10ms", "pop3.lock=snapshot"], env={"VEREDUS_CHAOS_PAGE": page.file.name})
    if b"VEREDUS_CHAOS_PAGE" not in server.binary.read_bytes():
        sys.exit(f"{server.binary} is no chaos build")
    server.start()
    server.page = page
    server.add_domain(DOMAIN)
    for user in (ANN, BOB):
        server.add_account(user, PASSWORD)
    return server


class Gone(ConnectionError):
    """The server closed the connection."""


def imap(server, user=ANN, select=True):
    c = Line(server.port["imap"], 4)
    c.line()
    done = c.imap("l", f'LOGIN {user} "{PASSWORD}"')[-1]
    assert done.startswith("l OK"), done
    if select:
        assert c.imap("s", "SELECT INBOX")[-1].startswith("s OK")
    return c


def ask(c, text):
    """Lines of the answer to a command; (literal) octets follow a '+'."""
    lines = []
    pieces = text.split("\0")
    c.send("t " + pieces.pop(0) + "\r\n")
    while True:
        raw = c.file.readline()
        if not raw:
            raise Gone(lines[-2:])
        lines.append(raw.decode(errors="replace").rstrip("\r\n"))
        if lines[-1].startswith("+ ") and pieces:
            c.send(pieces.pop(0) + "\r\n")
        if lines[-1].startswith("t "):
            return lines


def verdict(line):
    """ok, or refused in passing; whatever else is wrong."""
    word = line.split()[1]
    if word == "OK":
        return "ok"
    assert word == "NO", line
    assert "[LIMIT]" in line or "[UNAVAILABLE]" in line or "[SERVERBUG]" in line, line
    return "refused"


class Sweep:
    """Refuses the 1st, 2nd, 3rd ... request for memory while `act` runs, until it asks for no more."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.counts = {"ok": 0, "refused": 0, "gone": 0, "wrong": 0}

    def each(self, act, most=MOST):
        page, quiet, wrong = self.server.page, 0, {}
        for n in range(1, most + 1):
            before = page["refused"]
            page["at"] = n
            try:
                got = act(n)
            except ConnectionError:
                got = "gone"
            except (TimeoutError, subprocess.TimeoutExpired):
                got, wrong["no answer"] = "wrong", n
            except AssertionError as e:
                got, wrong[str(e)[:300]] = "wrong", n
            finally:
                page["at"] = 0
            self.counts[got] += 1
            if report := self.server.crashed():
                raise AssertionError(f"{self.name}: died at request {n}: {report[:1500]}")
            quiet = quiet + 1 if page["refused"] == before else 0
            if quiet == 3:
                break
        print(f"   {self.name}: {n} requests, {self.counts}", flush=True)
        for what, last in wrong.items():
            print(f"   WRONG when request {last} is refused: {what}", flush=True)
        assert not wrong, self.name
        return self.counts


def deliver(server, to=ANN, size=0, subject="hello"):
    """One message by SMTP; the last reply."""
    with Line(server.port["smtp"]) as c:
        for text in (None, "EHLO c.example", "MAIL FROM:<x@far.example>", f"RCPT TO:<{to}>", "DATA",
                     message(subject, size).decode() + "\r\n."):
            reply = c.smtp(text)
            if not reply:
                raise Gone(text)
            if reply[0] not in "23":
                return reply
        return reply


def exists(server, user=ANN):
    with imap(server, user, select=False) as c:
        return int([l for l in ask(c, "EXAMINE INBOX") if l.endswith(" EXISTS")][0].split()[1])


READS = [
    "CAPABILITY", "NOOP", 'LIST "" *', 'LIST "" * RETURN (STATUS (MESSAGES UIDNEXT UNSEEN))', "STATUS INBOX (MESSAGES UNSEEN)",
    "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)", "FETCH 1:* (ENVELOPE BODYSTRUCTURE)", "FETCH 1:* BODY.PEEK[]",
    "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)] BODY.PEEK[1])", "FETCH 1:* ALL", "UID FETCH 1:* (MODSEQ PREVIEW)",
    "SEARCH ALL", "SEARCH SUBJECT hello", "SEARCH BODY token", "SEARCH RETURN (MIN MAX COUNT) UNSEEN",
    "SEARCH OR (FROM bob) (NOT SINCE 1-Jan-2020)", "SELECT INBOX", "NAMESPACE", "ID NIL", "ENABLE CONDSTORE",
]


def fill(server, n=3):
    for i in range(n):
        assert deliver(server, subject=f"hello {i}", size=9000 * (i % 2)).startswith("250")


@test
def imap_reads(server):
    """What is answered with OK is the same as without refusals."""
    fill(server)
    for command in READS:
        with imap(server) as c:
            whole = ask(c, command)
        assert verdict(whole[-1]) == "ok", whole[-1]
        session = [None]

        def act(_):
            session[0] = session[0] or imap_calm(server)
            try:
                lines = ask(session[0], command)
            except OSError:  # Gone, or late
                session[0] = None
                raise
            got = verdict(lines[-1])
            if got == "ok" and "HIGHESTMODSEQ" not in str(whole):
                assert lines == whole, f"{len(lines)} lines, not {len(whole)}: {lines[-3:]} is not {whole[-3:]}"
            return got

        Sweep(server, command).each(act)
        if session[0]:
            session[0].close()


def imap_calm(server, user=ANN):
    """A session that was made without refusals."""
    at, server.page["at"] = server.page["at"], 0
    c = imap(server, user)
    server.page["at"] = at
    return c


WRITES = [
    r"STORE 1:* +FLAGS (\Seen $Forwarded)", r"STORE 1:* -FLAGS.SILENT (\Seen)", "COPY 1:3 INBOX", "UID COPY 1:3 Other",
    "CREATE box%d", "RENAME box%d moved%d", "SUBSCRIBE box%d", "DELETE moved%d", "MOVE 1 Other", "EXPUNGE",
]


@test
def imap_writes(server):
    with imap(server) as c:
        ask(c, "CREATE Other")
    for command in WRITES:
        session = [None]

        def act(n):
            session[0] = session[0] or imap_calm(server)
            at, server.page["at"] = server.page["at"], 0
            if "box" in command and not command.startswith("CREATE"):
                ask(session[0], "CREATE box%d" % n)
            if command.startswith("DELETE"):
                ask(session[0], "CREATE moved%d" % n)
            if command in ("MOVE 1 Other", "EXPUNGE"):
                ask(session[0], "COPY 1 INBOX")
                ask(session[0], r"STORE 1 +FLAGS.SILENT \Deleted")
            server.page["at"] = at
            try:
                got = verdict(ask(session[0], command.replace("%d", str(n)))[-1])
            except OSError:
                session[0] = None
                raise
            return got

        Sweep(server, command).each(act, most=120)
        if session[0]:
            session[0].close()


@test
def imap_append(server):
    """OK means that it is there, NO that it is not."""
    before = exists(server)
    sweep = Sweep(server, "APPEND")
    body = message("appended", 9000).decode()

    def act(_):
        with imap_calm(server) as c:
            return verdict(ask(c, f"APPEND INBOX {{{len(body)}}}\0{body}")[-1])

    counts = sweep.each(act)
    now = exists(server)
    assert before + counts["ok"] <= now <= before + counts["ok"] + counts["gone"], (before, counts, now)


@test
def imap_login(server):
    def act(_):
        with Line(server.port["imap"]) as c:
            if not c.line():
                raise Gone("greeting")
            return verdict(ask(c, f'LOGIN {ANN} "{PASSWORD}"')[-1])

    Sweep(server, "LOGIN").each(act)


def taken(reply):
    if reply.startswith("2"):
        return "ok"
    assert reply.startswith("4"), reply
    return "refused"


@test
def smtp_delivery(server):
    """250 means that it is there, 4xx that it is not; never 5xx."""
    for size in (0, 9000, 90_000):
        before = exists(server)
        counts = Sweep(server, f"DATA of {size}").each(lambda _: taken(deliver(server, size=size)))
        now = exists(server)
        assert before + counts["ok"] <= now <= before + counts["ok"] + counts["gone"], (before, counts, now)
    with imap(server) as c:
        subjects = ask(c, "FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]")
        bodies = "\n".join(ask(c, "FETCH 1:* BODY.PEEK[]"))
    assert sum(l.startswith("Subject: ") for l in subjects) == now, "a record without its fields"
    assert bodies.count("\nSubject: ") == now, "a message without its head"


@test
def submission(server):
    plain = base64.b64encode(f"\0{ANN}\0{PASSWORD}".encode()).decode()

    def act(_):
        with Line(server.port["submission"]) as c:
            for text in (None, "EHLO c.example", f"AUTH PLAIN {plain}", f"MAIL FROM:<{ANN}>", f"RCPT TO:<{BOB}>", "DATA",
                         "Subject: x\r\n\r\nx\r\n."):
                reply = c.smtp(text)
                if not reply:
                    raise Gone(text)
                if reply[0] not in "23":
                    return taken(reply)
            return "ok"

    before = exists(server, BOB)
    counts = Sweep(server, "submission").each(act)
    now = exists(server, BOB)
    assert before + counts["ok"] <= now <= before + counts["ok"] + counts["gone"], (before, counts, now)


def pop3(server):
    c = Line(server.port["pop3"], 4)
    for text in (None, f"USER {ANN}", f"PASS {PASSWORD}"):
        line = pop3_ask(c, text, many=False)[0]
        assert pop3_verdict(line) == "ok", line
    return c


def pop3_ask(c, text, many):
    """Lines of an answer, of many lines when it is good."""
    if text is not None:
        c.send(text + "\r\n")
    lines = []
    while not lines or (many and lines[0].startswith("+OK") and lines[-1] != "."):
        raw = c.file.readline()
        if not raw:
            raise Gone(lines[-2:])
        lines.append(raw.decode().removesuffix("\r\n"))
    return lines


def pop3_verdict(line):
    if line.startswith("+OK"):
        return "ok"
    assert line.startswith("-ERR [SYS/TEMP] "), line
    return "refused"


POP3_READS = [("CAPA", True), ("STAT", False), ("LIST", True), ("UIDL", True), ("LIST 1", False), ("RETR 1", True),
              ("RETR 2", True), ("TOP 2 3", True), ("DELE 1", False), ("LANG", True)]


@test
def pop3_reads(server):
    """What is answered with +OK is the same as without refusals."""
    fill(server)
    for command, many in POP3_READS:
        session = [None]
        with pop3(server) as c:
            whole = pop3_ask(c, command, many)

        def act(_):
            at, server.page["at"] = server.page["at"], 0
            session[0] = session[0] or pop3(server)
            pop3_ask(session[0], "RSET", many=False)
            server.page["at"] = at
            try:
                lines = pop3_ask(session[0], command, many)
            except OSError:  # Gone, or late
                session[0].close()
                session[0] = None
                raise
            if (got := pop3_verdict(lines[0])) == "ok":
                assert lines == whole, f"{len(lines)} lines, not {len(whole)}: {lines[-3:]} is not {whole[-3:]}"
            return got

        Sweep(server, f"POP3 {command}").each(act, most=60)
        if session[0]:
            session[0].close()


@test
def pop3_login_and_quit(server):
    """QUIT's +OK means that the message is gone, -ERR that it is not."""
    fill(server, 60)
    before = exists(server)

    def act(_):
        with Line(server.port["pop3"]) as c:
            for text in (None, f"USER {ANN}", f"PASS {PASSWORD}", "DELE 1", "QUIT"):
                line = pop3_ask(c, text, many=False)[0]
                if pop3_verdict(line) != "ok":
                    return "refused"
        return "ok"

    counts = Sweep(server, "POP3 QUIT").each(act, most=60)
    now = exists(server)
    assert before - counts["ok"] - counts["gone"] <= now <= before - counts["ok"], (before, counts, now)


@test
def http(server):
    for path in ("/health", "/healthz/ready", "/api/telemetry/metrics/live?metrics=x"):
        def act(_):
            with Line(server.port["http"]) as c:
                c.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                line = c.line()
                if not line:
                    raise Gone(path)
                code = line.split()[1]
                assert code in ("200", "401", "500", "503"), line
                return "refused" if code[0] == "5" else "ok"

        Sweep(server, path).each(act)


@test
def control(server):
    """The command line has the whole answer, or fails."""
    for words in (["status", "--json"], ["domain", "list", "--json"], ["account", "show", ANN, "--json"],
                  ["queue", "list", "--json"]):
        command = [server.binary, "--config", server.config, "--data", server.data, *words]

        def act(_):
            done = subprocess.run(command, capture_output=True, text=True, timeout=30)
            if done.returncode == 0 and words[0] != "status":
                assert done.stdout == whole, f"{done.stdout} is not {whole}"
            assert done.returncode in (0, 1), done
            return "ok" if done.returncode == 0 else "refused"

        whole = subprocess.run(command, capture_output=True, text=True, timeout=30).stdout
        Sweep(server, " ".join(words)).each(act, most=60)


@test
def all_at_once(server):
    """By chance and under load; what was acknowledged is there after it, also when the server is started again."""
    acknowledged, lock, end = [], threading.Lock(), 0

    def work(k):
        n = 0
        while time.monotonic() < end:
            token = f"chance-{k}-{n}"
            n += 1
            try:
                if k % 2:
                    ok = deliver(server, BOB, subject=token).startswith("2")
                else:
                    body = message(token).decode()
                    with imap(server, BOB, select=False) as c:
                        ok = verdict(ask(c, f"APPEND INBOX {{{len(body)}}}\0{body}")[-1]) == "ok"
            except (ConnectionError, AssertionError, IndexError):
                continue
            if ok:
                with lock:
                    acknowledged.append(token)

    for seed in (1, 2, 3):
        server.page["seed"] = seed
        server.page["every"] = 200
        threads = [threading.Thread(target=work, args=(4 * seed + k,)) for k in range(4)]
        end = time.monotonic() + 4
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        server.page["every"] = 0
    server.stop()
    server.start()
    with imap(server, BOB) as c:
        there = "\n".join(ask(c, "FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]"))
    lost = [t for t in acknowledged if f"Subject: {t}\n" not in there]
    print(f"   {len(acknowledged)} acknowledged, {server.page['refused']} requests refused")
    bare = [l for l in re.findall(r"\* \d+ FETCH[^*]*", there) if "Subject: " not in l]
    assert acknowledged and not lost, f"lost: {lost[:5]}; without a subject: {bare[:5]}"


main(start)
