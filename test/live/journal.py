# journal.py: Where stderr is the journal's, events go to its socket in its own form; when it goes away, to stderr again.
import os
import socket
import subprocess
import sys
from pathlib import Path

from harness import DOMAIN, SLOW, Line, Skip, main, message, serve, test

SOCKET = Path("/run/systemd/journal/socket")


def own_run():
    """A /run of our own, in which we are the journal."""
    if os.environ.get("VEREDUS_OWN_RUN"):
        return
    command = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"]), "sh", "-c",
               'mount -t tmpfs tmpfs /run && exec "$@"', "sh"]
    may = subprocess.run(command + ["true"], capture_output=True).returncode == 0
    os.environ["VEREDUS_OWN_RUN"] = "yes" if may else "no"
    if may:
        os.execvp(command[0], command + [sys.executable, *sys.argv])


def fields(datagram):
    """The journal's form: NAME=value lines, or NAME, length and value where the value has line ends."""
    found = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, is_plain, value = line.partition(b"=")
        if not is_plain:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8:8 + size], rest[9 + size:]
        found[name.decode()] = value.decode()
        datagram = rest
    return found


def wait_event(journal, name):
    while (got := fields(journal.recv(65536))).get("EVENT") != name:
        pass
    return got


def deliver(server, subject):
    with Line(server.port["lmtp"]) as c:
        for line in ("LHLO x", "MAIL FROM:<x@far.example>", f"RCPT TO:<ann@{DOMAIN}>", "DATA"):
            c.smtp(line)
        c.send(message(subject))
        said = c.smtp(".")
        while not said.startswith("250 2.0.0"):
            said = c.smtp()
        return said.split()[-1]


@test
def events_reach_the_journal():
    if os.environ["VEREDUS_OWN_RUN"] == "no":
        raise Skip("this machine allows no mounts of our own")
    SOCKET.parent.mkdir(parents=True)
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.settimeout(20 * SLOW)
    journal.bind(str(SOCKET))
    server = serve(journal=True)
    try:
        assert wait_event(journal, "server.started")["SYSLOG_IDENTIFIER"] == "veredus"
        trace = deliver(server, "journal")
        got = wait_event(journal, "mail.delivered")
        assert got["VEREDUS_TRACE"] == trace and got["PRIORITY"] == "6" and got["VEREDUS_DOOR"] == "lmtp", got
        assert got["MESSAGE"].startswith("mail.delivered: a message was delivered;") and trace in got["MESSAGE"]
        assert "mail.delivered" not in server.log.read_text(), "written twice"
        journal.close()
        trace = deliver(server, "no journal")
        assert trace in server.log.read_text(), server.tail()
    finally:
        server.__exit__()


if __name__ == "__main__":
    own_run()
    main()
