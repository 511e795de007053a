#!/usr/bin/env python3
# test_powercut.py: The power goes at each flush point: what was acknowledged is there, once, with the UID it had.
import argparse
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]
sys.dont_write_bytecode = True

from elsewhere import Elsewhere  # noqa: E402
from load import Gone, Reader, Sender, log_in  # noqa: E402
from world import Broken, World, read_boxes  # noqa: E402

from server import SLOW, Server  # noqa: E402

ENGINES = (("rocksdb", None), ("sqlite", None), ("sqlite", "filesystem"), ("rocksdb", "filesystem"))
SHORT = (1, 4, 13, 24, 40)


class Setup:
    """One server's life: cut, started again, looked at, loaded, cut at the next point."""

    def __init__(self, engine, blob, mode, shim, options):
        self.name = f"{engine}{'+' + blob if blob else ''} {mode}"
        self.worlds = [World("r", ["alice@crash.test"]), World("s", ["bob@crash.test", "carol@crash.test"])]
        self.options, self.shim, self.mode = options, shim, mode
        self.elsewhere = Elsewhere()
        relay = [f"queue.relay-host=127.0.0.1:{self.elsewhere.port}", "queue.tls=never", "queue.retry.first=1h"]
        self.server = Server(engine, blob=blob, build=options.build, settings=relay)
        self.mark, self.early = self.server.folder / "cut", self.server.folder / "early"
        self.cuts = self.point = self.last = self.looked = 0
        self.waits = []  # seconds from start to listening

    def prepare(self):
        self.server.start()
        self.server.add_domain("crash.test")
        for world in self.worlds:
            for account in world.accounts:
                self.server.add_account(account)
            world.now, _ = self.read(world)
        self.server.stop()

    def read(self, world):
        found, valid = {}, {}
        for account in world.accounts:
            imap = log_in(self.server, account)
            for all_, these in zip((found, valid), read_boxes(imap, account, world)):
                all_.update(these)
            imap.close()
        return found, valid

    def start(self, at):
        """False: the power went before it listened."""
        self.point = at
        self.mark.unlink(missing_ok=True)
        self.server.env.update(POWERCUT_DIR=str(self.server.data), POWERCUT_AT=str(at), POWERCUT_MODE=self.mode,
                               POWERCUT_SEED=str(at), POWERCUT_EARLY=str(self.early), POWERCUT_MARK=str(self.mark))
        if self.options.lie:
            self.server.env["POWERCUT_LIE"] = "1"
        began = time.monotonic()
        try:
            self.server.start(preload=self.shim)
        except RuntimeError as e:
            if self.mark.exists():
                return False
            raise Broken(f"does not start: {e}") from e
        self.waits.append(time.monotonic() - began)
        return True

    def look(self):
        for world in self.worlds:
            world.check(*self.read(world))
        told = [row["from"].partition("+")[2].partition("@")[0] for row in json.loads(self.server.cli("--json", "queue", "list"))]
        if len(told) != len(set(told)):
            raise Broken(f"queued twice: {sorted(t for t in told if told.count(t) > 1)}")
        if lost := self.worlds[1].submitted - set(told) - self.elsewhere.taken:
            raise Broken(f"{sorted(lost)} were submitted, and are neither queued nor sent")
        if self.elsewhere.torn:
            raise Broken(f"a torn message was sent: {self.elsewhere.torn[0]!r}")
        self.looked += 1

    def load(self):
        """Both clients, until they are done or the server is gone; a reason, or None."""
        reasons = []
        def one(kind, world):
            client = None
            try:
                client = kind(self.server, world)
                for _ in range(self.options.rounds):
                    client.run()
            except Gone:
                if not self.wait_cut():
                    reasons.append("a connection ended by itself")
            except Exception as e:  # whatever it is: it is said, and fails
                reasons.append(f"{e!r}" if not isinstance(e, Broken) else str(e))
            finally:
                if client:
                    client.close()
        threads = [threading.Thread(target=one, args=a) for a in zip((Reader, Sender), self.worlds)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return reasons[0] if reasons else None

    def wait_cut(self):
        until = time.monotonic() + 2 * SLOW
        while not self.mark.exists() and time.monotonic() < until:
            time.sleep(0.01)
        return self.mark.exists()

    def one_point(self, at):
        """False: the whole load, and a stop in good order, passed without reaching the point."""
        if self.start(at):
            try:
                self.look()
                reason = self.load()
            except Gone:
                reason = None if self.wait_cut() else "a connection ended by itself"
            except RuntimeError as e:
                reason = None if self.wait_cut() else str(e)
            if reason:
                raise Broken(reason)
            if not self.mark.exists():
                self.server.stop()
        is_cut = self.mark.exists()
        self.server.kill()
        self.cuts += is_cut
        self.last = at if is_cut else self.last
        for left in self.server.data.glob(".trash*"):
            left.unlink()
        if self.early.exists():
            raise Broken(f"a reply left before its flush: {self.early.read_bytes()[:200]!r}")
        return is_cut

    def all_points(self, points):
        """Each point until four in a row are not reached (how many flushes there are varies); then it starts once more and all is looked at."""
        misses = 0
        for at in points:
            misses = 0 if self.one_point(at) else misses + 1
            if misses == 4:
                break
            if at % 20 == 0:
                print(f"# {self.name}: point {at}, {self.cuts} cuts, {self.looked} times looked at, {self.times()}", flush=True)
        if self.start(0):
            self.look()
        self.server.stop()

    def times(self):
        waits = sorted(self.waits) or [0]
        return f"listening after {waits[len(waits) // 2]:.2f} s, {waits[-1]:.2f} s at most"

    def is_late(self):
        """Timed in the soak only, and by the middle one: machines are shared."""
        return self.options.points and sorted(self.waits)[len(self.waits) // 2] > 1 * SLOW

    def run(self, points):
        reason = None
        try:
            self.prepare()
            self.all_points(points)
        except Exception as e:
            reason = str(e) if isinstance(e, Broken) else repr(e)
        log = self.server.crashed() or self.server.tail()
        self.server.__exit__()
        self.elsewhere.shutdown()
        self.elsewhere.server_close()
        if not reason and (self.is_late() or not self.cuts):
            reason = "listens too late, or there was no cut"
        if reason:
            print(f"not ok {self.name}: point {self.point}: {reason}\n{'' if self.options.lie else log}", flush=True)
        kept = sum(len(m) for w in self.worlds for m in w.now.values())
        print(f"{'#' if reason else 'ok'} {self.name}: {self.cuts} cuts at points to {self.last}, {self.looked} times looked at, "
              f"{self.worlds[0].number + self.worlds[1].number} messages, {kept} kept, {len(self.worlds[1].submitted)} submitted, "
              f"{self.times()}", flush=True)
        return not reason


def points_of(text):
    """ "all", "40", "20-60"; none: a few."""
    first, _, last = (text or "").partition("-")
    if text == "all":
        return range(1, 100_000)
    return SHORT if not text else range(int(first) if last else 1, int(last or first) + 1)


def can_fail(options):
    """On a disk that lies this test fails: else it would prove nothing."""
    done = subprocess.run([sys.executable, __file__, "--build", options.build, "--setup", "rocksdb drop", "--points", "30-40",
                           "--lie"], capture_output=True, text=True)
    found = done.returncode == 1 and "lost" in done.stdout
    print(f"{'ok' if found else 'not ok'} a disk that lies is found out{'' if found else ': ' + done.stdout}", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--points", help="flush points: all, N, or FIRST-LAST; default: a few of them")
    parser.add_argument("--setup", default="", help="only those with this word in their name, as \"sqlite+filesystem tear\"")
    parser.add_argument("--rounds", type=int, default=2, help="of the load between start and stop")
    parser.add_argument("--jobs", type=int, default=2, help="at once")
    parser.add_argument("--lie", action="store_true", help="a disk that lies: the test must fail")
    options = parser.parse_args()
    shim = HERE.parents[1] / options.build / "powercut.so"
    subprocess.run(["gcc", "-std=gnu2x", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", shim,
                    HERE / "powercut.c", "-ldl", "-pthread"], check=True)
    setups = [Setup(engine, blob, mode, shim, options) for engine, blob in ENGINES for mode in ("drop", "tear")]
    picked = [s for s in setups if options.setup in s.name]
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda s: s.run(points_of(options.points)), picked))
    if not options.lie and not options.setup:
        results.append(can_fail(options))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
