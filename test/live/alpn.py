# alpn.py: The protocol that a TLS client names must be the door's (RFC 7301); who names none is welcome.
import socket
import ssl

from harness import Skip, main, serve, test

GREETING = {"imaps": b"* OK", "pop3s": b"+OK ", "submissions": b"220 "}


def context(*protocols):
    c = ssl.create_default_context()
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    if protocols:
        c.set_alpn_protocols(list(protocols))
    return c


def greet(server, door, *protocols):
    """The protocol that was chosen, and the first octets."""
    with socket.create_connection(("127.0.0.1", server.port[door]), 10) as s:
        with context(*protocols).wrap_socket(s) as t:
            return t.selected_alpn_protocol(), t.recv(4)


def is_refused(server, door, *protocols):
    try:
        greet(server, door, *protocols)
    except ssl.SSLError as e:
        assert "no application protocol" in str(e).lower().replace("_", " "), e
        return True
    return False


@test
def offers_are_answered(server):
    assert greet(server, "imaps", "imap") == ("imap", GREETING["imaps"])
    assert greet(server, "imaps", "xmpp-client", "imap") == ("imap", GREETING["imaps"])
    assert greet(server, "imaps") == (None, GREETING["imaps"])
    assert greet(server, "pop3s", "pop3") == ("pop3", GREETING["pop3s"])


@test
def another_protocol_is_refused(server):
    """An attacker who leads a browser to a mail port gets no further than the handshake."""
    for other in (["http/1.1"], ["h2", "http/1.1"], ["pop3"], ["ima"], ["imapx"]):
        assert is_refused(server, "imaps", *other), other
    assert is_refused(server, "pop3s", "imap")
    assert greet(server, "imaps", "imap")[0] == "imap"


@test
def smtp_has_no_name(server):
    """None is registered for it: offers are passed over."""
    assert greet(server, "submissions", "smtp") == (None, GREETING["submissions"])
    assert greet(server, "submissions") == (None, GREETING["submissions"])


@test
def also_behind_starttls(server):
    with socket.create_connection(("127.0.0.1", server.port["imap"]), 10) as s:
        s.recv(1000)
        s.sendall(b"a STARTTLS\r\n")
        assert s.recv(1000).startswith(b"a OK")
        with context("imap").wrap_socket(s) as t:
            assert t.selected_alpn_protocol() == "imap"


@test
def https(server):
    if "https" not in server.port:
        raise Skip("no https listener here")
    with socket.create_connection(("127.0.0.1", server.port["https"]), 10) as s:
        with context("h2", "http/1.1").wrap_socket(s) as t:
            assert t.selected_alpn_protocol() == "http/1.1"
    assert is_refused(server, "https", "imap")


def start():
    import server as lib
    lib.LISTENERS["https"] = ("http", True)
    return serve()


main(start)
