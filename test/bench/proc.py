# proc.py: Processes of the bench: a cgroup a side when it can be had, CPU, memory, and an end for all on every exit.
# SPDX-License-Identifier: Apache-2.0
import atexit, os, re, signal, subprocess, sys, time

TICK = os.sysconf("SC_CLK_TCK")


def _cgroup2():
    """A folder of the unified hierarchy in which we may make our own groups, or None."""
    try:
        for line in open("/proc/mounts"):
            f = line.split()
            if f[2] == "cgroup2" and os.path.exists(f[1] + "/cgroup.procs"):
                own = f[1] + next((l.strip()[3:] for l in open("/proc/self/cgroup") if l.startswith("0::")), "/")
                return own.rstrip("/") if os.access(own, os.W_OK) else None
    except OSError:
        pass
    return None


def _stat(pid):
    """(parent, own ticks, ticks of reaped children)"""
    try:
        f = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        return int(f[1]), int(f[11]) + int(f[12]), int(f[13]) + int(f[14])
    except OSError:
        return 0, 0, 0


class Group:
    """All processes of one side. CPU comes from the cgroup, else from /proc over the tree with its reaped children."""

    all = []

    def __init__(self, name):
        self.roots, self.dir = [], None
        base = _cgroup2()
        if base:
            try:
                self.dir = f"{base}/bench-{os.getpid()}-{name}"
                os.mkdir(self.dir)
                open(self.dir + "/cpu.stat").close()
            except OSError:
                self.dir = None
        Group.all.append(self)

    def spawn(self, argv, **kw):
        def enter():
            os.setsid()
            if self.dir:
                with open(self.dir + "/cgroup.procs", "w") as f:
                    f.write("0")

        p = subprocess.Popen(argv, preexec_fn=enter, **kw)
        self.roots.append(p)
        return p

    def pids(self):
        if self.dir:
            return [int(x) for x in open(self.dir + "/cgroup.procs")]
        parents = {int(d): _stat(d)[0] for d in os.listdir("/proc") if d.isdigit()}
        found = {p.pid for p in self.roots if p.poll() is None}
        while True:
            more = {pid for pid, up in parents.items() if up in found} - found
            if not more:
                return sorted(found)
            found |= more

    def cpu_us(self):
        if self.dir:
            return int(open(self.dir + "/cpu.stat").readline().split()[1])
        return sum(sum(_stat(p)[1:]) for p in self.pids()) * 1000000 // TICK

    def pss_kib(self):
        total = 0
        for pid in self.pids():
            try:
                total += int(re.search(r"^Pss:\s+(\d+)", open(f"/proc/{pid}/smaps_rollup").read(), re.M)[1])
            except (OSError, TypeError):
                pass
        return total

    def quiet(self, limit=5.0):
        """Waits until background work has died down."""
        end, last = time.time() + limit, self.cpu_us()
        while time.time() < end:
            time.sleep(0.1)
            now = self.cpu_us()
            if now - last < 2000:
                return
            last = now

    def end(self, patience=5.0):
        for sig, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, 2.0)):
            for p in self.roots:
                if p.poll() is None:
                    p.send_signal(sig)
            if sig == signal.SIGKILL:
                for pid in self.pids():
                    try:
                        os.kill(pid, sig)
                    except OSError:
                        pass
            until = time.time() + wait
            while time.time() < until and ([p for p in self.roots if p.poll() is None] or self.pids()):
                time.sleep(0.02)
        for p in self.roots:
            p.poll()
        if self.dir:
            for _ in range(50):
                try:
                    os.rmdir(self.dir)
                    break
                except OSError:
                    time.sleep(0.02)
        if self in Group.all:
            Group.all.remove(self)


def end_all():
    for g in list(Group.all):
        g.end(1.0)


atexit.register(end_all)
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(s, lambda n, f: sys.exit(128 + n))  # by way of every finally, and of end_all
