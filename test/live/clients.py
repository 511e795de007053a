# clients.py: Real clients send, read, synchronise: swaks, curl, msmtp, mbsync, neomutt, imaplib.
import imaplib
import os
import pty
import re
import select
import signal
import smtplib
import ssl
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from harness import DOMAIN, PASSWORD, SLOW, environment, main, message, needs, run, serve, test

ANN, BOB = f"ann@{DOMAIN}", f"bob@{DOMAIN}"


def on_terminal(*command, env, seconds=30):
    """Runs a program that wants a screen on a terminal of its own, 40 by 120; what it showed."""
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (40, 120))
    take_terminal = ("import fcntl, os, sys, termios\n"
                     "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\nos.execvp(sys.argv[1], sys.argv[1:])")
    with subprocess.Popen([sys.executable, "-c", take_terminal, *map(str, command)], stdin=terminal, stdout=terminal,
                          stderr=terminal, env=env, start_new_session=True) as p:
        os.close(terminal)
        shown, end = b"", time.monotonic() + seconds * SLOW
        while (left := end - time.monotonic()) > 0 and select.select([screen], [], [], left)[0]:
            try:
                shown += os.read(screen, 4096)
            except OSError:  # EIO: the program is gone
                break
        if p.poll() is None and time.monotonic() >= end:
            os.killpg(p.pid, signal.SIGKILL)
        os.close(screen)
    text = shown.decode(errors="replace")
    assert p.returncode == 0, f"{command[0]}: exit {p.returncode}: {text[-1500:]}"
    return text


def imap(server, user="ann", tls=False):
    if tls:
        context = ssl._create_unverified_context()
        m = imaplib.IMAP4_SSL("127.0.0.1", server.port["imaps"], ssl_context=context)
    else:
        m = imaplib.IMAP4("127.0.0.1", server.port["imap"])
    m.login(f"{user}@{DOMAIN}", PASSWORD)
    return m


def has_subject(server, subject, user="ann", box="INBOX"):
    m = imap(server, user)
    m.select(box, readonly=True)
    found = m.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
    m.logout()
    return len(found)


@test
def swaks_delivers(server):
    needs("swaks")
    run("swaks", "--server", f"127.0.0.1:{server.port['smtp']}", "--from", "x@far.example", "--to", ANN,
        "--header", "Subject: by swaks")
    assert has_subject(server, "by swaks") == 1


@test
def swaks_starttls(server):
    needs("swaks")
    text = run("swaks", "--server", f"127.0.0.1:{server.port['smtp']}", "-tls", "--from", "x@far.example", "--to", ANN,
               "--header", "Subject: under TLS")
    assert "TLS started" in text and has_subject(server, "under TLS") == 1


@test
def swaks_submits_with_each_mechanism(server):
    needs("swaks")
    for mech in ("PLAIN", "LOGIN"):
        run("swaks", "--server", f"127.0.0.1:{server.port['submission']}", "-tls", "--auth", mech, "--auth-user", ANN,
            "--auth-password", PASSWORD, "--from", ANN, "--to", BOB, "--header", f"Subject: auth {mech}")
        assert has_subject(server, f"auth {mech}", "bob") == 1


@test
def swaks_is_refused(server):
    needs("swaks")
    at = f"127.0.0.1:{server.port['submission']}"
    text = run("swaks", "--server", at, "-tls", "--auth", "PLAIN", "--auth-user", ANN, "--auth-password", "wrong",
               "--from", ANN, "--to", BOB, code=28)
    assert "535 5.7.8" in text, text
    text = run("swaks", "--server", at, "-tls", "--auth", "PLAIN", "--auth-user", ANN, "--auth-password", PASSWORD,
               "--from", BOB, "--to", BOB, code=23)
    assert "5.7.1" in text, text
    text = run("swaks", "--server", f"127.0.0.1:{server.port['smtp']}", "--from", "x@far.example", "--to",
               "y@far.example", code=24)
    assert "550 5.7.1" in text, text


@test
def curl_sends_and_reads(server):
    needs("curl")
    with tempfile.TemporaryDirectory() as folder:
        mail = Path(folder) / "mail"
        mail.write_bytes(message("by curl", token="curl-token", size=100000))
        run("curl", "-sS", f"smtp://127.0.0.1:{server.port['smtp']}/client.example", "--mail-from", "x@far.example",
            "--mail-rcpt", ANN, "--upload-file", mail)
        base = f"imap://127.0.0.1:{server.port['imap']}"
        found = run("curl", "-sS", "-u", f"{ANN}:{PASSWORD}", f"{base}/INBOX?SUBJECT%20%22by%20curl%22")
        number = re.search(r"\* SEARCH (\d+)", found).group(1)
        text = run("curl", "-sS", "-u", f"{ANN}:{PASSWORD}", f"{base}/INBOX;MAILINDEX={number}")
        assert "curl-token" in text and mail.read_bytes().decode().split("\r\n\r\n")[1].strip() in text.replace("\r", "").replace("\n", "\r\n")
        assert "INBOX" in run("curl", "-sS", "-u", f"{ANN}:{PASSWORD}", base)
        secure = f"imaps://127.0.0.1:{server.port['imaps']}/INBOX;MAILINDEX={number}"
        text = run("curl", "-sSk", "--login-options", "AUTH=PLAIN", "-u", f"{ANN}:{PASSWORD}", secure)
        assert "curl-token" in text


