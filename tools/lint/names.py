# names.py: What a room exports begins with the room's name or that of one of its files (plural too: jobs_ of job.c).
from pathlib import Path

from common import Check, line_of, listed, symbols

check = Check("names")
stems = {}  # room -> prefixes
for path in Path("src").glob("*/*.[ch]"):
    stems.setdefault(path.parent.name, {path.parent.name}).add(path.stem.removesuffix("_int"))
for row in listed("prefixes"):
    room, prefix = row.split()
    stems.setdefault(room, {room}).add(prefix)
for room, path, kind, name in symbols():
    if kind not in "TDBRC" or name.startswith("_"):
        continue
    if name == "main" and room == "main":
        continue
    if not any(name in (s, s + "s") or name.startswith((s + "_", s + "s_")) for s in stems[room]):
        check.found(path, line_of(path, name), f"{name} is exported",
                    f"call it {room}_... or {path.stem}_..., or make it static", name)
check.end()
