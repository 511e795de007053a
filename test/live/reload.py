# reload.py: A changed configuration counts without a restart, a faulty one changes nothing, a dead child refuses nobody.
import base64
import json
import os
import re
import signal
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from harness import DOMAIN, PASSWORD, SLOW, Line, Sink, main, message, serve, smtp_session, test  # noqa: E402
from figures import child_of  # noqa: E402
from server import HOST, free_port  # noqa: E402


def wait_log(server, pattern, since=0, seconds=10):
    """The log from `since` on, once the pattern is in it."""
    end = time.monotonic() + seconds * SLOW
    while True:
        text = server.log.read_text(errors="replace")[since:]
        if re.search(pattern, text):
            return text
        assert time.monotonic() < end, f"no {pattern} in {text[-2000:]}"
        time.sleep(0.01)


def log_size(server):
    return len(server.log.read_text(errors="replace"))


def hang_up(server, answer="server.reloaded"):
    since = log_size(server)
    server.process.send_signal(signal.SIGHUP)
    return wait_log(server, answer, since)


def nothing_is_due(server):
    log = hang_up(server)
    assert "restart-due" not in log.replace("restart_due", ""), log


def rewrite(server, *changes, extra=""):
    """Replaces texts in the configuration file."""
    text = server.config.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    server.config.write_text(text + extra)


def sizes(server, door="smtp"):
    """What EHLO announces."""
    with Line(server.port[door]) as c:
        return sizes_of(c, first=True)


def sizes_of(c, first=False):
    if first:
        c.smtp()
    c.send("EHLO c.example\r\n")
    lines = []
    while not lines or lines[-1][3:4] == "-":
        lines.append(c.line())
    return next(l.split()[1] for l in lines if l[4:].startswith("SIZE"))


