# bans.py: Too many failed log-ins ban an address; an administrator bans, looks and takes back; proxies stay welcome.
import base64
import http.client
import imaplib
import json
import re
import smtplib
import socket
import ssl
import time

from harness import DOMAIN, PASSWORD, SLOW, main, serve, test

ANN = f"ann@{DOMAIN}"


def start():
    return serve(settings=["auth.ban.rate=3/1h", "auth.ban.time=1h", "auth.delay=10ms", 'auth.ban.allow=["198.51.100.0/24"]',
                           "auth.allow-plain-text=true", 'server.listener.imap.proxy.trusted-networks=["127.0.0.0/8"]',
                           "auth.max-failures=100", "imap.max-errors=100",
                           "server.listener.imaps.login-rate=5/1h",
                           "server.listener.submission.login-rate=2/1h",
                           "server.listener.http.login-rate=2/1h"])


def banned(s):
    return {b["address"]: b for b in json.loads(s.cli("ban", "list", "--json"))}


def connect(s, address, name="imap"):
    """The greeting for a client from there, as the proxy on loopback passes it on; b"" when it is closed."""
    c = socket.create_connection(("127.0.0.1", s.port[name]), 10 * SLOW)
    family = "TCP6" if ":" in address else "TCP4"
    to = "::1" if ":" in address else "127.0.0.1"
    c.sendall(f"PROXY {family} {address} {to} 4000 143\r\n".encode())
    f = c.makefile("rwb")
    try:
        return f.readline(), f
    except ConnectionResetError:
        return b"", f


def login(s, address, password):
    greeting, f = connect(s, address)
    assert greeting.startswith(b"* OK"), greeting
    f.write(f'a LOGIN {ANN} "{password}"\r\n'.encode())
    f.flush()
    while not (line := f.readline()).startswith(b"a "):
        assert line, "closed"
    return line, f


@test
def failures_make_a_ban(s):
    assert banned(s) == {}
    for _ in range(3):
        line, f = login(s, "203.0.113.9", "wrong")
        assert line.startswith(b"a NO [AUTHENTICATIONFAILED]"), line
    assert banned(s) == {}
    line, f = login(s, "203.0.113.9", "wrong")
    assert line.startswith(b"a NO [AUTHENTICATIONFAILED]")
    assert f.readline() == b""  # this connection ends, too
    ban = banned(s)["203.0.113.9"]
    assert ban["by"] == "auto" and ban["reason"] == "4 failed log-ins in 3600 s" and ban["until"] > ban["since"]
    assert connect(s, "203.0.113.9")[0] == b""
    assert connect(s, "203.0.113.10")[0].startswith(b"* OK")
    assert login(s, "203.0.113.10", PASSWORD)[0].startswith(b"a OK")


@test
def a_ban_outlives_the_server(s):
    s.stop()
    s.start()
    assert "203.0.113.9" in banned(s) and connect(s, "203.0.113.9")[0] == b""


@test
def removing_it_begins_anew(s):
    s.cli("ban", "remove", "203.0.113.9")
    assert banned(s) == {}
    assert "is not banned" in s.cli("ban", "remove", "203.0.113.9", code=1)
    assert login(s, "203.0.113.9", "wrong")[0].startswith(b"a NO")
    assert login(s, "203.0.113.9", PASSWORD)[0].startswith(b"a OK")


@test
def ipv6_is_banned_by_its_network(s):
    for i in range(4):
        assert login(s, f"2001:db8:1:2::{i + 1}", "wrong")[0].startswith(b"a NO")
    assert list(banned(s)) == ["2001:db8:1:2::/64"]
    assert connect(s, "2001:db8:1:2:ffff::9")[0] == b""
    assert connect(s, "2001:db8:1:3::1")[0].startswith(b"* OK")
    s.cli("ban", "remove", "2001:db8:1:2::/64")


