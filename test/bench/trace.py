# trace.py: Counts the system calls of a side, flushes among them, by strace on a short run of its own.
# SPDX-License-Identifier: Apache-2.0
import os, signal, subprocess, time
from proc import Group

FLUSHES = ("fsync", "fdatasync", "sync_file_range", "msync", "syncfs", "sync")


class Trace:
    def __init__(self, path):
        self.path = path

    def start(self, pids):
        argv = ["strace", "-f", "-c", "-U", "calls,name", "-o", self.path]
        for p in pids:
            argv += ["-p", str(p)]
        self.group = Group("strace")
        self.p = self.group.spawn(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5 + 0.01 * len(pids))
        if self.p.poll() is not None:
            raise RuntimeError("strace cannot attach")

    def stop(self):
        self.p.send_signal(signal.SIGINT)
        self.p.wait(20)
        self.group.end()
        calls = {}
        for line in open(self.path):
            f = line.split()
            if len(f) == 2 and f[0].isdigit() and f[1] != "total":
                calls[f[1]] = calls.get(f[1], 0) + int(f[0])
        os.unlink(self.path)
        return calls
