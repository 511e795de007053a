# objects.py: Content in object stores: the suite of places, mail over Swift's S3, s3rver and Azurite, and their faults.
import hashlib
import http.client
import http.server
import os
import re
import socketserver
import ssl
import subprocess
import sys
import threading
import time

from harness import DOMAIN, SLOW, Skip, imap_session, main, message, needs, serve, smtp_session, test
from objects import NODE, Azurite, S3rver, Swift
from server import ROOT

ANN = f"ann@{DOMAIN}"
SHORT = {"timeout": "2s", "retries": "1"}
STARTED = {}


def long(f):
    """Part of `make soak` only."""
    return test(f) if os.environ.get("VEREDUS_LONG") else f


def store(kind):
    """One of each, for all tests; Swift takes its time and is started first."""
    if isinstance(STARTED.get(kind), threading.Thread):
        STARTED[kind].join()
    if kind not in STARTED or isinstance(STARTED[kind], threading.Thread):
        begin(kind)
    if isinstance(STARTED[kind], Exception):
        raise STARTED[kind]
    return STARTED[kind]


def begin(kind):
    try:
        if kind is not Swift and not NODE.exists():
            raise Skip("test/node is not installed")
        if kind is Swift:
            needs("swift-proxy-server", "memcached")
        STARTED[kind] = kind().__enter__()
    except Exception as e:
        STARTED[kind] = e


def suite(*kinds):
    words = [w for kind in kinds for w in store(kind).suite()]
    program = ROOT / os.environ.get("BUILD", "build") / "unit/blob"
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=120 * SLOW)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@test
def suite_s3rver():
    suite(S3rver)


@test
def suite_azurite():
    suite(Azurite)


@test
def suite_swift():
    """Swift checks signatures."""
    suite(Swift)
    assert store(Swift).objects()[1] == [], "multipart uploads are left"


@test
def suite_of_two():
    """Spread over two stores, and moved from one, and from the data store, to the other."""
    suite(S3rver, Azurite)


def served(s, env=None, **more):
    options = {k.replace("_", "-"): v for k, v in more.items()}
    lines = [line for line in s.settings(**options).splitlines() if not line.endswith('= ""')]
    return serve(extra='[store."objects"]\n' + "\n".join(lines) + "\n", settings=["storage.blob=objects"], env=env)


def send(server, subject, size=0, text=None):
    """The reply to a message, and its text."""
    text = text or message(subject, size=size, token=subject)
    with smtp_session(server) as c:
        c.sock.settimeout(60 * SLOW)
        c.smtp("MAIL FROM:<x@far.example>")
        assert c.smtp(f"RCPT TO:<{ANN}>").startswith("250")
        assert c.smtp("DATA").startswith("354")
        c.send(text + b".\r\n")
        return c.smtp(), text


def literal(c, command):
    """The literal of a FETCH, or the tagged line that refuses it."""
    c.send(f"f1 {command}\r\n")
    line = c.file.readline()
    got = None
    if line.rstrip().endswith(b"}"):
        got = c.file.read(int(line[line.rindex(b"{") + 1:line.rindex(b"}")]))
        line = c.file.readline()
    while not line.startswith(b"f1 "):
        line = c.file.readline()
        assert line, "closed"
    return got if got is not None else line.decode()


def texts(server):
    """By subject, what the inbox holds."""
    out = {}
    with imap_session(server) as c:
        c.sock.settimeout(60 * SLOW)
        n = next(int(line.split()[1]) for line in c.imap("a1", "EXAMINE INBOX") if line.endswith("EXISTS"))
        for i in range(1, n + 1):
            got = literal(c, f"FETCH {i} BODY.PEEK[]")
            assert isinstance(got, bytes), got
            out[got.split(b"Subject: ")[1].split(b"\r\n")[0].decode()] = got
    return out


def metric(server, name):
    return next(int(line.split()[-1]) for line in server.cli("metrics").splitlines() if line.startswith(name + " "))