@test
def the_allowed_are_never_banned(s):
    for _ in range(6):
        assert login(s, "198.51.100.7", "wrong")[0].startswith(b"a NO")
    for _ in range(6):
        assert login(s, "127.0.0.5", "wrong")[0].startswith(b"a NO")
    assert banned(s) == {}
    for who in ("127.0.0.1", "::1", "127.0.0.0/8", "0.0.0.0/0", "198.51.100.7", "198.51.0.0/16"):
        assert "never banned" in s.cli("ban", "add", who, code=1), who


@test
def by_hand(s):
    s.cli("ban", "add", "192.0.2.0/24", "--for=1h", "--reason=spam since Monday")
    s.cli("ban", "add", "192.0.2.77/32")
    assert connect(s, "192.0.2.200")[0] == b""
    all_of = banned(s)
    assert all_of["192.0.2.0/24"]["reason"] == "spam since Monday" and all_of["192.0.2.0/24"]["by"] == "administrator"
    assert all_of["192.0.2.77"]["until"] == "never"
    assert 'address=192.0.2.0/24' in s.cli("ban", "list")
    s.cli("ban", "remove", "192.0.2.0/24")
    assert connect(s, "192.0.2.200")[0].startswith(b"* OK") and connect(s, "192.0.2.77")[0] == b""
    s.cli("ban", "remove", "192.0.2.77")
    for words in (["192.0.2.300"], ["192.0.2.0/33"], ["192.0.2.1", "--for=long"], ["192.0.2.1", "--for=0"]):
        assert "is no" in s.cli("ban", "add", *words, code=1)
    assert "usage" in s.cli("ban", "add", code=2)


@test
def it_ends_by_itself(s):
    s.cli("ban", "add", "192.0.2.1", "--for", "1s")
    assert connect(s, "192.0.2.1")[0] == b""
    end = time.monotonic() + 20 * SLOW
    while not connect(s, "192.0.2.1")[0]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert banned(s) == {}


@test
def log_ins_have_a_rate_at_their_listener(s):
    """Right ones count, too; another listener has its own count."""
    def try_imaps():
        with imaplib.IMAP4_SSL("127.0.0.1", s.port["imaps"], ssl_context=ssl._create_unverified_context()) as c:
            return c.login(ANN, PASSWORD)

    for _ in range(5):
        assert try_imaps()[0] == "OK"
    try:
        raise AssertionError(try_imaps())
    except imaplib.IMAP4.error as e:
        assert re.search(r"\[LIMIT\] too many log-ins from this address; try again in 7\d\d s", str(e)), e
    for code in (235, 235, 454):
        with smtplib.SMTP("127.0.0.1", s.port["submission"]) as c:
            c.ehlo()
            try:
                got = c.login(ANN, PASSWORD)
            except smtplib.SMTPAuthenticationError as e:
                got = (e.smtp_code, e.smtp_error)
            assert got[0] == code, got
    assert login(s, "203.0.113.10", PASSWORD)[0].startswith(b"a OK")
    for status in (403, 403, 429):  # she may not see it; the third is not even looked at
        c = http.client.HTTPConnection("127.0.0.1", s.port["http"], timeout=10 * SLOW)
        token = base64.b64encode(f"{ANN}:{PASSWORD}".encode()).decode()
        c.request("GET", "/api/telemetry/metrics/live", headers={"Authorization": f"Basic {token}"})
        assert c.getresponse().status == status, status
        c.close()


@test
def told_and_counted(s):
    figures = json.loads(s.cli("metrics", "--json"))
    assert figures["veredus_bans"] == 0 and figures["veredus_bans_made_total"] >= 4
    assert figures["veredus_connections_banned_total"] >= 5
    assert figures["veredus_auth_limited_total"] >= 3
    text = s.log.read_text()
    assert 'ban.added: ' in text and 'address="203.0.113.9"' in text and "ban.removed: " in text


main(start)
