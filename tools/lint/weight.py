# weight.py: A .c draws in at most 30 of our headers (main/ wires all rooms: exempt), seen by the compiler's dependency files.
from pathlib import Path

from common import Check, objects

MOST = 30
check = Check("weight")
for room, path, made in objects():
    if room == "main":
        continue
    deps = made.with_suffix(".d")
    if not deps.exists():
        continue
    rule = deps.read_text().replace("\\\n", " ").split("\n", 1)[0]
    own = {w for w in rule.split() if w.startswith("src/") and Path(w).suffix == ".h"}
    if len(own) > MOST:
        check.found(path, 1, f"draws in {len(own)} of our headers, at most {MOST}",
                    "declare structs instead of including, or split the file")
check.end()