def mail_over(kind, size):
    """Delivered, read back whole and in ranges, stored once, and there after a restart."""
    s = store(kind)
    server = served(s)
    try:
        sent = {}
        for subject, n in (("small", 300), ("middle", 600_000), ("large", size)):
            reply, sent[subject] = send(server, subject, n)
            assert reply.startswith("250"), reply
        before = metric(server, "veredus_object_calls_total")
        assert send(server, "small", text=sent["small"])[0].startswith("250")
        for _ in range(2):
            got = texts(server)
            assert set(got) == set(sent)
            for subject, text in sent.items():
                assert got[subject].endswith(text), subject
            with imap_session(server) as c:
                c.imap("a1", "EXAMINE INBOX")
                calls = metric(server, "veredus_object_calls_total")
                for at in (0, 100_000, len(got["middle"]) - 10):
                    part = literal(c, f"FETCH 2 BODY.PEEK[]<{at}.200>")
                    assert part == got["middle"][at:at + 200]
                assert metric(server, "veredus_object_calls_total") - calls <= 6, "more was read than the frames"
            server.stop()
            server.start()
        assert before > 0
    finally:
        server.__exit__()
    assert not (report := server.crashed()), report


@long
def mail_over_s3rver():
    mail_over(S3rver, 3_000_000)


@test
def mail_over_azurite():
    mail_over(Azurite, 20_000_000)


@test
def mail_over_swift():
    mail_over(Swift, 20_000_000)
    keys, parts = store(Swift).objects()
    assert keys and not parts


@test
def wrong_secret():
    """Swift says so; the client is asked to come again, and the log says why."""
    s = store(Swift)
    server = served(s, secret_key="wrong", **SHORT)
    try:
        keys = s.objects()[0]
        reply, _ = send(server, "refused")
        assert reply.startswith("451"), reply
        assert "SignatureDoesNotMatch" in server.log.read_text(), server.tail()
        assert s.objects()[0] == keys and texts(server) == {}
    finally:
        server.__exit__()


@test
def keys_from_elsewhere():
    """Of the environment, and of a profile; Swift checks the signatures."""
    s = store(Swift)
    home = s.folder / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws/credentials").write_text(f"[mail]\naws_access_key_id = {s.key}\naws_secret_access_key = {s.secret}\n")
    for n, env in enumerate(({"AWS_ACCESS_KEY_ID": s.key, "AWS_SECRET_ACCESS_KEY": s.secret, "AWS_REGION": s.region},
                             {"HOME": str(home), "AWS_PROFILE": "mail"})):
        server = served(s, env=env, access_key="", secret_key="", region="")
        try:
            reply, text = send(server, f"keys{n}")
            assert reply.startswith("250"), reply
            assert texts(server)[f"keys{n}"].endswith(text)
        finally:
            server.__exit__()


def faults_of(kind):
    """Killed, stopped and started again: refused for a time, within bounds, and nothing that was taken is lost."""
    with kind() as s:
        server = served(s, **SHORT)
        try:
            reply, before = send(server, "before", 200_000)
            assert reply.startswith("250"), reply
            for n, (down, up) in enumerate(((s.kill, s.start), (s.pause, s.resume))):
                down()
                began = time.monotonic()
                reply, _ = send(server, f"during{n}")
                assert reply.startswith("451"), reply
                with imap_session(server) as c:
                    c.imap("a1", "EXAMINE INBOX")
                    got = literal(c, "FETCH 1 BODY.PEEK[]")
                    assert isinstance(got, str) and " NO " in got, got
                took = time.monotonic() - began
                assert took < 12 * SLOW, f"{took} s"
                up()
                wait_for(lambda: send(server, f"after{n}")[0].startswith("250"))
                assert texts(server)["before"].endswith(before)
            assert set(texts(server)) == {"before", "after0", "after1"}
        finally:
            server.__exit__()
        assert not (report := server.crashed()), report


def wait_for(done, most=15):
    end = time.monotonic() + most * SLOW
    while not done():
        assert time.monotonic() < end, "it does not come back"
        time.sleep(0.1)


