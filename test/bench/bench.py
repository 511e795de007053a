#!/usr/bin/env python3
# bench.py: Runs the peers and us side by side, in turn, and prints rate, CPU, flushes, memory and ratios.
# SPDX-License-Identifier: Apache-2.0
import argparse, json, os, statistics, subprocess, sys, time, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers, sides, trace
from rows import ROWS, FILLS

SIDES = {"dovecot": sides.Dovecot, "postfix": sides.Postfix, "cyrus": sides.Cyrus, "veredus": sides.Veredus}


class Failed(Exception):
    pass


def drive(bench, side, args, watched=None):
    """One run of the driver; CPU is that of the side's processes from `go` until they are quiet again."""
    argv = [f"{bench.build}/driver", *map(str, args)]
    p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    bench.drivers.append(p)
    try:
        if p.stdout.readline() != "READY\n":
            raise Failed(p.stderr.read().strip()[:200])
        meter = side.meter()
        if watched:
            watched.start(meter.pids())
        before, t = meter.cpu_us(), time.time()
        p.stdin.write("go\n")
        p.stdin.flush()
        line = p.stdout.readline()
        if not line:
            raise Failed(p.stderr.read().strip()[:200])
        out = json.loads(line)
        late = time.time()
        while not side.drained():
            time.sleep(0.01)
            if time.time() - late > 120:
                raise Failed("mail is still queued after two minutes")
        out["seconds"] += time.time() - late if time.time() - late > 0.01 else 0
        if watched:
            out["calls"] = watched.stop()
        meter.quiet()
        out["cpu_ms"] = (meter.cpu_us() - before) / 1000
        out["wall"] = time.time() - t
        return out
    finally:
        p.stdin.close()
        try:
            p.wait(5)
        except subprocess.TimeoutExpired:
            p.kill()
        bench.drivers.remove(p)


class Bench:
    def __init__(self, opts):
        self.opts, self.build, self.drivers = opts, opts.build, []
        self.results = {}  # row -> side -> list of figures
        self.sides = []

    def begin(self):
        os.makedirs(self.opts.work, exist_ok=True)
        sides.Veredus.binary = f"{self.build}/veredus"
        why = peers.may_run()
        for name in self.opts.sides.split():
            if why and name != "veredus":
                print(f"{name}: skipped: {why}")
                continue
            try:
                s = SIDES[name](os.path.abspath(self.opts.work))
                self.sides.append(s)
                s.start()
                print(f"{s.label}: runs ({s.durable})", flush=True)
            except Exception as e:
                print(f"{name}: skipped: {str(e)[:300]}", flush=True)
                if self.opts.verbose:
                    traceback.print_exc()
                if s in self.sides:
                    self.sides.remove(s)
                s.stop()

    def end(self):
        for p in list(self.drivers):
            p.kill()
        for s in self.sides:
            try:
                s.stop()
            except Exception:
                traceback.print_exc()

    def fill(self, side, key):
        done = side.__dict__.setdefault("filled", {})
        if key not in done:
            done[key] = True
            FILLS[key](self, side, drive)

    def row(self, row):
        if row.special:
            for rep in range(1 if self.opts.quick or not row.full else row.full):
                for s in [s for s in self.sides if not row.family or row.family in s.rows]:
                    try:
                        row.special(self, row, s, drive)
                    except Exception as e:
                        self.note(row, s, {"failed": str(e)})
            return
        them = [s for s in self.sides if row.family in s.rows]
        for s in them:
            try:
                if row.fill:
                    self.fill(s, row.fill)
            except Exception as e:
                self.note(row, s, {"failed": str(e)})
        for rep in range(1 if self.opts.quick else 3):
            for s in them:
                self.once(row, s, None)
        if row.trace and not self.opts.no_trace:
            for s in them:
                self.once(row, s, trace.Trace(f"{self.opts.work}/strace.out"))

    def once(self, row, s, watched):
        got = self.results.get(row.key, {}).get(s.name, [])
        if any("failed" in g for g in got):
            return
        try:
            n = row.n(self.opts.quick) if not watched else row.trace
            out = drive(self, s, row.args(s, n), watched)
            if watched:
                got[-1]["calls"] = {k: v / n for k, v in out["calls"].items()}
            else:
                self.note(row, s, row.figures(out))
        except Exception as e:
            self.note(row, s, {"failed": str(e)})
            if self.opts.verbose:
                traceback.print_exc()

    def note(self, row, side, figures):
        self.results.setdefault(row.key, {}).setdefault(side.name, []).append(figures)
        if self.opts.verbose:
            print(row.key, side.name, figures, flush=True)

    def table(self):
        lines = ["| row | side | rate | p50 ms | p99 ms | cost | driver ms | flushes | calls | ours : best peer |",
                 "|---|---|---|---|---|---|---|---|---|---|"]
        for row in ROWS:
            got = self.results.get(row.key)
            if not got:
                continue
            costs = {}
            for name, runs in got.items():
                good = [r["cost"] for r in runs if "cost" in r]
                if good:
                    costs[name] = statistics.median(good)
            best = min([c for n, c in costs.items() if n != "veredus"], default=None)
            for name, runs in got.items():
                bad = [r["failed"] for r in runs if "failed" in r]
                if bad or name not in costs:
                    lines.append(f"| {row.label} | {name} | failed: {bad[0].strip() if bad else '?'} |||||||")
                    continue
                mid = lambda k, f="{:.2f}": f.format(statistics.median(r[k] for r in runs)) if k in runs[0] else ""
                calls = next((r["calls"] for r in runs if "calls" in r), None)
                flush = f"{sum(calls.get(c, 0) for c in trace.FLUSHES):.2f}" if calls is not None else ""
                total = f"{sum(calls.values()):.0f}" if calls is not None else ""
                ratio = f"{costs[name] / best:.2f}" if name == "veredus" and best else ""
                lines.append(f"| {row.label} | {name} | {mid('rate', '{:.0f}')} | {mid('p50')} | {mid('p99')} | "
                             f"{costs[name]:.3f} {row.unit} | {mid('driver')} | {flush} | {total} | {ratio} |")
        return "\n".join(lines)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--build", default="build")
    a.add_argument("--work", default="build-bench")
    a.add_argument("--quick", action="store_true")
    a.add_argument("--rows", default="")
    a.add_argument("--sides", default="dovecot postfix cyrus veredus")
    a.add_argument("--no-trace", action="store_true", help="count no system calls")
    a.add_argument("-v", "--verbose", action="store_true")
    b = Bench(a.parse_args())
    b.began = time.time()
    try:
        b.begin()
        wanted = b.opts.rows.split()
        for row in ROWS:
            if not wanted or row.key in wanted:
                print(f"{time.time() - b.began:4.0f} s  {row.label}", flush=True)
                b.row(row)
    finally:
        b.end()
        text = b.table()
        with open(f"{b.opts.work}/bench.md", "w") as f:
            f.write(text + "\n")
        with open(f"{b.opts.work}/bench.json", "w") as f:
            json.dump(b.results, f, indent=1)
        print(text)


if __name__ == "__main__":
    main()
