# client.py: One client (or scripted server) of a dialogue: a socket that gives whole lines, literals included.
import re
import select
import socket
import ssl
import struct
import subprocess
import time

IMPLICIT = {"submissions", "imaps", "pop3s"}
LITERALS = {"imap", "imaps", "managesieve"}


class Gone(Exception):
    """The peer closed."""


class Late(Exception):
    """Nothing came in time."""


def client_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def server_tls(folder):
    key, cert = folder / "peer.key", folder / "peer.crt"
    if not cert.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=peer.test", "-days", "2", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


class Client:
    def __init__(self, sock, door, patience):
        self.sock, self.door, self.patience = sock, door, patience
        self.held = b""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if door in IMPLICIT:
            self.start_tls(client_tls(), False)

    @classmethod
    def connect(cls, door, port, patience):
        return cls(socket.create_connection(("127.0.0.1", port), patience), door, patience)

    def start_tls(self, context, is_server):
        if self.held:
            raise AssertionError(f"bytes before the handshake: {self.held[:80]!r}")
        self.sock.settimeout(self.patience)
        self.sock = context.wrap_socket(self.sock, server_side=is_server)

    def send(self, data):
        self.sock.settimeout(self.patience)
        self.sock.sendall(data)

    def pull(self, until):
        """Reads some more; Late at the time `until`, Gone at the end."""
        left = until - time.monotonic()
        if left <= 0:
            raise Late
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError) as e:
            raise Late from e
        except OSError as e:
            raise Gone from e
        if not data:
            raise Gone
        self.held += data

    def line(self, patience=None):
        """One line without CRLF; on doors with literals a line that goes on after them."""
        until = time.monotonic() + (self.patience if patience is None else patience)
        at = 0
        while True:
            end = self.held.find(b"\r\n", at)
            if end < 0:
                if b"\n" in self.held[at:].rstrip(b"\n") and b"\r" not in self.held[at:]:
                    raise AssertionError(f"a line ends in a bare LF: {self.held[at:at + 200]!r}")
                self.pull(until)
                continue
            m = re.search(rb"\{(\d+)\+?\}$", self.held[at:end]) if self.door in LITERALS else None
            if not m:
                break
            at = end + 2 + int(m.group(1))
            while len(self.held) < at:
                self.pull(until)
        line, self.held = self.held[:end], self.held[end + 2 :]
        return line.decode("utf-8", "surrogateescape")

    def silent(self, seconds):
        if self.held:
            return False
        pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
        if pending:
            return False
        return not select.select([self.sock], [], [], seconds)[0]

    def closed(self):
        """True when the peer closes before it sends anything else."""
        if self.held:
            return False
        try:
            self.pull(time.monotonic() + self.patience)
        except Gone:
            return True
        except Late:
            return False
        return False

    def half(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()
