#!/usr/bin/env python3
# run.py: Plays the dialogues that were asked for against the real binary, two at a time; one server an engine.
import argparse
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]
sys.dont_write_bytecode = True

from dialogue import Dialogue, Failed, Play, open_listeners  # noqa: E402
from pattern import fill  # noqa: E402
from server import Server  # noqa: E402

SAY = threading.Lock()


def chosen(words):
    """Files, folders, or words of names; none: all."""
    every = sorted(HERE.glob("*/*.dlg"))
    if not words:
        return every
    picked = [Path(w).resolve() for w in words if Path(w).is_file()]
    picked += [p for w in words if not Path(w).is_file() for p in every
               if w.rstrip("/") in str(p.relative_to(HERE)) or Path(w).resolve() in p.parents]
    return sorted(set(picked))


def play(number, path, engine, shared, options):
    """Answers None when it passed, a reason when it was skipped or failed, and the time."""
    began, lines = time.monotonic(), []
    def say(text):
        lines.append(text)
    d = Dialogue(path)
    for where in (engine, "all", "chaos" if "chaos" in str(options.build) else ""):
        if where in d.skips:
            return "skip", d.skips[where], 0
    domain = f"d{number}.test"
    try:
        if d.needs_own():
            listeners = open_listeners(d)
            ports = {f"{k}.port": s.getsockname()[1] for k, s in listeners.items()}
            settings = [fill(s, dict(ports, domain=domain)) for s in d.settings]
            with Server(engine, settings=settings, build=options.build) as server:
                Play(d, server, domain, say, listeners).run()
                crash = server.crashed()
        else:
            Play(d, shared, domain, say).run()
            crash = None
        if crash:
            return "FAIL", f"{path}: a process died:\n{crash}", time.monotonic() - began
    except (Failed, RuntimeError, OSError, AssertionError, KeyError, ValueError) as e:
        crash = shared.crashed()
        tail = f"\n--- server\n{crash}" if crash else ""
        return "FAIL", f"{e}\n    " + "\n    ".join(lines[-8:]) + tail, time.monotonic() - began
    return "ok", "\n    ".join(lines) if options.verbose else "", time.monotonic() - began


def run_engine(engine, paths, options):
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    with Server(engine, build=options.build) as shared:
        def one(job):
            number, path = job
            verdict, text, seconds = play(number, path, engine, shared, options)
            with SAY:
                counts[verdict] += 1
                if verdict != "ok" or options.verbose:
                    print(f"{verdict} {engine} {path.relative_to(HERE)} {seconds:.2f}s {text}", flush=True)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, enumerate(paths, 1)))
        crash = shared.crashed()
        code = shared.stop()
        crash = crash or shared.crashed()
        if crash or code != 0:
            counts["FAIL"] += 1
            print(f"FAIL {engine}: the server ended with {code}\n{crash or shared.tail()}")
    return counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", action="append", help="rocksdb, sqlite, memory; default: rocksdb and sqlite")
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    paths = chosen(options.words)
    if not paths:
        sys.exit("no such dialogue")
    sums = {"ok": 0, "FAIL": 0, "skip": 0}
    for engine in options.engine or ("rocksdb", "sqlite"):
        for key, n in run_engine(engine, paths, options).items():
            sums[key] += n
    print(f"{sums['ok']} passed, {sums['FAIL']} failed, {sums['skip']} skipped")
    sys.exit(1 if sums["FAIL"] else 0)


main()
