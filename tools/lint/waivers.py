# waivers.py: How many exceptions there are: the number stands here and may only fall.
import re
from pathlib import Path

from common import Check

COUNT = 4
MOST = 10
check = Check("waivers")
path = Path("tools/waivers")
rows = [(n, l) for n, l in enumerate(path.read_text().splitlines(), 1) if l and not l.startswith("#")]
for n, line in rows:
    if not re.match(r"\S+ \S+( \S+)?\s+# \S", line):
        check.found(path, n, "no reason", "write: check path [name]  # why")
    elif not Path(line.split()[1]).exists():
        check.found(path, n, f"{line.split()[1]} does not exist", "drop the line")
if len(rows) != COUNT or COUNT > MOST:
    check.found(path, 1, f"{len(rows)} waivers, {COUNT} are allowed (and never more than {MOST})",
                "mend the code; when one was dropped, lower COUNT in tools/lint/waivers.py")
print(f"{len(rows)} waivers")
check.end()
