# servers.py: The whole mail server on each database server: delivery, IMAP, restarts, and a database that goes away.
import re
import threading
import time

from harness import DOMAIN, SLOW, Line, imap_session, main, message, serve, smtp_session, test
from stores import KINDS

PATIENCE = 'timeout = "1s"\nconnect-timeout = "1s"\npool.acquire-timeout = "1s"\n'


def deliver(server, token, size=3000):
    """The reply to the whole message."""
    with smtp_session(server) as c:
        for line in ("MAIL FROM:<x@far.example>", f"RCPT TO:<ann@{DOMAIN}>", "DATA"):
            reply = c.smtp(line)
            if reply[0] not in "23":
                return reply
        c.send(message(token, size=size, token=token))
        return c.smtp("\r\n.")


def tokens(server):
    """Of all messages in the inbox, read whole."""
    with imap_session(server) as c:
        assert c.imap("s", "SELECT INBOX")[-1].startswith("s OK")
        lines = c.imap("f", "FETCH 1:* (UID BODY.PEEK[TEXT])")
        if "No such message" in lines[-1]:
            return []
        assert lines[-1].startswith("f OK"), lines[-1]
        return [m.group(1) for line in lines if (m := re.match(r"token (\S+)", line))]


class Load:
    """Four senders; `taken` are the tokens that got a 250."""

    def __init__(self, server):
        self.server, self.taken, self.refused, self.stop = server, [], [], False
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(4)]
        for t in self.threads:
            t.start()

    def run(self, who):
        n = 0
        while not self.stop:
            n += 1
            try:
                reply = deliver(self.server, f"l{who}-{n}")
                (self.taken if reply.startswith("250") else self.refused).append((f"l{who}-{n}", reply))
            except (OSError, AssertionError):
                self.refused.append((f"l{who}-{n}", "gone"))
                time.sleep(0.05)

    def wait(self, more):
        start, end = len(self.taken), time.monotonic() + 30 * SLOW
        while len(self.taken) < start + more:
            assert time.monotonic() < end, f"{len(self.taken) - start} taken; {self.refused[-3:]}; {self.server.tail()}"
            time.sleep(0.01)

    def end(self):
        self.stop = True
        for t in self.threads:
            t.join()
        return [t for t, _ in self.taken]


def delivers_and_reads(server):
    assert deliver(server, "one").startswith("250")
    assert deliver(server, "large", 6_000_000).startswith("250")
    with imap_session(server) as c:
        assert "* 2 EXISTS" in c.imap("a", "SELECT INBOX")
        assert c.imap("b", "STORE 1 +FLAGS (\\Seen kept)")[-1].startswith("b OK")
        assert c.imap("c", "CREATE Box")[-1].startswith("c OK")
        assert "COPYUID" in c.imap("d", "COPY 1:2 Box")[-1]
        assert c.imap("e", "SEARCH KEYWORD kept")[0].strip() == "* SEARCH 1"
        body = message("mine", size=70000, token="mine")
        c.send(f"f APPEND Box {{{len(body)}+}}\r\n".encode() + body + b"\r\n")
        assert "APPENDUID" in c.line()
        assert c.imap("g", "STORE 2 +FLAGS (\\Deleted)")[-1].startswith("g OK")
        assert c.imap("h", "EXPUNGE")[0] == "* 2 EXPUNGE"
        assert "MESSAGES 3" in c.imap("i", "STATUS Box (MESSAGES)")[0]
    assert tokens(server) == ["one"]


def all_is_there_after_a_restart(server):
    server.kill()
    server.start()
    assert tokens(server) == ["one"]
    with imap_session(server) as c:
        assert "MESSAGES 3" in c.imap("i", "STATUS Box (MESSAGES)")[0]
        assert "kept" in c.imap("a", "SELECT INBOX")[1] + "".join(c.imap("b", "FETCH 1 FLAGS"))


def survives(server, harm, mend, wait):
    """Under load: whoever was told 250 has the message, once; others were told to try later."""
    load = Load(server)
    try:
        load.wait(20)
        harm()
        time.sleep(wait)
        mend()
        load.wait(20)
    finally:
        taken = load.end()
    there = [t for t in tokens(server) if t.startswith("l")]
    assert len(there) == len(set(there)), "a message is there twice"
    assert set(taken) <= set(there), f"lost: {set(taken) - set(there)}"
    assert all(r[:1] in "4g" for _, r in load.refused), load.refused[-5:]
    with imap_session(server) as c:
        c.imap("s", "SELECT INBOX")
        c.imap("d", "STORE 1:* +FLAGS.SILENT (\\Deleted)")
        assert c.imap("e", "EXPUNGE")[-1].startswith("e OK")


def refuses_while_it_is_away(server):
    server.store.stop()
    with Line(server.port["imap"]) as c:
        c.line()
        assert "UNAVAILABLE" in c.imap("a", f'LOGIN bob@{DOMAIN} "wrong"')[-1]
    assert deliver(server, "away").startswith("4")
    server.store.start()
    end = time.monotonic() + 10 * SLOW
    while not (reply := deliver(server, "back")).startswith("250"):
        assert time.monotonic() < end, reply
        time.sleep(0.1)
    assert "back" in tokens(server)


def speaks_tls(server, store):
    """By a certificate that the configuration trusts; not by another, unless any will do."""
    plain, trusted = server.config.read_text(), store.certify()
    store.stop()
    store.start()

    def begins(rows):
        server.config.write_text(plain.replace('host = "127.0.0.1"', 'host = "localhost"\ntls.enable = true\n' + rows))
        return f'"store":"{store.type}"' in server.cli("status", "--json").replace(" ", "") if try_start(server) else False

    assert begins(f'tls.ca = "{trusted}"'), server.tail()
    assert not begins(f'tls.ca = "{trusted.parent / "other.pem"}"')
    assert begins("tls.allow-invalid = true"), server.tail()
    assert deliver(server, "sealed").startswith("250") and "sealed" in tokens(server)


def try_start(server):
    server.stop()
    try:
        server.start()
    except RuntimeError:
        return False
    return True


def on(kind):
    """All of it on one server of that kind; both start once."""
    with KINDS[kind]() as store:
        server = serve(engine=kind, store=store)
        try:
            server.config.write_text(server.config.read_text().replace("[store.\"main\"]\n", "[store.\"main\"]\n" + PATIENCE))
            delivers_and_reads(server)
            all_is_there_after_a_restart(server)
            survives(server, store.cut, store.cut, 0.1)
            survives(server, store.pause, store.go_on, 1.5)
            survives(server, store.kill, store.start, 0.2)
            refuses_while_it_is_away(server)
            speaks_tls(server, store)
            assert not server.crashed(), server.crashed()
        finally:
            server.__exit__()


@test
def on_postgresql():
    on("postgresql")


@test
def on_mysql():
    on("mysql")


main()
