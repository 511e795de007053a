# metrics.py: Each figure appears in /metrics, `veredus status` and the live stream, and moves; one id follows a message.
import base64
import http.client
import json
import re
import smtplib
import ssl
import time

from harness import DOMAIN, PASSWORD, SLOW, Line, Sink, imap_session, main, message, serve, smtp_session, test
from server import free_port

ANN, ROOT = f"ann@{DOMAIN}", f"root@{DOMAIN}"
# each counts up while mail flows
MOVE = """veredus_connections_total veredus_tls_handshakes_total veredus_net_received_bytes_total
veredus_net_sent_bytes_total veredus_smtp_accepted_total veredus_mails_in_per_minute veredus_mail_delivered_total
veredus_mail_delivered_bytes_total veredus_queue_sent_total veredus_mails_out_per_minute veredus_queue_deferred_total
veredus_queue_messages veredus_imap_commands_total veredus_store_gets_total veredus_store_scans_total
veredus_store_read_bytes_total veredus_store_commits_total veredus_store_flushes_total
veredus_store_commit_microseconds_count veredus_store_flush_microseconds_count veredus_auth_ok_total
veredus_auth_failed_total veredus_auth_hashed_total veredus_cache_hits_total{cache="auth"}
veredus_cache_misses_total{cache="auth"} veredus_cache_hits_total{cache="directory"}
veredus_cache_misses_total{cache="directory"} veredus_cache_hits_total{cache="mail"}
veredus_cache_misses_total{cache="mail"} veredus_cpu_microseconds
veredus_memory_bytes{kind="session"} veredus_refusals_total{reason="USER_UNKNOWN"}
veredus_sessions{service="imap",step="idle"} veredus_disk_written_bytes_total""".split()
# these are there; what moves them would need a disk or a store that is in trouble
THERE = """veredus_workers_blocked veredus_disk_read_bytes_total veredus_store_conflicts_total
veredus_cache_hits_total{cache="dns"} veredus_cache_misses_total{cache="dns"} veredus_queue_failed_total
veredus_memory_resident_bytes veredus_memory_allocated_bytes veredus_memory_limit_bytes
veredus_memory_bytes{kind="arena"} veredus_connections veredus_connections_refused_total""".split()
SMTP = "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP STARTTLS AUTH".split()
IMAP = """APPEND CAPABILITY CHECK CLOSE COPY CREATE DELETE ENABLE EXAMINE EXPUNGE FETCH ID IDLE LIST LOGIN LSUB MOVE
NAMESPACE NOOP RENAME SEARCH SELECT STATUS STORE SUBSCRIBE UNSELECT UNSUBSCRIBE""".split()


