# common.py: What every check shares: the files, the floors, the symbols, the waivers and how a finding is printed.
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.chdir(ROOT)
BUILD = os.environ.get("BUILD", "build")
PURE = ("text", "mime", "ical", "sieve", "wire", "crypto")


def floors():
    """Room -> number of its floor, lowest 0."""
    lines = [l.split() for l in Path("src/FLOORS").read_text().splitlines() if l and l[0] not in "#!"]
    return {room: n for n, rooms in enumerate(lines) for room in rooms}


def sources(*suffixes, under=("src",)):
    return sorted(p for top in under for p in Path(top).rglob("*") if p.suffix in suffixes and p.is_file())


def listed(name):
    """The lines of tools/lists/NAME without comments; [] when there is none."""
    path = Path("tools/lists") / name
    if not path.exists():
        return []
    lines = (re.sub(r"(^|\s)#.*", "", l).strip() for l in path.read_text().splitlines())
    return [l for l in lines if l]


def bare(text):
    """C text with comments, strings and character constants blanked out; lines stay where they are."""
    def blank(m):
        word = m.group(0)
        if word[0] == "/":
            return re.sub(r"[^\n]", " ", word)
        return word[0] + "_" * (len(word) - 2) + word[-1]
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def objects():
    """Room, source path and object path of everything that was built."""
    for path in sources(".c"):
        made = Path(BUILD) / path.with_suffix(".o")
        if made.exists():
            yield path.parent.name, path, made


def symbols():
    """Rows (room, source, kind, name) of nm for all objects, in one call."""
    by_object = {str(made): (room, path) for room, path, made in objects()}
    if not by_object:
        return
    out = subprocess.run(["nm", "-A", *by_object], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        made, _, rest = line.partition(":")
        kind, name = rest.split()[-2:]
        room, path = by_object[made]
        yield room, path, kind, name


def line_of(path, word):
    """The first line where `word` stands outside comments, or 1."""
    for n, line in enumerate(bare(Path(path).read_text()).splitlines(), 1):
        if re.search(r"\b%s\b" % re.escape(word), line):
            return n
    return 1


class Check:
    """Collects findings; waived ones are left out. A waiver is a line `check path [name]  # reason`."""

    def __init__(self, name):
        self.name, self.count = name, 0
        self.waived = {tuple(l.split()) for l in listed("../waivers")}

    def found(self, path, line, what, way_out, name=None):
        keys = {(self.name, str(path)), (self.name, str(path), str(name))}
        if keys & self.waived:
            return
        self.count += 1
        print(f"{path}:{line}: {self.name}: {what}; {way_out}")

    def end(self):
        sys.exit(1 if self.count else 0)
