#!/usr/bin/env python3
# map.py: Makes docs/map.md from the captions of all files, room by room, lowest floor first.
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def caption(path):
    for line in path.read_text(errors="replace").splitlines()[:2]:
        if m := re.match(r"(?:/\*|#) [^:]+: (.*?)(?: \*/)?$", line):
            return m.group(1)
    return ""


def rows(paths):
    return [f"- `{p.name}` {caption(p)}" for p in sorted(paths)]


out = ["# Map", "", "Made by `make map` from the first line of each file; rooms from the lowest floor up.", ""]
for line in (ROOT / "src/FLOORS").read_text().splitlines():
    for room in line.split() if line and line[0] not in "#!" else ():
        files = [p for p in (ROOT / "src" / room).glob("*.*") if p.suffix in (".c", ".h", ".tbl")]
        if files:
            out += [f"## {room}/", *rows(files), ""]
for folder in ("tools", "tools/lint", "test/lib", "test/wire", "test/crash", "test/chaos", "test/live", "test/soak", "test/bench", "test/fuzz"):
    files = [p for p in (ROOT / folder).glob("*") if p.suffix in (".py", ".c", ".h", ".mk")]
    if files:
        out += [f"## {folder}/", *rows(files), ""]
text = "\n".join(out)
target = ROOT / "docs/map.md"
if "--check" in sys.argv:
    sys.exit(0 if target.exists() and target.read_text() == text else "docs/map.md:1: map: is not current; run make map")
target.write_text(text)