def scrape(port):
    """Name with labels: value; checks the form of Prometheus' text on the way."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10 * SLOW)
    c.request("GET", "/metrics")
    answer = c.getresponse()
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    figures, typed = {}, set()
    for line in answer.read().decode().splitlines():
        if m := re.fullmatch(r"# TYPE (\w+) (counter|gauge|summary)", line):
            assert m.group(1) not in typed, f"two types of {m.group(1)}"
            typed.add(m.group(1))
        elif not re.fullmatch(r"# HELP \w+ .+", line):
            m = re.fullmatch(r'((\w+?)(?:_sum|_count)?(?:\{(?:\w+="[^"]*",?)+\})?) (\d+)', line)
            assert m and m.group(1) not in figures, line
            assert m.group(2) in typed or re.sub(r"\{.*", "", m.group(1)) in typed, line
            figures[m.group(1)] = int(m.group(3))
    return figures


def live(server, query="", user=ROOT, lines=3):
    c = http.client.HTTPConnection("127.0.0.1", server.port["http"], timeout=10 * SLOW)
    token = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
    c.request("GET", f"/api/telemetry/metrics/live?{query}", headers={"Authorization": f"Basic {token}"})
    answer = c.getresponse()
    if answer.status != 200:
        return answer.status, answer.read().decode()
    text = b"".join(answer.readline() for _ in range(lines)).decode()
    c.close()
    return 200, json.loads(re.search(r"^data: *(.*)$", text, re.M).group(1))


def smtp_mail(server):
    with smtp_session(server) as c:
        for line in ("HELO again", "NOOP", "HELP", "VRFY ann", "MAIL FROM:<x@far.example>", "RSET",
                     "MAIL FROM:<x@far.example>", f"RCPT TO:<nobody@{DOMAIN}>", f"RCPT TO:<{ANN}>"):
            c.smtp(line)
        c.smtp("DATA")
        c.send(message("counted"))
        assert c.smtp(".").startswith("250")
        c.smtp("MAIL FROM:<x@far.example>")
        c.smtp(f"RCPT TO:<{ANN}>")
        c.send("BDAT 12 LAST\r\nSubject: x\r\n")
        assert c.smtp().startswith("250")


def submit(server, *to):
    with smtplib.SMTP("127.0.0.1", server.port["submission"]) as s:
        s.starttls(context=ssl._create_unverified_context())
        s.login(ANN, PASSWORD)
        s.sendmail(ANN, to, message("away", sender=ANN, to=to[0]))


def imap_use(c):
    """Every command of IMAP; its session rests in IDLE at the end."""
    for i, line in enumerate(f'''CAPABILITY|ID NIL|NAMESPACE|ENABLE CONDSTORE|CREATE A|SUBSCRIBE A|LIST "" *|LSUB "" *
|STATUS INBOX (MESSAGES)|EXAMINE INBOX|UNSELECT|SELECT INBOX|FETCH 1 (FLAGS BODY[])|STORE 1 +FLAGS (x)|SEARCH ALL
|COPY 1 A|MOVE 1 A|NOOP|CHECK|EXPUNGE|CLOSE|UNSUBSCRIBE A|RENAME A B|DELETE B'''.split("|")):
        done = c.imap(f"c{i}", line.strip())
        assert " OK" in done[-1], (line, done)
    body = message("appended")
    c.send(f"a APPEND INBOX {{{len(body)}+}}\r\n".encode() + body + b"\r\n")
    while not c.line().startswith("a OK"):
        pass
    for word in ("SELECT INBOX", "IDLE"):
        c.send(f"i {word}\r\n")
        while not re.match(r"i OK|\+", c.line()):
            pass
    c.send("DONE\r\n")
    while not c.line().startswith("i OK"):
        pass
    c.send("j IDLE\r\n")
    while not c.line().startswith("+"):
        pass


def use(server):
    smtp_mail(server)
    submit(server, "you@far.example")
    with Line(server.port["imap"]) as c:
        assert " NO " in c.imap("x", f"LOGIN {ANN} wrong")[-1]
    submit(server, ANN)  # the same password again: from the cache


def until(what, seconds=10):
    """The figures of the second before are enough, so they may come late."""
    end = time.monotonic() + seconds * SLOW
    while True:
        left = what()
        if not left:
            return
        assert time.monotonic() < end, f"not moved: {left}"
        time.sleep(0.1)


@test
def figures_move():
    sink, port = Sink(), free_port()
    server = serve(settings=[f"queue.relay-host=127.0.0.1:{sink.port}", "queue.tls=never"],
                   extra=f'[metrics]\nenable = true\nbind = "127.0.0.1:{port}"\n')
    try:
        server.add_account(ROOT, PASSWORD, "--role=admin")
        before = scrape(port)
        use(server)
        assert sink.wait(1)
        with imap_session(server) as c:
            imap_use(c)
            submit(server, "later@far.example")
            missing = [n for n in MOVE + THERE if n not in scrape(port) and "{reason" not in n]
            assert not missing, f"not in /metrics: {missing}"
            most = dict(before)  # gauges fall again

            def still():
                for name, value in scrape(port).items():
                    most[name] = max(value, most.get(name, 0))
                commands = [f'veredus_smtp_command_microseconds_count{{command="{w}"}}' for w in SMTP]
                commands += [f'veredus_imap_command_microseconds_count{{command="{w}"}}' for w in IMAP]
                return [n for n in MOVE + commands if most[n] <= before.get(n, 0)]
            until(still)
            times = [f'veredus_{d}_command_microseconds{{command="{w}",quantile="{q}"}}'
                     for d, words in (("smtp", SMTP), ("imap", IMAP)) for w in words for q in ("0.5", "0.95", "0.99")]
            assert all(n in most for n in times), [n for n in times if n not in most]
            slow = [n for n in times if re.search(r'"(DATA|AUTH|APPEND|STORE|LOGIN)"', n)]
            assert all(most[n] > 0 for n in slow), [n for n in slow if not most[n]]
            in_status(server)
            in_the_stream(server)
        assert not server.crashed(), server.crashed()
    finally:
        server.__exit__()
        sink.shutdown()


@test
def questions_are_counted():
    server = serve(extra='[dns]\nservers = ["127.0.0.1:1"]\n')
    try:
        submit(server, "you@far.example")
        until(lambda: json.loads(server.cli("status", "--json"))["cache-dns-misses"] == 0)
    finally:
        server.kill()  # a polite end would wait for the question
        server.__exit__()


def in_status(server):
    status = json.loads(server.cli("status", "--json"))
    for name in ("mails-in-per-minute", "mails-out-per-minute", "queue", "session imap/idle", "store-commits",
                 "store-flushes", "store-gets", "store-scans", "store_commit p50 us", "store_commit p99 us",
                 "store_flush p95 us", "cache-auth-hits", "cache-directory-hits", "cache-mail-hits",
                 "imap FETCH p50 us", "imap FETCH p95 us", "smtp DATA p99 us", "cpu-us", "memory-resident", "memory-arena", "disk-written",
                 "net-received", "net-sent"):
        assert status.get(name, 0) > 0, f"{name} of status: {status.get(name)}"
    for name in ("blocked", "cache-dns-hits", "disk-read"):
        assert name in status, name
    text = server.cli("status")
    assert re.search(r"^imap FETCH +p50 \d+ p95 \d+ p99 \d+ us of \d+ times$", text, re.M), text


def in_the_stream(server):
    code, figures = live(server)
    assert code == 200
    got = {f["id"] for f in figures}
    families = {re.sub(r"_count(?=\{|$)", "", n) if "microseconds" in n else n for n in MOVE + THERE}
    missing = {n for n in families if n not in got and not n.startswith(("veredus_refusals", "veredus_sessions"))}
    assert not missing, missing
    assert {"id": "veredus_sessions", "service": "imap", "step": "idle", "value": 1} in figures, figures[-20:]
    fetch = [f for f in figures if f["id"] == 'veredus_imap_command_microseconds{command="FETCH"}'][0]
    assert fetch["value"] >= 1 and 0 < fetch["p50"] <= fetch["p95"] <= fetch["p99"], fetch
    code, figures = live(server, "metrics=veredus_queue_messages,veredus_cache_hits_total,veredus_sessions&interval=1")
    ids = [f["id"] for f in figures]
    assert code == 200 and ids[0] == "veredus_queue_messages" and len([i for i in ids if "cache_hits" in i]) == 4
    assert live(server, "metrics=veredus_nothing")[0] == 404
    assert live(server, user=ANN)[0] == 403


def events(server):
    for line in server.log.read_text(errors="replace").splitlines():
        if line.startswith("{"):
            yield json.loads(line)


@test
def one_id_follows_a_message():
    sink = Sink()
    server = serve(settings=[f"queue.relay-host=127.0.0.1:{sink.port}", "queue.tls=never", "log.level=debug",
                             "log.format=json"])
    try:
        with smtplib.SMTP("127.0.0.1", server.port["submission"]) as s:
            s.starttls(context=ssl._create_unverified_context())
            s.login(ANN, PASSWORD)
            s.sendmail(ANN, [ANN, "you@far.example", f"nobody@{DOMAIN}"], message("away", sender=ANN))
        assert sink.wait(1)
        until(lambda: "queue.sent" not in {e["event"] for e in events(server)})
        about = [e for e in events(server) if e["event"].startswith(("smtp.", "mail.", "queue."))]
        ids = {e.get("trace") for e in about}
        assert {"smtp.refused", "mail.delivered", "queue.added", "queue.sent"} <= {e["event"] for e in about}, about
        assert len(ids) == 1 and None not in ids, about
        assert ids.pop().encode() in sink.messages[0], "the id is not in Received"
    finally:
        server.__exit__()
        sink.shutdown()


if __name__ == "__main__":
    main()
