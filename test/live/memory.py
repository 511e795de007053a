# memory.py: Figures of memory agree, a group's limit is followed, and over the limit clients are sent away politely.
import base64
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from figures import child_of  # noqa: E402
from harness import DOMAIN, PASSWORD, SLOW, Line, Skip, imap_session, main, serve, smtp_session, test  # noqa: E402

ROOT = f"root@{DOMAIN}"
KINDS = "other arena buffer session cache store index queue tls engine rest".split()


def live(server):
    """server.memory, as the live figures have it."""
    c = http.client.HTTPConnection("127.0.0.1", server.port["http"], timeout=10 * SLOW)
    token = base64.b64encode(f"{ROOT}:{PASSWORD}".encode()).decode()
    c.request("GET", "/api/telemetry/metrics/live?metrics=server.memory,veredus_memory_resident_bytes,veredus_memory_bytes"
              "&interval=1", headers={"Authorization": f"Basic {token}"})
    answer = c.getresponse()
    assert answer.status == 200, answer.status
    got = []
    while len(got) < 3:
        if m := re.match(r"data: *(.*)", answer.readline().decode()):
            got.append(json.loads(m.group(1)))
    c.close()
    return got


def agree(m):
    """All of one instant."""
    parts = m["subsystems"]
    assert sorted(parts) == sorted(KINDS), parts
    assert sum(parts.values()) == m["allocated"], m
    assert sum(m["caches"].values()) == m["cached"] <= m["allocated"], m
    assert m["allocated"] <= m["active"] <= m["resident"], m
    assert m["anonymous"] + m["files"] == m["rss"] == m["value"] and m["pss"] <= m["rss"], m


@test
def figures_agree():
    server = serve()
    try:
        server.add_account(ROOT, PASSWORD, "--role", "admin")
        with imap_session(server):
            for figures in live(server):
                memory = figures[-1]
                assert memory["id"] == "server.memory", figures
                agree(memory)
                others = {f["id"]: f["value"] for f in figures[:-1]}
                for kind in KINDS:
                    assert f'veredus_memory_bytes{{kind="{kind}"}}' in others, others
            status = json.loads(server.cli("status", "--json"))
            assert status["memory-allocated"] == sum(status[f"memory-{k}"] for k in KINDS), status
            assert status["memory-resident"] == status["memory-anonymous"] + status["memory-files"], status
            if status["memory-active"]:  # not under sanitizers, which have an allocator of their own
                kernel = int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{child_of(server)}/status").read_text()).group(1))
                assert abs(status["memory-resident"] / 1024 - kernel) < kernel / 4, (status["memory-resident"], kernel)
    finally:
        server.__exit__()


def group_folder(name):
    """A memory group of our own, of either version of the kernel's; its file for the limit."""
    for folder, file in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        if not (Path(folder) / "cgroup.procs").exists():
            continue
        try:
            group = Path(folder) / name
            group.mkdir()
            if (group / file).exists():
                return group, group / file
            group.rmdir()
        except OSError:
            pass
    raise Skip("no memory group can be made here")


@test
def follows_the_group():
    group, most = group_folder(f"veredus-test-{os.getpid()}")
    server = None
    try:
        most.write_text(str(400 << 20))
        server = serve(under=["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"])
        limit = json.loads(server.cli("status", "--json"))["memory-limit"]
        assert limit == (400 << 20) // 10 * 7, limit
    finally:
        if server:
            server.__exit__()
        end = time.monotonic() + 10 * SLOW
        while True:
            try:
                group.rmdir()
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)


def greeting(server, door):
    with socket.create_connection(("127.0.0.1", server.port[door]), 10 * SLOW) as s:
        if door.endswith("s"):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            s = context.wrap_socket(s)
        if door == "http":
            s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        return s.makefile("rb").readline().decode()


def wait(server, door, start):
    end = time.monotonic() + 10 * SLOW
    while not (line := greeting(server, door)).startswith(start):
        assert time.monotonic() < end, f"{door}: {line}"
        time.sleep(0.1)


def set_limit(server, mb):
    text = re.sub(r"\[memory\]\n.*\n", "", server.config.read_text())
    server.config.write_text(text + f'[memory]\nlimit = "{mb}MB"\n')
    server.cli("config", "reload")


@test
def refuses_over_the_limit():
    """Those who come are told; those who are in go on; and it passes."""
    server = serve(extra='[memory]\nlimit = "1GB"\n')
    try:
        with imap_session(server) as reader, smtp_session(server) as writer:
            set_limit(server, 8)
            wait(server, "imap", "* BYE [UNAVAILABLE]")
            for door, words in (("smtp", "421 4."), ("submissions", "421 4."), ("imaps", "* BYE [UNAVAILABLE]"),
                                ("http", "HTTP/1.1 503 ")):
                assert (line := greeting(server, door)).startswith(words), (door, line)
            assert "memory.full" in server.log.read_text(), server.tail()
            assert reader.imap("a", "NOOP")[-1].startswith("a OK")
            assert writer.smtp("NOOP").startswith("250")
            # what is there may be read; what would bring more may not
            assert reader.imap("b", "SELECT INBOX")[-1].startswith("b OK")
            reader.send("c APPEND INBOX {4}\r\n")
            assert (line := reader.line()).startswith("c NO [LIMIT]"), line
            assert (line := writer.smtp("MAIL FROM:<x@far.example>")).startswith("452 4.3.1"), line
            figures = server.cli("metrics")
            assert int(re.search(r"^veredus_memory_evictions_total (\d+)$", figures, re.M).group(1)) > 0
            assert int(re.search(r"^veredus_connections_refused_total (\d+)$", figures, re.M).group(1)) >= 5
            set_limit(server, 1000)
            wait(server, "imap", "* OK")
            assert writer.smtp("MAIL FROM:<x@far.example>").startswith("250")
            assert not server.crashed()
    finally:
        server.__exit__()


main()
