#!/usr/bin/env python3
# test_powercut.py: The power goes at each flush point: what was acknowledged is there, once, with the UID it had.
import argparse
import imaplib
import os
import random
import re
import smtplib
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
sys.dont_write_bytecode = True

from server import SLOW, Server  # noqa: E402

ENGINES = (("rocksdb", None), ("sqlite", None), ("sqlite", "filesystem"), ("rocksdb", "filesystem"))
ADDRESS = "alice@crash.test"
LIE = "--lie" in sys.argv  # the shim forgets no undo record: shows that the test can fail
GONE = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error)


class Broken(Exception):
    pass


class World:
    """What clients were told, and so what must be there."""

    def __init__(self):
        self.number = 0
        self.told = {}      # token -> flags that were acknowledged
        self.asked = set()  # tokens whose answer was lost: there once, or not at all
        self.gone = set()   # tokens whose EXPUNGE was acknowledged
        self.maybe_gone = set()
        self.deleted = set()  # tokens that carry \\Deleted: each EXPUNGE takes them along
        self.uid = {}       # token -> UID, for ever
        self.valid = None

    def token(self):
        self.number += 1
        return f"token{self.number:06d}"


def message(token):
    filler = "x" * 70 + "\r\n"
    return f"From: joe@elsewhere.test\r\nSubject: {token}\r\n\r\n{filler * random.choice((1, 20, 400))}.end\r\n"


def log_in(server):
    imap = imaplib.IMAP4("127.0.0.1", server.port["imap"], timeout=10 * SLOW)
    imap.login(ADDRESS, "secret")
    return imap


def work(server, world, until):
    """Changes of every kind until the server is gone (or the time is over)."""
    try:
        smtp = smtplib.SMTP("127.0.0.1", server.port["smtp"], timeout=10 * SLOW)
        imap = log_in(server)
        imap.select()
        while time.monotonic() < until:
            one_round(smtp, imap, world)
    except GONE:
        pass


def one_round(smtp, imap, world):
    token = world.token()
    world.asked.add(token)
    smtp.sendmail("joe@elsewhere.test", [ADDRESS], message(token))
    world.told[token] = set()
    world.asked.discard(token)
    token = world.token()
    world.asked.add(token)
    kind, data = imap.append("INBOX", None, None, message(token).encode())
    if kind != "OK":
        raise Broken(f"APPEND: {kind} {data}")
    world.told[token] = set()
    world.asked.discard(token)
    if m := re.search(rb"APPENDUID (\d+) (\d+)", data[0]):
        uid = int(m.group(2))
        if uid in world.uid.values():
            raise Broken(f"UID {uid} was given twice")
        world.uid[token] = uid
        if imap.uid("STORE", str(uid), "+FLAGS", "(\\Flagged)")[0] == "OK":
            world.told[token].add("\\Flagged")
        if random.random() < 0.3:
            expunge(imap, world, token, uid)


def expunge(imap, world, token, uid):
    world.deleted.add(token)
    world.maybe_gone |= world.deleted
    if imap.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)")[0] == "OK" and imap.expunge()[0] == "OK":
        world.gone |= world.deleted
        for token in world.deleted:
            world.told.pop(token)
        world.deleted.clear()


