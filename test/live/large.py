# large.py: A message of 100 MB comes in by each door and is read back, while the server keeps within 128 MB.
import threading
import time

from harness import SLOW, DOMAIN, Watch, imap_session, large, main, serve, smtp_session, test

ANN = f"ann@{DOMAIN}"
LIMIT = 128_000_000


def metric(server, name):
    return next(int(line.split()[-1]) for line in server.cli("metrics").splitlines() if line.startswith(name + " "))


def read_literal(c):
    """Octets of the next literal, piece by piece."""
    line = c.file.readline()
    assert line.rstrip().endswith(b"}"), line
    left = int(line[line.rindex(b"{") + 1:line.rindex(b"}")])
    while left:
        piece = c.file.read(min(left, 1 << 20))
        left -= len(piece)
        yield piece


def read_back(server, box, subject, pieces, own_head):
    """Whole, and a thousand octets at some places; `own_head`: fields were put in front of the message."""
    want = b"".join(pieces)
    with imap_session(server) as c:
        c.imap("a1", f"EXAMINE {box}")
        n = c.imap("a2", f"SEARCH SUBJECT {subject}")[0].split()[-1]
        c.send(f"a3 FETCH {n} BODY.PEEK[]\r\n")
        with Watch(server) as w:
            got = b"".join(read_literal(c))
        while not c.line().startswith("a3 OK"):
            pass
        skip = len(got) - len(want)
        assert (skip > 0) == own_head and got[skip:] == want, f"{len(got)} octets are not the {len(want)} that were sent"
        assert w.most < LIMIT, f"{w.most} bytes resident while it is read"
        for at in (0, 1, len(got) // 2, len(got) - 500):
            before = metric(server, "veredus_store_read_bytes_total")
            c.send(f"a4 FETCH {n} BODY.PEEK[]<{at}.1000>\r\n")
            assert b"".join(read_literal(c)) == got[at:at + 1000]
            while not c.line().startswith("a4 OK"):
                pass
            cost = metric(server, "veredus_store_read_bytes_total") - before
            assert cost < 3 * 131072, f"{cost} bytes read for a thousand"
        shape = " ".join(c.imap("a5", f"FETCH {n} BODYSTRUCTURE"))
        assert '"mixed"' in shape.lower() and '"base64"' in shape, shape


def within(server, w):
    assert w.most < LIMIT, f"{w.most} bytes resident"
    print(f"# at most {w.most // 1000000} MB resident", flush=True)


@test
def by_data(server):
    with smtp_session(server) as c, Watch(server) as w:
        c.smtp("MAIL FROM:<x@far.example>")
        assert c.smtp(f"RCPT TO:<{ANN}>").startswith("250")
        assert c.smtp("DATA").startswith("354")
        for piece in large("data"):
            c.send(piece)
        c.sock.settimeout(60)
        reply = c.smtp(".")
        assert reply.startswith("250"), reply
    within(server, w)
    read_back(server, "INBOX", "data", large("data"), True)


@test
def by_chunks(server):
    with smtp_session(server) as c, Watch(server) as w:
        c.smtp("MAIL FROM:<x@far.example>")
        assert c.smtp(f"RCPT TO:<{ANN}>").startswith("250")
        for piece in large("chunks", 20_000_000):
            c.send(f"BDAT {len(piece)}\r\n".encode() + piece)
            assert c.smtp().startswith("250")
        reply = c.smtp("BDAT 0 LAST")
        assert reply.startswith("250"), reply
    within(server, w)
    read_back(server, "INBOX", "chunks", large("chunks", 20_000_000), True)


@test
def by_append(server):
    size = sum(map(len, large("append")))
    with imap_session(server) as c, Watch(server) as w:
        c.send(f"a1 APPEND Archive {{{size}}}\r\n")
        assert c.line().startswith("+")
        for piece in large("append"):
            c.send(piece)
        c.send("\r\n")
        reply = c.line()
        assert reply.startswith("a1 OK"), reply
    within(server, w)
    read_back(server, "Archive", "append", large("append"), False)


@test
def several_at_once(server):
    """Ten sessions that send 12 MB each."""
    def one(n):
        size = sum(map(len, large(f"many{n}", 12_000_000)))
        with imap_session(server) as c:
            c.send(f"a1 APPEND Archive {{{size}+}}\r\n")
            for piece in large(f"many{n}", 12_000_000):
                c.send(piece)
            c.send("\r\n")
            c.sock.settimeout(60)
            answers.append(c.line())
    answers = []
    threads = [threading.Thread(target=one, args=(n,)) for n in range(10)]
    with Watch(server) as w:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert len(answers) == 10 and all(a.startswith("a1 OK") for a in answers), answers
    within(server, w)


@test
def half_a_message_is_swept(server):
    """kill -9 in the middle of an APPEND: what was written of it goes with the next start."""
    c = imap_session(server)
    before = metric(server, "veredus_store_commits_total")
    c.send("a1 APPEND INBOX {50000000+}\r\n")
    for _, piece in zip(range(20), large("half")):
        c.send(piece)
    deadline = time.monotonic() + 20 * SLOW
    while metric(server, "veredus_store_commits_total") < before + 2:  # pieces are in the store
        assert time.monotonic() < deadline, "no piece was written"
        time.sleep(0.02)
    server.kill()
    c.close()
    server.start()
    log = server.log.read_text()
    assert "store.swept" in log, log[-1000:]
    with imap_session(server) as c:
        assert any("OK" in line for line in c.imap("a1", "SELECT INBOX"))


main(lambda: serve(settings=["memory.limit=128MB", "smtp.max-message-size=150MB"]))