@test
def faults_of_s3():
    needs("node")
    faults_of(S3rver)


@long
def faults_of_azure():
    needs("node")
    faults_of(Azurite)


class Between(socketserver.ThreadingTCPServer):
    """In front of a store: `mode` says what it does to requests; `asked` counts what it saw."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, store, tls=None):
        self.store, self.mode, self.asked, self.restored, self.tls = store, None, [], False, tls
        super().__init__(("127.0.0.1", 0), BetweenSession)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self):
        sock, peer = super().get_request()
        return (self.tls.wrap_socket(sock, server_side=True) if self.tls else sock), peer

    def handle_error(self, *_):
        pass

    def settings(self, **more):
        scheme = "https" if self.tls else "http"
        return self.store.settings(**{**more, "endpoint": f"{scheme}://127.0.0.1:{self.port}"})


class BetweenSession(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", fields=()):
        self.send_response_only(status)
        for name, value in fields:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in fields):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.command != "HEAD" else b"")

    def error(self, status, code):
        self.answer(status, f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode())

    def act(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        s = self.server
        s.asked.append((self.command, self.path, self.headers.get("x-amz-storage-class")))
        mode = s.mode
        if mode == "busy" and len(s.asked) % 2:  # each second try is good
            return self.error(503, "SlowDown")
        if mode == "cut":
            self.close_connection = True
            return None
        if mode == "slow":
            time.sleep(0.3)
        if mode == "archive" and self.path.endswith("?restore="):
            return self.answer(202)
        if mode == "archive" and self.command == "GET" and not s.restored:
            return self.error(403, "InvalidObjectState")
        return self.forward(body)

    def forward(self, body):
        c = http.client.HTTPConnection("127.0.0.1", self.server.store.port, timeout=30)
        fields = {k: v for k, v in self.headers.items() if k.lower() != "x-amz-storage-class"}
        c.request(self.command, self.path, body, fields)
        r = c.getresponse()
        got = r.read()
        keep = [(k, v) for k, v in r.getheaders() if k.lower() not in ("connection", "transfer-encoding")]
        self.answer(r.status, got, keep)
        c.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = act


@test
def slow_busy_and_cut():
    """A store that is slow is waited for, one that says SlowDown is asked again, one that hangs up is refused in time."""
    between = Between(store(S3rver))
    server = served(between, timeout="3s", retries="3")
    try:
        for mode in ("slow", "busy"):
            between.mode = mode
            reply, text = send(server, mode, 100_000)
            assert reply.startswith("250"), (mode, reply)
            assert texts(server)[mode].endswith(text)
        assert metric(server, "veredus_object_retries_total") > 0
        between.mode = "cut"
        reply, _ = send(server, "cut")
        assert reply.startswith("451"), reply
        between.mode = None
        wait_for(lambda: send(server, "again")[0].startswith("250"))
        assert set(texts(server)) == {"slow", "busy", "again"}
    finally:
        server.__exit__()
        between.shutdown()


@test
def over_tls():
    """Only a certificate that the configured authority signed is taken."""
    s = store(S3rver)
    cert, key = s.folder / "cert.pem", s.folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=store", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-out", cert, "-keyout", key], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    between = Between(s, context)
    try:
        for ca, want in (({"tls.ca": str(cert)}, "250"), ({}, "451")):
            server = served(between, **SHORT, **ca)
            try:
                reply, text = send(server, f"tls{want}")
                assert reply.startswith(want), reply
                assert want != "250" or texts(server)[f"tls{want}"].endswith(text)
            finally:
                server.__exit__()
    finally:
        between.shutdown()


@test
def archived():
    """Content that the store keeps in an archive: it is asked for once a try, and the reader is told to come again."""
    between = Between(store(S3rver))
    server = served(between, storage_class="GLACIER")
    try:
        reply, text = send(server, "old")
        assert reply.startswith("250"), reply
        assert any(c == "GLACIER" for m, _, c in between.asked if m == "PUT")
        between.mode = "archive"
        with imap_session(server) as c:
            c.imap("a1", "EXAMINE INBOX")
            got = literal(c, "FETCH 1 BODY.PEEK[]")
            assert isinstance(got, str) and "NO [UNAVAILABLE]" in got and "archive" in got, got
            assert any(path.endswith("?restore=") for _, path, _ in between.asked)
            between.restored = True
            assert literal(c, "FETCH 1 BODY.PEEK[]").endswith(text)
    finally:
        server.__exit__()
        between.shutdown()


@test
def nothing_acknowledged_is_lost():
    """Clients that deliver while the store goes and comes; whatever got a 250 is there, whole."""
    with S3rver() as s:
        server = served(s, timeout="1s", retries="1")
        taken, stop = {}, threading.Event()

        def client(n):
            for i in range(1000):
                if stop.is_set():
                    return
                subject = f"c{n}.{i}"
                try:
                    reply, text = send(server, subject, i % 3 * 90_000)
                except (OSError, AssertionError):
                    continue
                if reply.startswith("250"):
                    taken[subject] = hashlib.sha256(text).hexdigest()
        threads = [threading.Thread(target=client, args=(n,)) for n in range(4)]
        try:
            for t in threads:
                t.start()
            for down, up in ((s.kill, s.start), (s.pause, s.resume), (s.kill, s.start)):
                count = len(taken)
                wait_for(lambda: len(taken) > count + 5)
                down()
                time.sleep(0.5)  # how long it is away
                up()
            count = len(taken)
            wait_for(lambda: len(taken) > count + 5)
            stop.set()
            for t in threads:
                t.join()
            server.kill()
            server.start()
            got = texts(server)
            for subject, digest in taken.items():
                own = got[subject][got[subject].index(b"From: "):]
                assert hashlib.sha256(own).hexdigest() == digest, subject
            print(f"# {len(taken)} taken, {len(got)} there", flush=True)
        finally:
            stop.set()
            server.__exit__()
        assert not (report := server.crashed()), report


@long
def old_mail_moves():
    """By schedule from the data store to an archive, and it is read from there; a store that is away fails one time, not mail."""
    between = Between(store(S3rver))
    extra = f'[store."cold"]\n{between.settings(**{"storage-class": "GLACIER"}, **SHORT)}'
    extra += '[store."objects"]\ntype = "tiered"\nhot = "main"\ncold = "cold"\nafter = "1s"\n'
    server = serve(extra=extra, settings=["storage.blob=objects", "data-retention.archiving-schedule=* * * * *"])
    try:
        between.mode = "cut"
        sent = {}
        for subject, size in (("small", 300), ("large", 700_000)):
            reply, sent[subject] = send(server, subject, size)
            assert reply.startswith("250"), reply
        wait_for(lambda: "archive.failed" in server.log.read_text(), 90)
        assert all(got.endswith(sent[subject]) for subject, got in texts(server).items())
        between.mode = None
        wait_for(lambda: re.search(r"archive.done: .*moved=2", server.log.read_text()), 90)
        between.mode = "archive"
        with imap_session(server) as c:
            c.imap("a1", "EXAMINE INBOX")
            got = literal(c, "FETCH 1 BODY.PEEK[]")
            assert isinstance(got, str) and "NO [UNAVAILABLE]" in got and "archive" in got, got
        between.restored = True
        got = texts(server)
        assert set(got) == set(sent) and all(got[s].endswith(sent[s]) for s in sent)
    finally:
        server.__exit__()
        between.shutdown()


def close_all():
    for kind, s in list(STARTED.items()):
        if isinstance(s, threading.Thread):
            s.join()
    for s in STARTED.values():
        if hasattr(s, "kill"):
            s.__exit__()


if not sys.argv[1:] or any(word in w for w in sys.argv[1:] for word in ("swift", "secret", "keys")):
    thread = threading.Thread(target=begin, args=(Swift,))
    STARTED[Swift] = thread
    thread.start()
try:
    main()
finally:
    close_all()
