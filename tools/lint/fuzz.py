# fuzz.py: Each room that exports a *_parse has a fuzz target, and each target says its room.
import re
from pathlib import Path

from common import Check, floors, sources, symbols

check = Check("fuzz")
level = floors()
rooms = {}
for path in sources(".c", under=("test/fuzz",)):
    m = re.match(r"/\* %s: room: (\w+)" % re.escape(path.name), path.read_text().split("\n", 1)[0])
    if not m or m.group(1) not in level:
        check.found(path, 1, "does not say its room", f"first line: /* {path.name}: room: NAME. What it feeds. */")
        continue
    rooms.setdefault(m.group(1), []).append(path)
    corpus = Path("test/fuzz/corpus") / path.stem
    if not corpus.is_dir() or not any(corpus.iterdir()):
        check.found(path, 1, "has no seeds", f"put a few small ones into {corpus}/")
asked = set()
for room, path, kind, name in symbols():
    if kind == "T" and name.endswith("_parse") and room not in rooms and room not in asked:
        asked.add(room)
        check.found(path, 1, f"{name} parses, but {room}/ has no fuzz target", "add test/fuzz/NAME.c", name)
check.end()
