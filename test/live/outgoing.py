# outgoing.py: A mail submitted with a password over STARTTLS leaves to a server elsewhere, and survives kill -9 before that.
import json
import os
import smtplib
import ssl
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path

from harness import DOMAIN, PASSWORD, Sink, main, message, serve, test
from server import ROOT, free_port
from unpacked import postfix_tool

ANN = f"ann@{DOMAIN}"


def submit(server, token, to="you@far.example"):
    with smtplib.SMTP("127.0.0.1", server.port["submission"]) as s:
        s.starttls(context=ssl._create_unverified_context())
        s.login(ANN, PASSWORD)
        s.sendmail(ANN, [to], message("going out", sender=ANN, to=to, token=token))


def relay(sink, tls="never"):
    return [f"queue.relay-host=127.0.0.1:{sink.port}", "queue.retry.first=1s", f"queue.tls={tls}"]


def certified():
    """A TLS server's context with a certificate that nobody signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=sink.example", "-keyout", f"{folder}/key", "-out", f"{folder}/cert"],
                       check=True, capture_output=True)
        context.load_cert_chain(f"{folder}/cert", f"{folder}/key")
    return context


def sent_with(tls, offers, n=1):
    """Submits n messages under the policy `tls` to a sink that offers so; the sink, and the queue as JSON."""
    sink = Sink(tls=offers)
    server = serve(settings=[*relay(sink, tls), "queue.max-connections-per-destination=1"])
    try:
        for i in range(n):
            submit(server, f"t{i}.")
        if tls != "require" or offers not in (None, "broken"):
            sink.wait(n)
        rows = json.loads(server.cli("--json", "queue", "list"))
        while not sink.messages and rows and not rows[0]["tries"]:
            time.sleep(0.05)
            rows = json.loads(server.cli("--json", "queue", "list"))
        return sink, rows
    finally:
        server.__exit__()
        sink.shutdown()


@test
def takes_tls_when_offered():
    sink, rows = sent_with("opportunistic", certified(), 3)
    assert len(sink.messages) == 3 and sink.secured == sink.connections, (rows, sink.secured, sink.connections)


@test
def goes_without_tls_when_the_handshake_fails():
    sink, rows = sent_with("opportunistic", "broken")
    assert len(sink.messages) == 1 and sink.connections == 2, (rows, sink.connections)


@test
def waits_when_required_tls_is_not_offered():
    sink, rows = sent_with("require", None)
    assert not sink.messages and "4.7.10" in rows[0]["answer"], rows
    sink, rows = sent_with("require", "broken")
    assert not sink.messages and "4.7.5" in rows[0]["answer"], rows
    sink, rows = sent_with("require", certified())
    assert len(sink.messages) == 1 and sink.secured == 1, rows


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
def leaves_to_smtp_sink():
    """Postfix's own sink: three submitted messages lie in its folder, each whole."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        words, env = postfix_tool(ROOT / os.environ.get("BUILD", "build"), "smtp-sink")
        run_as = ["-u", "nobody"] if os.geteuid() == 0 else []
        os.chmod(folder, 0o777)
        sink = subprocess.Popen([*words, *run_as, "-d", f"{folder}/m.", f"127.0.0.1:{port}", "10"], env=env)
        server = serve(settings=[f"queue.relay-host=127.0.0.1:{port}", "queue.retry.first=1s"])
        try:
            for i in range(3):
                submit(server, f"s{i}.")
            kept = []
            for _ in range(400):
                kept = [p.read_bytes() for p in Path(folder).iterdir()]
                if len(kept) == 3 and all(b"token" in m for m in kept) and json.loads(server.cli("--json", "queue", "list")) == []:
                    break
                time.sleep(0.05)
            assert json.loads(server.cli("--json", "queue", "list")) == [], kept
            assert sorted(m.count(b"token s%d." % i) for m in kept for i in range(3)) == [0] * 6 + [1] * 3, kept
        finally:
            server.__exit__()
            sink.terminate()
            sink.wait()


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
