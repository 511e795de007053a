# slow.py: No client holds a session by an octet now and then, nor by not reading; who keeps the least rate is never cut.
import re
import select
import time
import urllib.request

from harness import DOMAIN, SLOW, Line, imap_session, main, message, serve, smtp_session, test
from server import free_port

ANN = f"ann@{DOMAIN}"
METRICS = free_port()
TIME = 1.0  # seconds: each time-out of this server; the least rate is RATE octets a second
RATE = 2000


def start():
    doors = [f"{key}={TIME}s" for key in ("smtp.timeout", "smtp.data-timeout", "imap.timeout", "http.timeout")]
    return serve(settings=[*doors, f"server.min-data-rate={RATE}", "metrics.enable=true", f"metrics.bind=127.0.0.1:{METRICS}"])


def counted(fault):
    text = urllib.request.urlopen(f"http://127.0.0.1:{METRICS}/metrics", timeout=10 * SLOW).read().decode()
    return sum(int(n) for n in re.findall(rf'\{{[^}}]*"{fault}"\}} (\d+)', text))


def drip(c, octet=b"x", most=8):
    """An octet each 50 ms until the server says something: that line, and the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < most * SLOW:
        if select.select([c.sock], [], [], 0.05)[0]:
            return c.line(), time.monotonic() - began
        c.send(octet)
    raise AssertionError(f"still there after {most} s")


def is_cut(c, expected, octet=b"x"):
    line, took = drip(c, octet)
    assert line.startswith(expected), line
    assert took > TIME * 0.9, took
    assert c.line() == "", "the connection stays"


def begin(server, door):
    c = Line(server.port[door])
    c.smtp()
    assert c.smtp("LHLO x" if door == "lmtp" else "EHLO x").startswith("250")
    assert c.smtp("MAIL FROM:<x@far.example>").startswith("250")
    assert c.smtp(f"RCPT TO:<{ANN}>").startswith("250")
    return c


@test
def an_octet_now_and_then_in_mail(server):
    before = counted("SENDS_TOO_SLOWLY")
    for door in ("smtp", "lmtp"):
        with Line(server.port[door]) as c:
            c.smtp()
            is_cut(c, "421 4.4.2 a command or message")
        with begin(server, door) as c:
            assert c.smtp("DATA").startswith("354")
            is_cut(c, "421 4.4.2 a command or message")
        with begin(server, door) as c:
            c.send("BDAT 100000 LAST\r\n")
            is_cut(c, "421 4.4.2 a command or message")
    assert counted("SENDS_TOO_SLOWLY") - before == 6
    log = server.log.read_text()
    assert re.search(r"net\.timed-out.*listener=\S*lmtp.*SENDS_TOO_SLOWLY", log), log[-2000:]


@test
def an_octet_now_and_then_in_imap(server):
    for began in ("", "a1 APPEND INBOX {100000+}\r\n", "a1 LIST {1000+}\r\n"):
        with imap_session(server) as c:
            c.send(began)
            is_cut(c, "* BYE a command or message")


@test
def an_octet_now_and_then_in_http(server):
    for began in ("GET /heal", "POST /jmap HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
                  "GET /health HTTP/1.1\r\nHost: x\r\nX: "):
        with Line(server.port["http"]) as c:
            c.send(began)
            line, took = drip(c)
            # a route that takes no such body is refused at once
            assert line.startswith("HTTP/1.1 408") or (took < TIME and began.startswith("POST")), (line, took)


@test
def an_octet_now_and_then_in_tls(server):
    with Line(server.port["smtp"]) as c:
        c.smtp()
        assert c.smtp("EHLO x").startswith("250")
        assert c.smtp("STARTTLS").startswith("220")
        c.send(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03")  # a long ClientHello
        try:
            line, took = drip(c)
        except ConnectionError:
            line, took = "", TIME
        assert line == "" and took > TIME * 0.9, (line, took)


@test
def who_keeps_the_rate_is_not_cut(server):
    """Three times as long as any time-out, at four times the rate."""
    text = message("steady", size=24000, token="steady")
    pieces = [text[i : i + RATE // 5] for i in range(0, len(text), RATE // 5)]
    with begin(server, "smtp") as c:
        assert c.smtp("DATA").startswith("354")
        began = time.monotonic()
        for piece in pieces:
            c.send(piece)
            time.sleep(0.05)
        assert time.monotonic() - began > 2.5 * TIME
        assert c.smtp(".").startswith("250")
    with imap_session(server) as c:
        c.send(f"a1 APPEND INBOX {{{len(text)}+}}\r\n")
        for piece in pieces:
            c.send(piece)
            time.sleep(0.05)
        c.send("\r\n")
        assert c.line().startswith("a1 OK")


def fill(server, size):
    with begin(server, "lmtp") as c:
        assert c.smtp("DATA").startswith("354")
        c.send(message("big", size=size, token="big"))
        assert c.smtp(".").startswith("250")


@test
def who_does_not_read_is_cut(server):
    fill(server, 40_000_000)
    before = counted("READS_TOO_SLOWLY")
    with imap_session(server) as c:
        c.imap("a1", "SELECT INBOX")
        c.send("a2 FETCH * BODY.PEEK[]\r\n")
        end = time.monotonic() + 10 * SLOW
        while counted("READS_TOO_SLOWLY") == before:
            assert time.monotonic() < end, "it is still waited for"
            time.sleep(0.05)
    # who reads slowly, but at the rate, gets it all for as long as it takes
    with imap_session(server) as c:
        c.imap("a1", "SELECT INBOX")
        c.send("a2 FETCH * BODY.PEEK[]\r\n")
        got, end = 0, time.monotonic() + 4 * TIME
        while time.monotonic() < end:
            got += len(c.sock.recv(20000))
            time.sleep(0.02)
        while True:
            piece = c.sock.recv(1 << 20)
            got += len(piece)
            if piece.endswith(b"a2 OK FETCH completed\r\n") or not piece:
                break
        assert piece and got > 40_000_000, got
    assert counted("READS_TOO_SLOWLY") == before + 1


@test
def less_time_when_connections_are_many(_):
    server = serve(settings=["server.max-connections=10", "server.stress-timeout=200ms"])
    try:
        first = imap_session(server)
        idle = [Line(server.port["imap"]) for _ in range(8)]
        for c in idle:
            c.line()
        late = [c for c in idle if select.select([c.sock], [], [], 1)[0]]
        assert late and late[-1].line().startswith("* BYE idle"), len(late)
        assert first.imap("a9", "NOOP")[-1].startswith("a9 OK")
        assert "net.stress" in server.log.read_text()
        for c in (first, *idle):
            c.close()
    finally:
        server.__exit__()


@test
def honest_clients_still_come_through(server):
    with smtp_session(server) as c:
        assert c.smtp("NOOP").startswith("250")
    with imap_session(server) as c:
        assert c.imap("a1", "SELECT INBOX")[-1].startswith("a1 OK")


main(start)
