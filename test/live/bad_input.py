# bad_input.py: What breaks other servers gets the protocol's own error, bounded memory, and the next client is served.
import socket
import struct
import time

from harness import DOMAIN, Line, imap_session, main, message, rss, serve, smtp_session, test

ANN = f"ann@{DOMAIN}"


def next_client_is_served(server):
    with smtp_session(server) as c:
        assert c.smtp("NOOP").startswith("250")
    with Line(server.port["imap"]) as c:
        assert c.line().startswith("* OK")


def deliver(server, body):
    with smtp_session(server) as c:
        assert c.smtp("MAIL FROM:<x@far.example>").startswith("250")
        assert c.smtp(f"RCPT TO:<{ANN}>").startswith("250")
        assert c.smtp("DATA").startswith("354")
        c.send(body)
        return c.smtp("\r\n.")


def last_fetched(server, items):
    with imap_session(server) as c:
        n = [line.split()[1] for line in c.imap("a1", "SELECT INBOX") if line.endswith(" EXISTS")][0]
        return "\n".join(c.imap("a2", f"FETCH {n} {items}"))


@test
def smtp_line_too_long(server):
    with smtp_session(server) as c:
        c.send("X" * 1_000_000 + "\r\n")
        assert c.smtp()[:2] == "50"
        assert c.smtp("NOOP").startswith("250")
    next_client_is_served(server)


@test
def imap_line_too_long(server):
    with imap_session(server) as c:
        c.send("a1 SEARCH SUBJECT " + "x" * 2_000_000 + "\r\n")
        line = c.line()
        assert " BAD" in line or " NO" in line or "BYE" in line, line
    next_client_is_served(server)


@test
def imap_bad_literals(server):
    with imap_session(server) as c:
        for literal in ("{99999999999999999999}", "{-1}", "{x}", "{", "{10GB}"):
            c.send(f"a1 APPEND INBOX {literal}\r\n")
            line = c.line()
            assert line.startswith(("a1 BAD", "a1 NO", "* BAD")), line
        c.send("a2 APPEND INBOX {10737418240}\r\n")
        assert c.line().startswith("a2 NO")
        assert c.imap("a3", "NOOP")[-1].startswith("a3 OK")
    with imap_session(server) as c:
        c.send("a4 APPEND INBOX {10737418240+}\r\n")
        assert c.line().startswith(("a4 NO", "a4 BAD", "* BYE"))
    next_client_is_served(server)


@test
def smtp_size_announced_of_10_gb(server):
    with smtp_session(server) as c:
        assert c.smtp("MAIL FROM:<x@far.example> SIZE=10737418240").startswith("552 5.3.4")
        assert c.smtp("NOOP").startswith("250")
    before = rss(server)
    with smtp_session(server) as c:
        assert c.smtp("MAIL FROM:<x@far.example>").startswith("250")
        assert c.smtp(f"RCPT TO:<{ANN}>").startswith("250")
        c.send("BDAT 10737418240\r\n")
        for _ in range(80):  # past what is allowed; the reply may wait for the chunk's end (RFC 3030 2)
            c.send(b"x" * 1_000_000)
        assert rss(server) - before < 32 << 20, rss(server) - before
    next_client_is_served(server)


@test
def smtp_nul_and_bare_newlines(server):
    with smtp_session(server) as c:
        c.send(b"MAIL FROM:<x\0@far.example>\r\n")
        assert c.smtp()[:1] == "5"
    with smtp_session(server) as c:
        c.send(b"NOOP\nNOOP\r\n")
        assert c.smtp()[:1] == "5"
    smuggled = message("outer") + b"\n.\nMAIL FROM:<evil@far.example>\r\n"
    assert deliver(server, smuggled)[:1] == "5"
    next_client_is_served(server)


@test
def nul_in_a_message_and_8_bit_header(server):
    answer = deliver(server, b"Subject: caf\xe9\r\n\r\nzero \0 byte\r\n")
    assert answer[:3] in ("250", "554", "550"), answer
    next_client_is_served(server)


@test
def mime_1000_deep(server):
    parts, end = b"Subject: deep\r\n", b""
    for i in range(1000):
        parts += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i)
        end = b"\r\n--b%d--\r\n" % i + end
    began = time.monotonic()
    assert deliver(server, parts + b"Content-Type: text/plain\r\n\r\nbottom\r\n" + end).startswith("250")
    assert "a2 OK" in last_fetched(server, "(BODYSTRUCTURE ENVELOPE)")
    assert time.monotonic() - began < 10
    next_client_is_served(server)


@test
def mime_of_100000_parts(server):
    before = rss(server)
    body = b'Subject: many\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    body += b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--\r\n"
    began = time.monotonic()
    assert deliver(server, body).startswith("250")
    assert "a2 OK" in last_fetched(server, "(BODYSTRUCTURE)")
    assert time.monotonic() - began < 10
    assert rss(server) - before < 64 << 20, rss(server) - before
    next_client_is_served(server)


@test
def header_of_100000_fields(server):
    body = b"Subject: fields\r\n" + b"X-Y: z\r\n" * 100_000 + b"\r\nbody\r\n"
    answer = deliver(server, body)
    assert answer[:3] in ("250", "552", "554"), answer
    next_client_is_served(server)


@test
def half_closed_sockets(server):
    for door in ("smtp", "imap"):
        with Line(server.port[door]) as c:
            c.line()
            c.send("NOOP\r\n" if door == "smtp" else "a NOOP\r\n")
            c.sock.shutdown(socket.SHUT_WR)
            assert "250" in c.line() if door == "smtp" else "OK" in c.line()
            while c.line():
                pass
    next_client_is_served(server)


@test
def reset_sockets(server):
    for door in ("smtp", "imap", "submissions", "imaps"):
        for _ in range(50):
            s = socket.create_connection(("127.0.0.1", server.port[door]))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.send(b"x\r\n")
            s.close()
    next_client_is_served(server)


@test
def noise_on_tls_doors(server):
    for door in ("submissions", "imaps"):
        with Line(server.port[door]) as c:
            c.send(b"\x16\x03\x01\xff\xff" + bytes(range(256)) * 16)
            try:
                while c.line():
                    pass
            except ConnectionResetError:
                pass
    next_client_is_served(server)


@test
def too_many_errors(server):
    with smtp_session(server) as c:
        for _ in range(30):
            line = c.smtp("NONSENSE")
            if line.startswith("421") or not line:
                break
        else:
            raise AssertionError("never sent away")
    with Line(server.port["imap"]) as c:
        c.line()
        for _ in range(200):
            c.send("a NONSENSE\r\n")
            if not (line := c.line()) or line.startswith("* BYE"):
                break
        else:
            raise AssertionError("never sent away")
    next_client_is_served(server)


@test
def slow_loris(_):
    """300 clients that give a byte now and then: each is sent away in time, none keeps others out."""
    server = serve(settings=["smtp.timeout=2s", "imap.login-timeout=2s"])
    try:
        slow = [Line(server.port[door]) for door in ("smtp", "imap") for _ in range(150)]
        began = time.monotonic()
        for _ in range(3):
            for c in slow:
                try:
                    c.send("N")
                except OSError:
                    pass
            next_client_is_served(server)
            time.sleep(1)
        time.sleep(2)
        for c in slow:
            text = c.file.read().decode()
            assert "421" in text or "BYE" in text, text
        assert time.monotonic() - began < 15
    finally:
        server.__exit__()


if __name__ == "__main__":
    main(serve)
