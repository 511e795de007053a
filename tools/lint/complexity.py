# complexity.py: A function's cognitive complexity is 25 at most, as clang-tidy counts it; macros count as one word.
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import BUILD, Check, sources

MOST = 25
check = Check("complexity")
RULE = "readability-function-cognitive-complexity"
OPTIONS = {"Threshold": MOST, "DescribeBasicIncrements": 0, "IgnoreMacros": 1}
CONFIG = "{CheckOptions: [%s]}" % ", ".join(f"{{key: {RULE}.{k}, value: {v}}}" for k, v in OPTIONS.items())
AFTER = {"src/link/mysql.c": ["-DBANNED_AFTER=<mariadb/mysql.h>"]}  # as the Makefile has it
FLAGS = ["-std=gnu2x", "-D_GNU_SOURCE", "-Isrc", "-include", "src/base/banned.h"]


def tidy(path):
    """What was found in the file; only asked again when it has changed since nothing was found."""
    stamp = Path(BUILD) / "lint" / path.with_suffix(".c.simple")
    if stamp.exists() and stamp.stat().st_mtime >= max(path.stat().st_mtime, Path(__file__).stat().st_mtime):
        return []
    done = subprocess.run(["clang-tidy", "--quiet", f"-checks=-*,{RULE}", f"-config={CONFIG}", path, "--", *FLAGS, *AFTER.get(str(path), [])],
                          capture_output=True, text=True)
    found = re.findall(r":(\d+):\d+: warning: function '(\w+)' has cognitive complexity of (\d+)", done.stdout)
    if not found and done.returncode == 0:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
    return [(path, int(line), name, int(n)) for line, name, n in found] or (
        [] if done.returncode == 0 else [(path, 1, "clang-tidy", done.stdout + done.stderr)])


with ThreadPoolExecutor(os.cpu_count()) as pool:
    for rows in pool.map(tidy, sources(".c")):
        for path, line, name, n in rows:
            if isinstance(n, int):
                check.found(path, line, f"{name} has cognitive complexity {n}, at most {MOST}",
                            "make a part of it a function with a name", name)
            else:
                check.found(path, line, "clang-tidy does not understand the file", n.strip()[-300:])
check.end()
