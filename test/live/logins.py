# logins.py: Log-in: plain text only in private, a changed password felt at once, a burst of hashes leaves the others alone.
import imaplib
import select
import smtplib
import time

from harness import DOMAIN, PASSWORD, SLOW, Line, imap_session, main, message, serve, test

from figures import load_accounts, metrics


def may_log_in(server, user, password):
    m = imaplib.IMAP4("127.0.0.1", server.port["imap"])
    try:
        m.login(f"{user}@{DOMAIN}", password)
        return True
    except imaplib.IMAP4.error:
        return False
    finally:
        m.shutdown()


@test
def changed_password_is_felt_at_once(server):
    assert may_log_in(server, "bob", PASSWORD) and may_log_in(server, "bob", PASSWORD)
    server.cli("account", "passwd", f"bob@{DOMAIN}", "--password-stdin", stdin="another one\n")
    assert not may_log_in(server, "bob", PASSWORD)
    assert may_log_in(server, "bob", "another one")
    server.cli("account", "passwd", f"bob@{DOMAIN}", "--password-stdin", stdin=PASSWORD + "\n")
    assert may_log_in(server, "bob", PASSWORD)


@test
def refusals_are_alike(server):
    """An unknown user and a wrong password: same words, about the same time."""
    times = []
    for user in ("ann", "nobody"):
        with Line(server.port["imap"]) as c:
            c.line()
            began = time.monotonic()
            done = c.imap("a", f'LOGIN {user}@{DOMAIN} "wrong"')[-1]
            times.append(time.monotonic() - began)
        assert done.startswith("a NO [AUTHENTICATIONFAILED]"), done
    assert abs(times[0] - times[1]) < 0.5 * SLOW, times


@test
def aliases_lists_and_tags(server):
    server.cli("account", "add", f"cyd@{DOMAIN}", "--password-stdin", "--alias", f"sales@{DOMAIN}", stdin=PASSWORD + "\n")
    with smtplib.SMTP("127.0.0.1", server.port["smtp"]) as s:
        s.sendmail("x@far.example", [f"Sales@{DOMAIN.upper()}", f"cyd+tag@{DOMAIN}"], message("to an alias"))
    with imap_session(server, "cyd") as c:
        assert any(line.split()[-1:] == ["EXISTS"] and int(line.split()[1]) >= 1 for line in c.imap("s", "SELECT INBOX"))


def started_again(accounts):
    """A server that remembers no password, and a session of ann that came before all others."""
    server = serve()
    load_accounts(server, accounts, DOMAIN)
    server.stop()
    server.start()
    return server, imap_session(server, "ann")


def ask_to_log_in(server, names):
    """A session each, that has sent its LOGIN and not looked at the answer."""
    sessions = [Line(server.port["imap"], timeout=60) for _ in names]
    for c, name in zip(sessions, names):
        assert c.line().startswith("* OK")
        c.send(f'l LOGIN {name}@{DOMAIN} "{PASSWORD}"\r\n')
    return sessions


@test
def burst_of_logins(_):
    """24 users log in again after a restart: who is in already is answered while their hashes are calculated."""
    names = [f"u{i}" for i in range(24)]
    server, ann = started_again(names)
    try:
        ann.imap("s", "SELECT INBOX")
        sessions = ask_to_log_in(server, names)
        for _ in range(20):
            assert ann.imap("n", "NOOP")[-1].startswith("n OK")
        done, _, _ = select.select([c.sock for c in sessions], [], [], 0)
        assert len(done) < len(names), "the others waited for all hashes"
        assert all(c.line().startswith("l OK") for c in sessions)
    finally:
        server.__exit__()


@test
def one_hash_for_one_password(_):
    """30 sessions of one user, and 30 of another: two hashes."""
    server, _ = started_again(["bill", "carl"])
    try:
        before = metrics(server)["veredus_auth_hashed_total"]
        sessions = ask_to_log_in(server, ["bill", "carl"] * 30)
        assert all(c.line().startswith("l OK") for c in sessions)
        assert metrics(server)["veredus_auth_hashed_total"] - before == 2
    finally:
        server.__exit__()


if __name__ == "__main__":
    main(serve)
