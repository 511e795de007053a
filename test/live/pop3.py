# pop3.py: Real clients of POP3: poplib, curl, fetchmail, getmail, mpop; a large message; limits, proxies, SIGTERM and SIGKILL.
import os
import poplib
import shutil
import signal
import ssl
import tempfile
import time
from pathlib import Path

from harness import (DOMAIN, PASSWORD, SLOW, Line, Watch, environment, large, main, message, needs, run, serve, smtp_session,
                     test)

ANN = f"ann@{DOMAIN}"
LIMIT = 128_000_000


def start():
    return serve(users=["ann", "poplib", "curl", "fetchmail", "getmail", "mpop", "far", "kill", "drain", "many"],
                 settings=["memory.limit=128MB", "smtp.max-message-size=150MB"])


def put(server, user, *messages):
    """Delivers; what the mailbox then has of each, with the lines put in front."""
    with smtp_session(server) as c:
        for m in messages:
            for text in ("MAIL FROM:<x@far.example>", f"RCPT TO:<{user}@{DOMAIN}>"):
                assert c.smtp(text).startswith("250")
            assert c.smtp("DATA").startswith("354")
            c.send(m.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            assert c.smtp().startswith("250")


def pop(server, user, tls=False):
    if tls:
        p = poplib.POP3_SSL("127.0.0.1", server.port["pop3s"], context=ssl._create_unverified_context(), timeout=10 * SLOW)
    else:
        p = poplib.POP3("127.0.0.1", server.port["pop3"], timeout=10 * SLOW)
    p.user(f"{user}@{DOMAIN}")
    p.pass_(PASSWORD)
    return p


def count(server, user):
    p = pop(server, user)
    n = p.stat()[0]
    p.quit()
    return n


@test
def poplib_reads_and_deletes(server):
    one, two = message("one") + b".\r\n..\r\n", message("two", size=100000)
    put(server, "poplib", one, two)
    p = pop(server, "poplib", tls=True)
    n, octets = p.stat()
    listed = [int(line.split()[1]) for line in p.list()[1]]
    assert n == 2 and sum(listed) == octets
    for i, sent in enumerate((one, two), 1):
        got = b"".join(line + b"\r\n" for line in p.retr(i)[1])
        assert len(got) == listed[i - 1] and got.endswith(sent), got[-200:]
    head, _, _ = got.partition(b"\r\n\r\n")
    assert b"\r\n".join(p.top(2, 0)[1]) == head + b"\r\n"
    ids = [line.split()[1] for line in p.uidl()[1]]
    assert p.uidl(2).split()[2] == ids[1]
    p.dele(1)
    p.rset()
    p.dele(1)
    p.quit()
    p = poplib.POP3("127.0.0.1", server.port["pop3"], timeout=10 * SLOW)
    assert p.capa()["SASL"] == ["PLAIN", "LOGIN", "SCRAM-SHA-256"]
    p.utf8()
    p.stls(ssl._create_unverified_context())
    assert "STLS" not in p.capa()
    p.user(f"poplib@{DOMAIN}")
    p.pass_(PASSWORD)
    assert [line.split()[1] for line in p.uidl()[1]] == ids[1:]
    p.quit()


@test
def curl_reads(server):
    needs("curl")
    put(server, "curl", message("for curl", token="curl-token"))
    who = ("-u", f"curl@{DOMAIN}:{PASSWORD}")
    plain, secure = f"pop3://127.0.0.1:{server.port['pop3']}", f"pop3s://127.0.0.1:{server.port['pop3s']}"
    assert run("curl", "-sS", *who, plain).split()[0] == "1"
    assert "curl-token" in run("curl", "-sS", *who, f"{plain}/1")
    assert "curl-token" in run("curl", "-sSk", "--ssl-reqd", *who, f"{plain}/1")
    for mech in ("PLAIN", "LOGIN"):
        assert "curl-token" in run("curl", "-sSk", "--login-options", f"AUTH={mech}", *who, f"{secure}/1")
    assert "for curl" in run("curl", "-sS", *who, "-X", "TOP 1 0", f"{plain}/")
    assert run("curl", "-sS", *who, "-X", "UIDL", plain).split()[0] == "1"
    run("curl", "-sS", *who, "-X", "DELE 1", "-I", f"{plain}/")
    run("curl", "-sS", *who, f"{plain}/1", code=8)


@test
def fetchmail_keeps_and_takes(server):
    needs("fetchmail")
    put(server, "fetchmail", message("first", token="f1"), message("second", token="f2"))
    with tempfile.TemporaryDirectory() as folder:
        rc, box = Path(folder) / "rc", Path(folder) / "box"
        rc.write_text(f"poll 127.0.0.1 protocol pop3 port {server.port['pop3']} uidl\n"
                      f"  user \"fetchmail@{DOMAIN}\" password \"{PASSWORD}\" sslproto tls1.2+ no sslcertck\n"
                      f"  mda \"/bin/cat >> {box}\"\n")
        rc.chmod(0o600)
        command = ["fetchmail", "-f", rc, "--nodetach", "--nosyslog", "--pidfile", f"{folder}/pid", "-i", f"{folder}/ids"]
        env = environment(folder)
        run(*command, "--keep", env=env)
        assert box.read_bytes().count(b"token f") == 2
        run(*command, "--keep", env=env, code=1)  # by UIDL: no new mail
        put(server, "fetchmail", message("third", token="f3"))
        run(*command, "--all", "--nokeep", env=env)
        assert box.read_bytes().count(b"token f") == 5
    assert count(server, "fetchmail") == 0


@test
def getmail_takes(server):
    needs("getmail")
    put(server, "getmail", message("first", token="g1"), message("second", token="g2"))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name in ("cur", "new", "tmp"):
            (home / "box" / name).mkdir(parents=True)
        (home / "rc").write_text(
            f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = 127.0.0.1\nport = {server.port['pop3s']}\n"
            f"username = getmail@{DOMAIN}\npassword = {PASSWORD}\n[destination]\ntype = Maildir\npath = {home}/box/\n"
            "[options]\nread_all = false\ndelete = false\n")
        command = ["getmail", "--getmaildir", home, "--rcfile", home / "rc"]
        if os.geteuid() == 0:  # it does not write as root
            command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
            for path in (home, *home.rglob("*")):
                shutil.chown(path, "nobody", "nogroup")
        run(*command, env=environment(home))
        assert len(list((home / "box/new").iterdir())) == 2
        put(server, "getmail", message("third", token="g3"))
        run(*command, "--delete", env=environment(home))
        assert len(list((home / "box/new").iterdir())) == 3  # only what was new
    assert count(server, "getmail") == 0


@test
def mpop_proves_by_scram(server):
    needs("mpop")
    put(server, "mpop", message("first", token="m1"), message("second", token="m2"))
    with tempfile.TemporaryDirectory() as folder:
        box, conf = Path(folder) / "box", Path(folder) / "rc"
        for name in ("cur", "new", "tmp"):
            (box / name).mkdir(parents=True)
        conf.write_text(f"defaults\ntls on\ntls_starttls on\ntls_certcheck off\nkeep off\nauth scram-sha-256\naccount default\n"
                        f"host 127.0.0.1\nport {server.port['pop3']}\nuser mpop@{DOMAIN}\npassword {PASSWORD}\n"
                        f"uidls_file {folder}/uidls\ndelivery maildir {box}\n")
        conf.chmod(0o600)
        run("mpop", "-C", conf, env=environment(folder))
        assert len(list((box / "new").iterdir())) == 2
    assert count(server, "mpop") == 0


@test
def a_large_message_streams(server):
    sent = b"".join(large("large"))
    put(server, "ann", sent)
    p = pop(server, "ann")
    with Watch(server) as w:
        got = b"\r\n".join(p.retr(1)[1]) + b"\r\n"
    assert got.endswith(sent), f"{len(got)} octets are not the {len(sent)} that were sent"
    assert w.most < LIMIT, f"{w.most} bytes resident"
    p.dele(1)
    p.quit()


@test
def many_messages_list(server):
    """Answers longer than the output's mark come whole, and numbers go on."""
    small = b"Subject: s\r\n\r\nx\r\n"
    put(server, "many", *[small] * 40)
    with Line(server.port["imap"]) as c:
        assert c.line().startswith("* OK")
        assert c.imap("a", f'LOGIN many@{DOMAIN} "{PASSWORD}"')[-1].startswith("a OK")
        c.imap("b", "SELECT INBOX")
        for _ in range(8):
            assert c.imap("c", "COPY 1:* INBOX")[-1].startswith("c OK")
            c.imap("d", "NOOP")
    p = pop(server, "many")
    n = p.stat()[0]
    assert n == 40 * 2**8
    assert [int(line.split()[0]) for line in p.list()[1]] == list(range(1, n + 1))
    assert len({line.split()[1] for line in p.uidl()[1]}) == n
    for i in range(1, n, 2):
        p.dele(i)
    assert p.stat()[0] == n // 2 and p.list()[1][0].split()[0] == b"2"
    p.quit()
    assert count(server, "many") == n // 2


@test
def no_password_in_plain_from_afar(_):
    with serve(settings=['server.listener.pop3.proxy.trusted-networks=["127.0.0.0/8"]']) as server:
        with Line(server.port["pop3"]) as c:
            c.send("PROXY TCP4 203.0.113.9 127.0.0.1 4000 110\r\n")
            assert c.line().startswith("+OK")
            c.send(f"CAPA\r\nUSER {ANN}\r\nAUTH PLAIN AGEAYg==\r\n")
            lines = [c.line()]
            while lines[-1] != ".":
                lines.append(c.line())
            assert "STLS" in lines and "USER" not in lines and not any("PLAIN" in x or "LOGIN" in x for x in lines), lines
            assert c.line() == "-ERR encryption is required first"
            assert c.line() == "-ERR encryption is required first"
            c.send("STLS\r\n")
            assert c.line().startswith("+OK")
            with ssl._create_unverified_context().wrap_socket(c.sock) as t, t.makefile("rwb") as f:
                f.write(f"USER {ANN}\r\nPASS {PASSWORD}\r\n".encode())
                f.flush()
                assert f.readline().startswith(b"+OK") and f.readline().startswith(b"+OK")


@test
def too_many_are_told(_):
    with serve(settings=["server.listener.pop3.max-connections=1"]) as server:
        until = time.monotonic() + 5 * SLOW
        while True:  # until the connection that looked whether it listens is gone
            with Line(server.port["pop3"]) as first:
                if first.line().startswith("+OK"):
                    with Line(server.port["pop3"]) as second:
                        assert second.line().startswith("-ERR [SYS/TEMP] too many connections")
                        assert second.line() == ""
                    return
            assert time.monotonic() < until


def deleting(server, user):
    put(server, user, message("one"), message("two"))
    c = Line(server.port["pop3"])
    c.send(f"USER {user}@{DOMAIN}\r\nPASS {PASSWORD}\r\nDELE 1\r\n")
    assert [c.line()[:3] for _ in range(4)] == ["+OK"] * 4
    return c


@test
def sigterm_is_told_and_deletes_nothing(server):
    with deleting(server, "drain") as c:
        server.process.send_signal(signal.SIGTERM)
        assert c.line() == "-ERR [SYS/TEMP] the server is shutting down; try again"
        assert c.line() == ""
        assert server.process.wait(20 * SLOW) == 0
    server.start()
    assert count(server, "drain") == 2


@test
def quit_is_durable(server):
    """What +OK said is so after SIGKILL at once."""
    with deleting(server, "kill") as c:
        c.send("QUIT\r\n")
        assert c.line().startswith("+OK")
        server.kill()
    server.start()
    assert count(server, "kill") == 1


@test
def figures_and_sessions(server):
    p = pop(server, "poplib")
    names = server.cli("metrics")
    assert 'veredus_pop3_command_microseconds_count{command="RETR"}' in names and "veredus_pop3_commands_total" in names
    assert "pop3" in server.cli("status")
    p.quit()


main(start)