def msmtp(server, mech):
    needs("msmtp")
    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder) / "msmtprc"
        conf.write_text(f"defaults\ntls on\ntls_starttls on\ntls_certcheck off\nauth {mech}\naccount default\nhost 127.0.0.1\n"
                        f"port {server.port['submission']}\nfrom {ANN}\nuser {ANN}\npassword {PASSWORD}\n")
        conf.chmod(0o600)
        run("msmtp", "-C", conf, BOB, stdin=message(f"by msmtp {mech}", sender=ANN, to=BOB))
    assert has_subject(server, f"by msmtp {mech}", "bob") == 1


@test
def msmtp_submits(server):
    msmtp(server, "plain")


@test
def msmtp_proves_by_scram(server):
    msmtp(server, "scram-sha-256")


@test
def smtplib_pipelines_recipients(server):
    with smtplib.SMTP("127.0.0.1", server.port["smtp"]) as s:
        refused = s.sendmail("x@far.example", [ANN, BOB, f"nobody@{DOMAIN}"], message("to three"))
    assert list(refused) == [f"nobody@{DOMAIN}"] and refused[f"nobody@{DOMAIN}"][0] == 550
    assert has_subject(server, "to three") == 1 and has_subject(server, "to three", "bob") == 1


@test
def lmtplib_delivers(server):
    with smtplib.LMTP("127.0.0.1", server.port["lmtp"]) as s:
        s.sendmail("x@far.example", [ANN], message("by LMTP"))
    assert has_subject(server, "by LMTP") == 1


@test
def imaplib_organises(server):
    m = imap(server, tls=True)
    assert m.create("Work")[0] == "OK" and m.create("Work/2026")[0] == "OK"
    body = message("appended", token="kept")
    assert m.append("Work", r"(\Flagged)", None, body)[0] == "OK"
    assert m.select("Work")[1] == [b"1"]
    assert m.fetch("1", "(BODY.PEEK[])")[1][0][1] == body
    assert b"\\Flagged" in m.fetch("1", "(FLAGS UID RFC822.SIZE ENVELOPE BODYSTRUCTURE)")[1][0]
    assert m.store("1", "+FLAGS", r"(\Seen $Forwarded)")[0] == "OK"
    assert m.uid("COPY", "1", '"Work/2026"')[0] == "OK"
    assert m.store("1", "+FLAGS", r"(\Deleted)")[0] == "OK" and m.expunge()[1] == [b"1"]
    assert m.select('"Work/2026"')[1] == [b"1"]
    assert b"$Forwarded" in m.fetch("1", "(FLAGS)")[1][0]
    assert m.rename("Work/2026", "Work/2027")[0] == "OK" and m.delete("Work/2027")[0] == "OK"
    assert not any(b"2027" in line for line in m.list()[1] if line)
    assert m.status("INBOX", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)")[0] == "OK"
    m.logout()


@test
def mbsync_goes_both_ways(server):
    needs("mbsync")
    m = imap(server, "bob")
    m.create("Sync")
    for i in range(20):
        m.append("Sync", None, None, message(f"sync {i}", token=f"sync-{i}"))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "mail").mkdir()
        conf = home / "mbsyncrc"
        conf.write_text(f"""IMAPAccount a
Host 127.0.0.1
Port {server.port['imap']}
User {BOB}
Pass "{PASSWORD}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
Path {home}/mail/
Inbox {home}/mail/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns Sync
Create Both
Expunge Both
SyncState *
""")
        run("mbsync", "-c", conf, "-a", env=environment(home))
        got = list((home / "mail/Sync").glob("*/*"))
        got = [p for p in got if p.parent.name in ("cur", "new")]
        assert len(got) == 20, len(got)
        (home / "mail/Sync/new/1.local").write_bytes(message("from near").replace(b"\r\n", b"\n"))
        got[0].rename(home / "mail/Sync/cur" / (got[0].name.split(":")[0] + ":2,FS"))
        got[1].unlink()
        run("mbsync", "-c", conf, "-a", env=environment(home))
    m.select("Sync")
    assert len(m.search(None, "ALL")[1][0].split()) == 20
    assert len(m.search(None, "SUBJECT", '"from near"')[1][0].split()) == 1
    assert len(m.search(None, "FLAGGED", "SEEN")[1][0].split()) == 1
    m.logout()


@test
def neomutt_reads_and_tags(server):
    needs("neomutt")
    m = imap(server)
    m.create("Mutt")
    for i in range(3):
        m.append("Mutt", None, None, message(f"mutt {i}"))
    with tempfile.TemporaryDirectory() as folder:
        rc = Path(folder) / "rc"
        (Path(folder) / "Mail").mkdir()
        rc.write_text(f'set imap_user="{ANN}"\nset imap_pass="{PASSWORD}"\nset ssl_starttls=no\nset ssl_force_tls=no\n'
                      f'set header_cache=""\nset sort=date\nset imap_authenticators="login"\nset quit=yes\nset wait_key=no\n'
                      f"set delete=yes\nset confirmappend=no\nset timeout=1\n")
        keys = "push <first-entry><flag-message><last-entry><delete-message><sync-mailbox><quit>"
        url = f"imap://127.0.0.1:{server.port['imap']}/Mutt"
        text = on_terminal("neomutt", "-n", "-F", rc, "-e", keys, "-f", url, env=environment(folder))
    m.select("Mutt")
    left = len(m.search(None, "ALL")[1][0].split())
    assert left == 2, f"{left} left; {text[-800:]}"
    assert len(m.search(None, "FLAGGED")[1][0].split()) == 1
    m.logout()


if __name__ == "__main__":
    main(serve)
