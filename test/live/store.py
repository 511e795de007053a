# store.py: `veredus store copy`: a server's mail goes from one engine to the other and is all there; what it must refuse.
import imaplib
import smtplib
import sqlite3

from harness import DOMAIN, PASSWORD, main, message, serve, test

OTHER = '[store."other"]\ntype = "{type}"\npath = "{path}"\n'


def mail_of(server, user):
    """Flags and whole text of each message of the inbox."""
    with imaplib.IMAP4("127.0.0.1", server.port["imap"]) as c:
        c.login(f"{user}@{DOMAIN}", PASSWORD)
        c.select("INBOX")
        rows = c.fetch("1:*", "(UID FLAGS BODY.PEEK[])")[1]
        pairs = [r for r in rows if isinstance(r, tuple)]
        return [(r[0].split()[2], set(imaplib.ParseFlags(r[0])) - {b"\\Recent"}, r[1]) for r in pairs]


def filled(engine):
    server = serve(engine=engine)
    with smtplib.SMTP("127.0.0.1", server.port["smtp"]) as s:
        for i in range(30):
            s.sendmail("you@example.com", [f"ann@{DOMAIN}", f"bob@{DOMAIN}"], message("copied", size=i * 9000, token=f"c{i}."))
    with imaplib.IMAP4("127.0.0.1", server.port["imap"]) as c:
        c.login(f"ann@{DOMAIN}", PASSWORD)
        c.select("INBOX")
        c.store("3:7", "+FLAGS", "(\\Flagged kept)")
    return server


def moved(engine, other):
    server = filled(engine)
    try:
        before = mail_of(server, "ann"), mail_of(server, "bob")
        server.config.write_text(server.config.read_text() + OTHER.format(type=other, path=server.data / "other"))
        out = server.cli("store", "copy", "--from", "main", "--to", "other", code=1)
        assert "stop it first" in out, out
        server.stop()
        out = server.cli("store", "copy", "--from", "main", "--to", "other")
        assert "copied and compared" in out, out
        out = server.cli("store", "copy", "--from", "main", "--to", "other", code=1)
        assert "not empty" in out, out
        server.config.write_text(server.config.read_text().replace('data = "main"\nblob = "main"', 'data = "other"\nblob = "other"'))
        server.start()
        assert len(before[0]) == 30 and sum(b"kept" in flags for _, flags, _ in before[0]) == 5, before[0]
        after = mail_of(server, "ann"), mail_of(server, "bob")
        assert after == before, [(a[:2], b[:2]) for was, now in zip(before, after) for a, b in zip(was, now) if a != b]
    finally:
        server.__exit__()


@test
def rocksdb_to_sqlite():
    moved("rocksdb", "sqlite")


@test
def sqlite_to_rocksdb():
    moved("sqlite", "rocksdb")


@test
def unfinished_copy_is_not_served():
    server = serve(engine="sqlite")
    try:
        server.stop()
        with sqlite3.connect(server.data / "store") as db:
            db.execute("insert into kv0 values (?, ?)", (b"Cc", b"\x01\x03old\x00\x00\x00"))
        server.start(wait=False)
        assert server.process.wait(20) != 0
        assert "unfinished copy" in server.log.read_text() and "--from old --to main" in server.log.read_text()
    finally:
        server.__exit__()


main()