def is_refused(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


def listener(name, port, protocol):
    return f'\n[server.listener."{name}"]\nbind = ["127.0.0.1:{port}"]\nprotocol = "{protocol}"\n'


@test
def new_sessions_meet_new_settings(server):
    whole = server.config.read_text()
    with smtp_session(server) as old:
        before = sizes_of(old)
        rewrite(server, extra='\n[smtp]\nmax-message-size = "123456B"\n')
        hang_up(server)
        assert sizes(server) == "123456", sizes(server)
        assert sizes_of(old) == before
        server.config.write_text(whole)
        assert server.cli("config", "reload") == ""
        assert sizes(server) == before
        assert sizes_of(old) == before
    server.cli("config", "set", "smtp.max-message-size", "77777B")
    assert '"reloaded":true' in server.cli("config", "reload", "--json").replace(" ", "")
    assert sizes(server) == "77777"
    assert "77777" in server.cli("config", "get", "smtp.max-message-size")
    server.cli("config", "unset", "smtp.max-message-size")
    server.cli("config", "reload")
    assert sizes(server) == before


@test
def a_fault_changes_nothing(server):
    whole = server.config.read_text()
    before = sizes(server)
    rewrite(server, extra='\n[smtp]\nmax-message-size = "123456B"\nmax-hop = 3\nmax-errors = "many"\n')
    said = server.cli("config", "reload", code=1)
    assert re.search(r"veredus\.toml:\d+: .*max-hop.*max-hops", said), said
    assert re.search(r"veredus\.toml:\d+: .*max-errors", said), said
    log = hang_up(server, "server.reload-failed")
    assert "max-hop" in log, log
    assert sizes(server) == before
    # nothing of it counts when one address cannot be had
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server.config.write_text(whole + '\n[smtp]\nmax-message-size = "123456B"\n' +
                                 listener("taken", taken.getsockname()[1], "smtp"))
        assert "in use" in server.cli("config", "reload", code=1)
    assert sizes(server) == before
    server.config.write_text(whole + '\n[certificate."x"]\ncert = "/nowhere.crt"\nprivate-key = "/nowhere.key"\n')
    assert "/nowhere.crt" in server.cli("config", "reload", code=1)
    with Line(server.port["imaps"]):
        pass
    server.config.write_text(whole)
    server.cli("config", "reload")


@test
def listeners_come_and_go(server):
    whole = server.config.read_text()
    port = free_port()
    lmtp = server.port["lmtp"]
    with Line(lmtp) as c:
        assert c.smtp().startswith("220")
        rewrite(server, (f'["127.0.0.1:{lmtp}"]', f'["127.0.0.1:{port}"]'))
        hang_up(server)
        with Line(port) as n:
            assert n.smtp().startswith("220")
        assert is_refused(lmtp)
        assert c.smtp("NOOP").startswith("250")
    # a listener's own terms
    rewrite(server, ('[server.listener."lmtp"]', '[server.listener."lmtp"]\nmax-connections = 1'))
    hang_up(server)
    with Line(port) as one, Line(port) as two:
        assert one.smtp().startswith("220")
        assert two.smtp().startswith("421")
    # the parent holds what came and let go what went: also the next child
    os.kill(child_of(server), signal.SIGKILL)
    with Line(port) as n:
        assert n.smtp().startswith("220")
    assert is_refused(lmtp)
    server.config.write_text(whole)
    hang_up(server)
    assert is_refused(port)
    with Line(lmtp) as n:
        assert n.smtp().startswith("220")


@test
def what_needs_a_restart_is_named(server):
    whole = server.config.read_text()
    rewrite(server, ("[server]\n", "[server]\nworkers = 3\n"), extra='\n[smtp]\nmax-errors = 7\n')
    log = hang_up(server)
    due = [l for l in log.splitlines() if "server.restart-due" in l]
    assert len(due) == 1 and "server.workers" in due[0], due
    server.config.write_text(whole)
    nothing_is_due(server)


@test
def log_in_follows(server):
    whole = server.config.read_text()
    with smtp_session(server, "submission") as c:
        assert c.smtp("AUTH PLAIN " + plain("ann", "wrong")).startswith("535")
        assert c.smtp("NOOP").startswith("250")
    rewrite(server, extra='\n[auth]\nmax-failures = 1\ndelay = "1ms"\ncache = "1s"\n[cache]\nhttp-auth.size = "10KB"\n'
            'directory.size = "20KB"\nmessage.size = "1MB"\n')
    nothing_is_due(server)
    with smtp_session(server, "submission") as c:
        began = time.monotonic()
        assert c.smtp("AUTH PLAIN " + plain("ann", "wrong")).startswith("535")
        took = time.monotonic() - began
        assert SLOW > 1 or took < 0.9, f"the delay of before: {took:.2f} s"
        assert c.smtp().startswith("421 4.7.0")
    with smtp_session(server, "submission") as c:
        assert c.smtp("AUTH PLAIN " + plain("ann", PASSWORD)).startswith("235")
    server.config.write_text(whole)
    nothing_is_due(server)


def plain(user, password):
    return base64.b64encode(f"\0{user}@{DOMAIN}\0{password}".encode()).decode()


def send(server, to, subject="hello"):
    with smtp_session(server, "submission") as c:
        assert c.smtp("AUTH PLAIN " + plain("ann", PASSWORD)).startswith("235")
        for text, code in ((f"MAIL FROM:<ann@{DOMAIN}>", "250"), (f"RCPT TO:<{to}>", "250"), ("DATA", "354")):
            assert c.smtp(text).startswith(code)
        c.send(message(subject, sender=f"ann@{DOMAIN}", to=to))
        assert c.smtp(".").startswith("250")


@test
def outgoing_mail_and_our_name_follow(server):
    """What waited for one relay leaves by another one, under a new name, as soon as it is tried."""
    whole = server.config.read_text()
    rewrite(server, extra=f'\n[queue]\nrelay-host = "127.0.0.1:{free_port()}"\n')
    hang_up(server)
    send(server, "joe@far.example", "waits")
    wait_log(server, "queue.deferred")
    with socket.create_server(("127.0.0.1", 0)) as relay:
        relay.settimeout(20 * SLOW)
        server.config.write_text(whole)
        rewrite(server, (f'hostname = "{HOST}"', 'hostname = "new.veredus.test"'),
                extra=f'\n[queue]\nrelay-host = "127.0.0.1:{relay.getsockname()[1]}"\nretry.first = "1s"\n')
        nothing_is_due(server)
        with smtp_session(server) as c:
            assert c.smtp("HELO x").startswith("250 new.veredus.test"), "the old name"
        waiting = json.loads(server.cli("queue", "list", "--json"))
        server.cli("queue", "retry", str(waiting[0]["id"]))
        peer, _ = relay.accept()
        with peer, peer.makefile("rb") as lines:
            peer.settimeout(20 * SLOW)
            peer.sendall(b"220 relay ESMTP\r\n")
            assert lines.readline() == b"EHLO new.veredus.test\r\n"
            peer.sendall(b"250 relay\r\n")
            for answer in (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
                assert lines.readline()
                peer.sendall(answer)
            text = []
            while (line := lines.readline()) not in (b".\r\n", b""):
                text.append(line)
            peer.sendall(b"250 taken\r\n")
        assert b"Subject: waits\r\n" in text
    server.config.write_text(whole)
    hang_up(server)


class Names(socketserver.ThreadingUDPServer):
    """A name server for which every domain's mail server is here."""

    def __init__(self):
        self.asked = 0
        super().__init__(("127.0.0.1", 0), Name)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Name(socketserver.BaseRequestHandler):
    def handle(self):
        question, sock = self.request
        end = question.index(b"\0", 12) + 5
        kind = int.from_bytes(question[end - 4 : end - 2], "big")
        self.server.asked += 1
        data = {1: b"\x7f\0\0\1", 15: b"\0\x0a\x02mx\xc0\x0c"}.get(kind)
        record = b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1\0\0\0\x3c" + len(data).to_bytes(2, "big") + data if data else b""
        head = question[:2] + b"\x81\x80\0\1" + (b"\0\1" if data else b"\0\0") + b"\0\0\0\0"
        sock.sendto(head + question[12:end] + record, self.client_address)


@test
def a_listener_has_a_name_of_its_own(server):
    whole = server.config.read_text()
    rewrite(server, *((f'[server.listener."{door}"]\n', f'[server.listener."{door}"]\nhostname = "{door}.second.test"\n')
                      for door in ("smtp", "imap")))
    nothing_is_due(server)
    with Line(server.port["smtp"]) as c:
        assert c.smtp().startswith("220 smtp.second.test "), "the server's name"
        assert c.smtp("HELO x") == "250 smtp.second.test"
        for text in ("MAIL FROM:<a@far.example>", f"RCPT TO:<ann@{DOMAIN}>"):
            assert c.smtp(text).startswith("250"), text
        assert c.smtp("DATA").startswith("354") and c.smtp("Subject: named\r\n\r\nhi\r\n.").startswith("250")
    with Line(server.port["imap"]) as c:
        assert c.line().endswith(" imap.second.test Veredus")
        c.imap("a", f'LOGIN ann@{DOMAIN} "{PASSWORD}"')
        c.imap("b", "SELECT INBOX")
        lines = c.imap("c", "FETCH * BODY.PEEK[HEADER.FIELDS (RECEIVED)]")
        assert any("by smtp.second.test " in line for line in lines), lines
    server.config.write_text(whole)
    nothing_is_due(server)
    with Line(server.port["smtp"]) as c:
        assert c.smtp().startswith(f"220 {HOST} ")


@test
def names_are_asked_of_other_servers(server):
    whole = server.config.read_text()
    dead = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # takes questions, and never answers
    dead.bind(("127.0.0.1", 0))
    sink = Sink()
    with dead, sink, Names() as names:
        def ask(port, extra=""):
            server.config.write_text(whole)
            rewrite(server, extra=f'\n[dns]\nservers = ["127.0.0.1:{port}"]\ndnssec = false\n{extra}\n[queue]\nport = {sink.port}\n')
            nothing_is_due(server)

        ask(dead.getsockname()[1])
        send(server, "joe@one.example", "asked twice")
        dead.settimeout(20 * SLOW)
        dead.recv(1000)
        ask(names.server_address[1], 'timeout = "5s"')  # what is under way is asked again
        assert sink.wait(1), "it still waits for the dead server"
        send(server, "joe@two.example", "asked once")
        assert sink.wait(2) and names.asked >= 4
        sink.shutdown()
        names.shutdown()
    server.config.write_text(whole)
    hang_up(server)


@test
def a_killed_child_refuses_nobody(server):
    """kill -9 of the serving process under connects: each connect succeeds; the next greeting comes."""
    faults, stop, greeted = [], threading.Event(), [0] * 4

    def connect(k):
        while not stop.is_set():
            try:
                with Line(server.port[("smtp", "imap")[k % 2]]) as c:
                    if c.line()[:4] in ("220 ", "* OK"):
                        greeted[k] += 1
            except ConnectionRefusedError as e:
                faults.append(e)
            except OSError:
                pass  # it was the dead one's

    threads = [threading.Thread(target=connect, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    try:
        for _ in range(3):
            child = child_of(server)
            before = list(greeted)
            os.kill(child, signal.SIGKILL)
            end = time.monotonic() + 20 * SLOW
            while any(a <= b for a, b in zip(greeted, before)):
                assert time.monotonic() < end, "no greeting after the crash"
                time.sleep(0.01)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not faults, f"{len(faults)} connections were refused"
    with Line(server.port["imap"]) as c:
        c.line()
        assert c.imap("a", f'LOGIN ann@{DOMAIN} "{PASSWORD}"')[-1].startswith("a OK")


@test
def many_reloads_under_load(server):
    """Sessions begin and end while the doors are changed: nobody is refused, nothing dies, nothing is kept."""
    stop, faults, done = threading.Event(), [], [0]

    def talk():
        while not stop.is_set():
            try:
                with smtp_session(server) as c:
                    assert c.smtp("NOOP").startswith("250")
                    done[0] += 1
            except (OSError, AssertionError) as e:
                faults.append(e)

    threads = [threading.Thread(target=talk) for _ in range(3)]
    for t in threads:
        t.start()
    for _ in range(30):
        server.cli("config", "reload")
    stop.set()
    for t in threads:
        t.join()
    assert not faults and done[0] > 30, (faults[:3], done)


main(serve)
