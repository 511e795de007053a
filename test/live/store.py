# store.py: `veredus store`: mail goes from one engine to the other and is all there; faults in a store are found and mended.
import imaplib
import json
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
        c.create("Copies")
        c.copy("10:12", "Copies")
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


def check(server, *options, code=0):
    """What `store check` found, and its summary."""
    rows = [json.loads(line) for line in server.cli("--json", "store", "check", *options, code=code).splitlines()]
    return rows[:-1], rows[-1]


def spoil(server):
    """One fault of each kind, put into the file as a bad disk or a bug would; how many."""
    with sqlite3.connect(server.data / "store") as db:
        def one(what):
            return db.execute("select k, v from kv0 where " + what + " order by k limit 1").fetchone()

        # an address that leads to nobody, one that leads nowhere, a number too low
        ann = one("k = cast('Daexample.org' || char(0) || 'ann' as blob)")
        db.execute("delete from kv0 where k = ?", (ann[0],))
        db.execute("insert into kv0 values (?, ?)", (b"Daexample.org\0nobody", b"\0\0\1\0"))
        db.execute("update kv0 set v = ? where k = ?", (b"\0\0\0\1", b"Dn"))
        # the queue's count, and a place of no message
        db.execute("insert or replace into kv0 values (?, ?)", (b"Qn", b"\7" + bytes(7)))
        db.execute("insert into kv0 values (?, ?)", (b"Qd" + bytes(8) + b"\0\0\0\0\0\0\0\1", b"x.example"))
        # one of a message's two places, both of another's, and one of none
        places = [r[0] for r in db.execute("select k from kv0 where substr(k, 1, 1) = cast('A' as blob) and "
                                           "substr(k, 6, 2) = cast('mi' as blob) order by k")]
        assert len(places) == 6, places
        for place in places[:3]:
            db.execute("delete from kv0 where k = ?", (place,))
        db.execute("insert into kv0 values (?, ?)", (places[4][:-4] + b"\0\0\xff\0", b""))
        # a record that cannot be read, and content that is not what its hash says
        record = db.execute("select k from kv0 where substr(k, 1, 1) = cast('A' as blob) and substr(k, 6, 2) = "
                            "cast('mr' as blob) order by k limit 1 offset 3").fetchone()[0]
        db.execute("update kv0 set v = ? where k = ?", (b"\1nonsense", record))
        frame = db.execute("select k, v from kv1 order by length(v) desc limit 1").fetchone()
        db.execute("update kv1 set v = ? where k = ?", (frame[1][:-40] + b"x" * 40, frame[0]))


@test
def check_finds_and_mends():
    server = filled("sqlite")
    try:
        server.stop()
        found, end = check(server)
        assert found == [] and end["read"] > 200, (found, end)
        spoil(server)
        seen, end = check(server, "--dry-run", code=1)
        again, end2 = check(server, "--dry-run", code=1)
        assert seen == again and end["dry_run"], seen
        found, end = check(server, code=1)
        text = "\n".join(f"{f['kind']}: {f['what']}" for f in found)
        for wanted in ("mended: ann@example.org leads to principal", "mended: nobody@example.org led to nobody",
                       "mended: the next principal's id", "mended: queue: the count of messages is 0 again, and was 7",
                       "mended: queue: a place in the index led to nothing", "has its place again",
                       "mended: account 1: a place of a message that is not there", "its record cannot be read",
                       "octets is damaged", '"copied" has lost its content'):
            assert wanted in text, (wanted, text)
        assert text.count("has its place again") == 3, text
        assert check(server)[0] == [], "it is mended"
        server.start()
        left = mail_of(server, "ann")
        assert len(left) == 28 and all(b"token c" in body for _, _, body in left), len(left)
        assert server.cli("account", "show", f"ann@{DOMAIN}").count("31") == 1
    finally:
        server.__exit__()


main()
