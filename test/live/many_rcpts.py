# many_rcpts.py: A message to a list of many mailboxes here goes by way of the queue, and each has it once, kills or not.
import base64
import hashlib
import time

from harness import DOMAIN, Line, imap_session, main, message, serve, test

MEMBERS = 60  # more than one commit takes
PASSWORD = "pass"


def people(server):
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    lines = "".join(f"m{i}@{DOMAIN}:{{SHA}}{digest}\n" for i in range(MEMBERS))
    server.cli("account", "load", stdin=lines)
    server.cli("list", "add", f"everyone@{DOMAIN}", *(f"--member=m{i}@{DOMAIN}" for i in range(MEMBERS)))


def send(server, rcpts, args=""):
    c = Line(server.port["smtp"])
    c.smtp()
    c.smtp("EHLO client.example")
    assert c.smtp(f"MAIL FROM:<ann@{DOMAIN}>").startswith("250")
    for r in rcpts:
        said = c.smtp(f"RCPT TO:<{r}> {args}")
        assert said.startswith("250"), said
    assert c.smtp("DATA").startswith("354")
    c.send(message("to all", sender=f"ann@{DOMAIN}", token="t"))
    said = c.smtp(".")
    assert said.startswith("250"), said
    c.close()


def count(server, user):
    c = Line(server.port["imap"])
    c.line()
    assert c.imap("a", f"LOGIN {user}@{DOMAIN} {PASSWORD}")[-1].startswith("a OK")
    lines = c.imap("b", "STATUS INBOX (MESSAGES)")
    c.close()
    return int(lines[0].split("MESSAGES ")[1].rstrip(")"))


def wait_empty(server):
    for _ in range(400):
        if not server.cli("queue", "list").strip():
            return
        time.sleep(0.05)
    raise AssertionError(server.cli("queue", "list")[:2000])


@test
def each_once():
    server = serve(users=("ann",))
    try:
        people(server)
        send(server, [f"everyone@{DOMAIN}"])
        wait_empty(server)
        send(server, [f"m{i}@{DOMAIN}" for i in range(MEMBERS)], "NOTIFY=SUCCESS")  # and each is reported
        wait_empty(server)
        assert [count(server, f"m{i}") for i in range(MEMBERS)] == [2] * MEMBERS
        c = imap_session(server)
        c.imap("b", "SELECT INBOX")
        text = "\n".join(c.imap("c", "FETCH 1 BODY[]"))
        c.close()
        assert all(f"Final-Recipient: rfc822;m{i}@{DOMAIN}\nAction: delivered\n" in text for i in range(MEMBERS)), text
    finally:
        server.__exit__()


@test
def each_once_over_kills():
    server = serve(users=("ann",))
    try:
        people(server)
        for n in range(5):
            send(server, [f"everyone@{DOMAIN}"])
            time.sleep(0.004 * n)
            server.kill()
            server.start()
        wait_empty(server)
        counts = [count(server, f"m{i}") for i in range(MEMBERS)]
        assert counts == [5] * MEMBERS, counts
    finally:
        server.__exit__()


if __name__ == "__main__":
    main()
