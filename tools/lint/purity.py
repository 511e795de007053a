# purity.py: What a room may call, seen by nm: pure rooms have a list, and memory, clock, sockets have one home.
from fnmatch import fnmatchcase
from pathlib import Path

from common import PURE, Check, floors, line_of, listed, symbols

check = Check("purity")
level = floors()
rows = list(symbols())
home = {}  # who defines it
for room, _, kind, name in rows:
    if kind in "TDBRVWG":
        home[name] = room
may = {room: listed("calls/pure") + listed(f"calls/{room}") for room in PURE}
bound = []  # (globs, rooms) of tools/lists/homes
for row in listed("homes"):
    globs, _, rooms = row.partition(":")
    bound.append((globs.split(), rooms.split()))

for room, path, kind, name in rows:
    if kind not in "Uw" or name.startswith(("__asan", "__ubsan", "__tsan", "__sanitizer", "__stack_chk", "_GLOBAL")):
        continue
    if name in home:
        there = home[name]
        if there != room and level[there] >= level[room]:
            check.found(path, line_of(path, name), f"calls {name} of {there}/, which is not below",
                        "includes point down only", name)
        continue
    for globs, rooms in bound:
        if room not in rooms and any(fnmatchcase(name, g) for g in globs):
            check.found(path, line_of(path, name), f"{name} may be called by {' '.join(rooms)} only",
                        "use that room's function (tools/lists/homes)", name)
    if room in PURE and not any(fnmatchcase(name, g) for g in may[room]):
        check.found(path, line_of(path, name), f"{name} is not on the list of a pure room",
                    f"take it as a parameter, or argue for tools/lists/calls/{room}", name)
if not rows:
    check.found(Path("Makefile"), 1, "no objects", "run it as `make lint`")
check.end()
