# figures.py: What a running server counts, and the memory that the kernel counts for it.
import os
import re
import time
from pathlib import Path

from server import SLOW

# Of the password "correct horse": argon2id, 19 MiB, t=2, as our own are; for accounts that are loaded by the thousand.
ARGON2 = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rk2Mi3E4dgRMg0fHaYaptWVZRKqs//6b6k3/nntqGJk"


def metrics(server):
    """Name: value, of those without labels."""
    return {name: int(float(value)) for name, value in re.findall(r"^(\w+) ([0-9.e+]+)$", server.cli("metrics"), re.M)}


def processes(server):
    """Ids of the parent and its child."""
    here = [server.process.pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if int(fields[1]) == server.process.pid:
            here.append(int(path.parent.name))
    return here


def child_of(server):
    """The serving process, once it is there."""
    end = time.monotonic() + 10 * SLOW
    while time.monotonic() < end:
        if len(found := processes(server)) > 1:
            return found[1]
        time.sleep(0.01)
    raise AssertionError("no child")


def memory(server, kind="Pss"):
    """Bytes of all processes: Pss, Rss."""
    total = 0
    for pid in processes(server):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(rf"^{kind}: +(\d+) kB", text, re.M).group(1)) * 1024
    return total


def cpu_ms(server):
    """Of all processes, since they began."""
    total = 0
    for pid in processes(server):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total * 1000 // os.sysconf("SC_CLK_TCK")


def load_accounts(server, names, domain):
    """One password for all of them: "correct horse"."""
    server.cli("account", "load", stdin="".join(f"{n}@{domain}:{ARGON2}\n" for n in names))
