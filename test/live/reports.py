# reports.py: Senders who ask for it hear of a delivery: from us, and from the Postfix behind us, which gets all it needs.
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from harness import DOMAIN, Line, Sink, Skip, imap_session, main, serve, smtp_session, test

ANN, BOB = f"ann@{DOMAIN}", f"bob@{DOMAIN}"
LOGIN = "AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBjb3JyZWN0IGhvcnNl"  # ann, correct horse


def send(server, rcpts, mail="", text="Subject: x\r\n\r\nbody text\r\n"):
    c = Line(server.port["submission"])
    c.smtp()
    c.smtp("EHLO client.example")
    assert c.smtp(LOGIN).startswith("235")
    assert c.smtp(f"MAIL FROM:<{ANN}> {mail}").startswith("250")
    for address, args in rcpts:
        said = c.smtp(f"RCPT TO:<{address}> {args}")
        assert said.startswith("250"), said
    assert c.smtp("DATA").startswith("354")
    said = c.smtp(text + ".")
    assert said.startswith("250"), said
    c.close()


def report(server, n=1):
    """The n-th message in ann's INBOX, waited for."""
    c = imap_session(server)
    for i in range(400):
        lines = c.imap(f"s{i}", "SELECT INBOX")
        if any(line.startswith("* ") and line.endswith(" EXISTS") and int(line.split()[1]) >= n for line in lines):
            break
        time.sleep(0.05)
    text = "\n".join(c.imap("f", f"FETCH {n} BODY[]"))
    c.close()
    return text


@test
def delivered_and_expanded():
    server = serve(settings=["auth.allow-plain-text=true"])
    try:
        server.cli("list", "add", f"all@{DOMAIN}", f"--member={BOB}", "--member=you@far.example")
        send(server, [(BOB, f"NOTIFY=SUCCESS ORCPT=rfc822;robert@{DOMAIN}"), (f"all@{DOMAIN}", "NOTIFY=SUCCESS"), (ANN, "")],
             "ENVID=e+2B1")
        texts = report(server, 1) + report(server, 2)
        assert f"Original-Recipient: rfc822;robert@{DOMAIN}\nFinal-Recipient: rfc822;{BOB}\nAction: delivered\n" in texts, texts
        assert f"Final-Recipient: rfc822;all@{DOMAIN}\nAction: expanded\n" in texts, texts
        assert "Original-Envelope-Id: e+1\n" in texts and f"Final-Recipient: rfc822;{ANN}" not in texts
        assert "body text" not in texts.split("multipart/report")[1]
    finally:
        server.__exit__()


@test
def relayed_to_one_without_dsn():
    sink = Sink()
    server = serve(settings=[f"queue.relay-host=127.0.0.1:{sink.port}", "queue.tls=never", "auth.allow-plain-text=true"])
    try:
        send(server, [("you@far.example", "NOTIFY=SUCCESS,FAILURE")], "RET=FULL")
        assert sink.wait(1)
        text = report(server)
        assert "Action: relayed\n" in text and "Diagnostic-Code: smtp;250 taken\n" in text, text
    finally:
        server.__exit__()
        sink.shutdown()


def postfix(server, sink):
    """A Postfix that gives everything to the sink and mail for DOMAIN back to us. None: it cannot be had here."""
    bench = Path(__file__).resolve().parents[1] / "bench"
    sys.path.insert(0, str(bench))
    import peers
    from sides import Postfix, Side, free_ports
    work = str(bench.parents[1] / "build-bench")
    os.makedirs(work, exist_ok=True)
    if (why := peers.may_run()) or not peers.prefix("postfix", work):
        raise Skip(why or "no Debian package of Postfix")

    class Nobody:
        ports = {"lmtp": 9}
        start = stop = lambda self: None

    class NextHop(Postfix):
        def __init__(self):
            self.folder = tempfile.mkdtemp(prefix="veredus-postfix-")
            os.chmod(self.folder, 0o755)
            Side.__init__(self, self.folder, "postfix")
            self.work, self.store = work, Nobody()
            self.ports = {"smtp": free_ports(1)[0], "sink": sink.port}

        def write(self, path, text):
            if path.endswith("main.cf"):
                text += f"transport_maps = inline:{{ {DOMAIN}=smtp:[127.0.0.1]:{server.port['smtp']} }}\n"
            return super().write(path, text)

    p = NextHop()
    p.start()
    return p


@test
def through_postfix():
    sink = Sink()
    server = serve(settings=["queue.tls=never", "auth.allow-plain-text=true"])
    hop = None
    try:
        hop = postfix(server, sink)
        server.stop()
        server.settings.append(f"queue.relay-host=127.0.0.1:{hop.ports['smtp']}")
        server.start()
        for i in range(20):
            send(server, [(f"you{i}@far.example", "NOTIFY=NEVER")])
        send(server, [("you@far.example", "NOTIFY=SUCCESS ORCPT=rfc822;old@far.example")], "RET=HDRS ENVID=tick-7")
        assert sink.wait(21), server.cli("queue", "list")
        text = report(server)
        assert "Original-Envelope-Id: tick-7" in text and "Action: relayed" in text, text
        assert "Original-Recipient: rfc822;old@far.example" in text, text
    finally:
        if hop:
            hop.stop()
            shutil.rmtree(hop.folder, ignore_errors=True)
        server.__exit__()
        sink.shutdown()


if __name__ == "__main__":
    main()
