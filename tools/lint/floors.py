# floors.py: Includes point down only; private headers stay in their room; foreign headers have one home.
import re
from pathlib import Path

from common import Check, floors, sources

check = Check("floors")
level = floors()
homes = [l[1:].split() for l in Path("src/FLOORS").read_text().splitlines() if l.startswith("! ")]


def own(path, n, room, header):
    parts = header.split("/")
    if len(parts) != 2:
        check.found(path, n, f'"{header}" is no room/file.h', "name headers from src/")
        return
    other = parts[0]
    if other == room:
        return
    if other not in level:
        check.found(path, n, f"{other}/ stands on no floor", "add the room to src/FLOORS")
    elif level[other] == level[room]:
        check.found(path, n, f"{other}/ and {room}/ are strangers (one floor)", "move what both need down into a room below")
    elif level[other] > level[room]:
        check.found(path, n, f"{other}/ is above {room}/", "turn the call round: main/ hands the function in")
    elif parts[1].endswith("_int.h"):
        check.found(path, n, f"{header} is private to {other}/", "ask for what you need in its public header")


def foreign(path, n, room, header):
    for prefix, *rooms in homes:
        if header.startswith(prefix) and room not in rooms:
            check.found(path, n, f"<{header}> lives in {' '.join(rooms)}", "call that room, or lower the wish into it")


for path in sources(".c", ".h"):
    room = path.parent.name
    if room not in level:
        check.found(path, 1, f"room {room}/ stands on no floor", "add it to src/FLOORS")
        continue
    if len(path.parts) != 3:
        check.found(path, 1, "folders are one deep", "make it a room or a file")
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if m := re.match(r'\s*#\s*include\s+"([^"]+)"', line):
            own(path, n, room, m.group(1))
        elif m := re.match(r"\s*#\s*include\s+<([^>]+)>", line):
            foreign(path, n, room, m.group(1))
check.end()