def check(server, world):
    """All that was told is there; nothing twice; UIDs are what they were."""
    imap = log_in(server)
    imap.select()
    valid = imap.response("UIDVALIDITY")[1]
    if world.valid is not None and valid != world.valid:
        raise Broken(f"UIDVALIDITY changed from {world.valid} to {valid}")
    world.valid = valid
    found, _ = {}, None
    _, rows = imap.uid("FETCH", "1:*", "(UID FLAGS RFC822.SIZE BODY.PEEK[])")
    for row in rows or ():
        if not isinstance(row, tuple):
            continue
        head, body = row[0].decode(), row[1].decode()
        token = re.search(r"Subject: (token\d+)", body)
        if not token or not body.endswith("end\r\n"):
            raise Broken(f"a torn message: {head} {body[:100]!r} ... {body[-30:]!r}")
        token = token.group(1)
        uid = int(re.search(r"UID (\d+)", head).group(1))
        if token in found:
            raise Broken(f"{token} is there twice")
        if world.uid.setdefault(token, uid) != uid:
            raise Broken(f"{token} had UID {world.uid[token]}, now {uid}")
        found[token] = set(re.search(r"FLAGS \(([^)]*)\)", head).group(1).split())
    for token, flags in world.told.items():
        if token not in found and token not in world.maybe_gone:
            raise Broken(f"{token} was acknowledged and is lost ({len(found)} found, {len(world.told)} told)")
        if token in found and not flags <= found[token]:
            raise Broken(f"{token}: flags {flags} were acknowledged, {found[token]} are there")
    if back := world.gone & set(found):
        raise Broken(f"{back} were expunged and came back")
    uids = list(world.uid.values())
    if len(uids) != len(set(uids)):
        raise Broken("a UID was used twice")
    for token in world.asked | world.maybe_gone:
        if token in found:
            world.told.setdefault(token, set())
        else:
            world.told.pop(token, None)
    world.deleted = {token for token, flags in found.items() if "\\Deleted" in flags}
    world.asked.clear()
    world.maybe_gone.clear()
    imap.logout()


def one_point(server, world, shim, at, mode):
    """One cut. Answers the seconds from start to listening afterwards; None: the point never came."""
    early = server.folder / "early"
    server.env.update(POWERCUT_DIR=str(server.data), POWERCUT_AT=str(at), POWERCUT_MODE=mode, POWERCUT_SEED=str(at),
                      POWERCUT_EARLY=str(early))
    if LIE:
        server.env["POWERCUT_LIE"] = "1"
    try:
        server.start(preload=shim)
    except RuntimeError:
        if server.process.poll() is None:
            raise
    else:
        work(server, world, time.monotonic() + 5)
    is_cut = server.process.poll() is not None or wait_gone(server)
    server.kill()
    for left in server.data.glob(".trash*"):
        left.unlink()
    if early.exists():
        raise Broken(f"a reply left before its flush: {early.read_bytes()[:200]!r}")
    began = time.monotonic()
    server.start()
    seconds = time.monotonic() - began
    check(server, world)
    server.stop()
    return seconds if is_cut else None


def wait_gone(server):
    try:
        server.process.wait(1)
        return True
    except subprocess.TimeoutExpired:
        return False


def run(engine, blob, points, shim, options):
    world, worst, cuts = World(), 0, 0
    with Server(engine, blob=blob, build=options.build) as server:
        server.add_domain("crash.test")
        server.add_account(ADDRESS)
        server.stop()
        for at in points:
            for mode in ("drop", "tear"):
                try:
                    seconds = one_point(server, world, shim, at, mode)
                except (Broken, RuntimeError, *GONE) as e:
                    print(f"not ok {engine}{'+' + blob if blob else ''}: flush {at}, {mode}: {e}\n"
                          f"{server.crashed() or server.tail()}", flush=True)
                    return False
                worst, cuts = max(worst, seconds or 0), cuts + (seconds is not None)
    verdict = cuts > 0 and (worst < 1 * SLOW or not options.points)  # timed in the soak only: machines are shared
    print(f"{'ok' if verdict else 'not ok'} {engine}{'+' + blob if blob else ''}: {cuts} cuts, "
          f"{len(world.told)} messages kept, at most {worst:.2f} s to listening", flush=True)
    return verdict


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--points", type=int, default=0, help="flush points 1..N; default: six of them")
    parser.add_argument("--engine", help="only this one")
    parser.add_argument("--lie", action="store_true", help="a disk that lies: the test must fail")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    shim = HERE.parents[1] / options.build / "powercut.so"
    subprocess.run(["gcc", "-std=gnu2x", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", shim,
                    HERE / "powercut.c", "-ldl", "-pthread"], check=True)
    points = range(1, options.points + 1) if options.points else (1, 2, 3, 5, 11, 24)
    picked = [e for e in ENGINES if not options.engine or e[0] == options.engine]
    results = [run(engine, blob, points, shim, options) for engine, blob in picked]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


main()
