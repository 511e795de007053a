# logins.py: Log-in: plain text only in private, a changed password felt at once, a burst of hashes leaves the others alone.
import imaplib
import smtplib
import threading
import time

from harness import DOMAIN, PASSWORD, SLOW, Line, imap_session, main, message, serve, smtp_session, test


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


@test
def burst_of_logins(_):
    """60 sessions that log in again after a restart (no cache): who is in already waits for none of them."""
    server = serve()
    try:
        busy = smtp_session(server)
        done, waits, stop = [], [], threading.Event()

        def log_in():
            done.append(may_log_in(server, "ann", PASSWORD))

        def measure():
            while not stop.is_set():
                began = time.monotonic()
                busy.smtp("NOOP")
                waits.append(time.monotonic() - began)
                time.sleep(0.01)

        meter = threading.Thread(target=measure)
        meter.start()
        burst = [threading.Thread(target=log_in) for _ in range(60)]
        for t in burst:
            t.start()
        for t in burst:
            t.join()
        stop.set()
        meter.join()
        p99 = sorted(waits)[int(len(waits) * 0.99)]
        print(f"# p99 of the others {p99 * 1000:.1f} ms over {len(waits)} commands")
        assert all(done) and len(done) == 60
        assert p99 < 0.2 * SLOW, p99
    finally:
        server.__exit__()


if __name__ == "__main__":
    main(serve)
