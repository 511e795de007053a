# outgoing.py: A mail submitted with a password over STARTTLS leaves to a server elsewhere, and survives kill -9 before that.
import json
import smtplib
import ssl
import time
from datetime import datetime

from harness import DOMAIN, PASSWORD, Sink, main, message, serve, test

ANN = f"ann@{DOMAIN}"


def submit(server, token, to="you@far.example"):
    with smtplib.SMTP("127.0.0.1", server.port["submission"]) as s:
        s.starttls(context=ssl._create_unverified_context())
        s.login(ANN, PASSWORD)
        s.sendmail(ANN, [to], message("going out", sender=ANN, to=to, token=token))


def relay(sink):
    return [f"queue.relay-host=127.0.0.1:{sink.port}", "queue.retry.first=1s", "queue.tls=never"]


@test
def leaves_at_once():
    sink = Sink()
    server = serve(settings=relay(sink))
    try:
        submit(server, "first")
        assert sink.wait(1), server.cli("queue", "list")
        assert b"token first" in sink.messages[0] and b"Received:" in sink.messages[0]
        time.sleep(0.5)
        assert len(sink.messages) == 1
    finally:
        server.__exit__()
        sink.shutdown()


@test
def leaves_after_a_crash():
    sink = Sink()
    settings = relay(sink)
    sink.shutdown()
    sink.server_close()  # nobody listens: it stays in the queue
    server = serve(settings=settings)
    try:
        submit(server, "waiting")
        server.kill()
        again = Sink()
        server.settings = [*server.settings, f"queue.relay-host=127.0.0.1:{again.port}"]
        server.start()
        assert again.wait(1, 15), server.cli("queue", "list")
        assert b"token waiting" in again.messages[0]
        again.shutdown()
    finally:
        server.__exit__()


@test
def many_over_few_connections():
    sink = Sink()
    server = serve(settings=[*relay(sink), "queue.max-connections-per-destination=2"])
    try:
        with smtplib.SMTP("127.0.0.1", server.port["submission"]) as s:
            s.starttls(context=ssl._create_unverified_context())
            s.login(ANN, PASSWORD)
            for i in range(40):
                s.sendmail(ANN, ["you@far.example"], message("going out", sender=ANN, token=f"m{i}."))
        assert sink.wait(40), server.cli("queue", "list")
        assert sink.connections <= 2, sink.connections
        assert all(any(b"token m%d.\r\n" % i in m for m in sink.messages) for i in range(40))
    finally:
        server.__exit__()
        sink.shutdown()


@test
def tells_why_it_waits():
    sink = Sink()
    settings = [*relay(sink), "queue.retry.first=1h"]
    sink.shutdown()
    sink.server_close()
    server = serve(settings=settings)
    try:
        submit(server, "waiting")
        for _ in range(200):
            row = json.loads(server.cli("--json", "queue", "list"))[0]
            if row["tries"] and not row["trying"]:
                break
            time.sleep(0.05)
        assert row["to"] == "you@far.example" and row["server"] == "127.0.0.1" and row["waiting"] == 1, row
        assert row["answer"] == "451 4.4.1 cannot connect to 127.0.0.1", row
        made, due = (datetime.fromisoformat(row[k].replace("Z", "+00:00")) for k in ("made", "due"))
        assert 3500 < (due - made).total_seconds() < 3700, row
        shown = server.cli("queue", "show", str(row["id"]))
        assert "answer=451 4.4.1 cannot connect" in shown and "state=waiting" in shown, shown
        server.cli("queue", "retry", str(row["id"]))
        for _ in range(200):
            if json.loads(server.cli("--json", "queue", "list"))[0]["tries"] == 2:
                break
            time.sleep(0.05)
        server.cli("queue", "cancel", str(row["id"]))
        assert json.loads(server.cli("--json", "queue", "list")) == []
    finally:
        server.__exit__()


if __name__ == "__main__":
    main()
