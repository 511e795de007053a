# crash.py: kill -9 under load: nothing acknowledged is lost or doubled, no UID is used twice, back in under a second.
import os
import random
import re
import threading
import time

from harness import DOMAIN, SLOW, Line, imap_session, main, message, serve, smtp_session, test

ROUNDS = int(os.environ.get("VEREDUS_KILLS", "5"))  # the long form: 200


class Load:
    """Clients that deliver and append as fast as they get answers, until the server dies under them."""

    def __init__(self, server):
        self.server, self.lock = server, threading.Lock()
        self.delivered, self.appended, self.gone = set(), {}, set()  # tokens; uid: token; uids that were expunged
        self.problems = []

    def run(self, seconds):
        self.until = time.monotonic() + seconds + 5
        self.threads = [threading.Thread(target=self.guard, args=(f,)) for f in (self.deliver,) * 4 + (self.append,) * 2]
        for t in self.threads:
            t.start()
        time.sleep(seconds)
        self.server.kill()
        for t in self.threads:
            t.join()

    def guard(self, f):
        try:
            f()
        except (OSError, AssertionError, IndexError):
            pass  # the server is gone

    def deliver(self):
        with smtp_session(self.server) as c:
            while time.monotonic() < self.until:
                token = f"d{random.getrandbits(64):x}"
                c.smtp("MAIL FROM:<x@far.example>")
                c.smtp(f"RCPT TO:<ann@{DOMAIN}>")
                c.smtp("DATA")
                c.send(message(token, size=random.choice((100, 3000, 60000)), token=token))
                if not c.smtp("\r\n.").startswith("250"):
                    return
                with self.lock:
                    self.delivered.add(token)

    def append(self):
        with imap_session(self.server, "bob") as c:
            c.imap("s", "SELECT INBOX")
            while time.monotonic() < self.until:
                token = f"a{random.getrandbits(64):x}"
                body = message(token, size=2000, token=token)
                c.send(f"t APPEND INBOX {{{len(body)}+}}\r\n".encode() + body + b"\r\n")
                while not (line := c.line()).startswith("t "):
                    if not line:
                        return
                uid = int(re.search(r"APPENDUID \d+ (\d+)", line).group(1))
                with self.lock:
                    if uid in self.appended or uid in self.gone:
                        self.problems.append(f"UID {uid} was given twice")
                    self.appended[uid] = token
                if random.random() < 0.2:
                    self.expunge(c, uid)

    def expunge(self, c, uid):
        """From the moment it is asked for it may be gone; when it is answered it must be."""
        with self.lock:
            token = self.appended.pop(uid)
            self.gone.add(uid)
        c.imap("x", f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
        if c.imap("y", f"UID EXPUNGE {uid}")[-1].startswith("y OK"):
            with self.lock:
                self.delivered.add("-" + token)


def tokens(server, user):
    """UID and token of all that is there."""
    with imap_session(server, user) as c:
        c.imap("s", "EXAMINE INBOX")
        text = "\n".join(c.imap("f", "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
    return [(int(u), t) for u, t in re.findall(r"FETCH \(.*?UID (\d+).*?\n?Subject: ([ad][0-9a-f]+)", text, re.S)]


def examine(load):
    ann, bob = tokens(load.server, "ann"), tokens(load.server, "bob")
    there = [t for _, t in ann]
    lost = {t for t in load.delivered if t[0] == "d"} - set(there)
    assert not lost, f"{len(lost)} acknowledged messages are lost, of {len(load.delivered)}"
    assert len(there) == len(set(there)), "a message is there twice"
    now = dict(bob)
    for uid, token in load.appended.items():
        assert now.get(uid) == token, f"UID {uid} is {now.get(uid)}, was acknowledged as {token}"
    back = [t for t in now.values() if "-" + t in load.delivered]
    assert not back, f"{len(back)} expunged messages came back"
    assert not load.problems, load.problems


def listening(server):
    """Seconds until the doors of mail answer."""
    began = time.monotonic()
    server.wait_listening()
    for port in (server.port["smtp"], server.port["imap"]):
        while time.monotonic() - began < 10 * SLOW:
            try:
                Line(port).close()
                break
            except OSError:
                time.sleep(0.005)
    return time.monotonic() - began


def kill_again_and_again(engine):
    server = serve(engine=engine)
    waits = []
    try:
        load = Load(server)
        for _ in range(ROUNDS):
            load.run(random.uniform(0.05, 0.6) * SLOW)
            server.start(wait=False)
            waits.append(listening(server))
            examine(load)
        print(f"# {engine}: {len(load.delivered)} delivered, {len(load.appended)} appended, {ROUNDS} kills, "
              f"listening again in {max(waits):.2f} s at most")
        assert len(load.delivered) > ROUNDS, "hardly any load"
        usual = sorted(waits)[len(waits) // 2]
        assert usual < 1 * SLOW and max(waits) < 3 * SLOW, f"listened again after {waits} s"
    finally:
        server.__exit__()


@test
def kill_rocksdb():
    kill_again_and_again("rocksdb")


@test
def kill_sqlite():
    kill_again_and_again("sqlite")


if __name__ == "__main__":
    main()
