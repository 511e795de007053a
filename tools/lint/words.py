# words.py: Captions, licence line, the one form of RFC references, TODO with its issue, no dead code, no new macros.
import re
from pathlib import Path

from common import Check, bare, listed, sources

check = Check("words")
RULES = (
    (r"\bRFC(?!822)\d|\bRFC-\d|\brfc ?(?!822)\d{3,}|\bRFC \d+ ?(?:§|#|[Ss]ect|[Ss]ec\.)|\bRFC \d+, \d", "RFC reference",
     "write it RFC 9051 6.4.7"),
    (r"\b(?:TODO|FIXME|XXX|HACK)\b(?! #\d+)", "a wish without its issue", "write TODO #12"),
    (r"^\s*#\s*if 0\b", "dead code", "delete it, git remembers"),
    (r"[ \t]+$", "white space at the end", "run clang-format -i"),
)
macros = listed("macros")


def caption(path, lines):
    first = lines[0] if lines else ""
    if path.suffix in (".py", ".sh", ".dlg", ".mk", "") and first.startswith("#!"):
        first = lines[1] if len(lines) > 1 else ""
    mark = "/*" if path.suffix in (".c", ".h", ".tbl") else "#"
    is_table = path.suffix == ".tbl"
    if not re.match(r"%s %s: \S" % (re.escape(mark), re.escape(path.name)), first):
        check.found(path, 1, "no caption", f"first line: {mark} {path.name}: What it is.")
    elif path.suffix in (".c", ".h") and not is_table and "SPDX-License-Identifier: Apache-2.0" not in "".join(lines[1:2]):
        check.found(path, 2, "no licence line", "second line: /* SPDX-License-Identifier: Apache-2.0 */")


for path in sources(".c", ".h", ".tbl", under=("src", "test")):
    lines = path.read_text(errors="replace").splitlines()
    caption(path, lines)
    if path.parts[0] == "test":
        continue
    for n, line in enumerate(lines, 1):
        for pattern, what, way_out in RULES:
            if re.search(pattern, line):
                check.found(path, n, what, way_out)
    for n, line in enumerate(bare("\n".join(lines)).splitlines(), 1):
        if "//" in line:
            check.found(path, n, "a // comment", "write /* */")
        if (m := re.match(r"\s*#\s*define\s+(\w+)\(", line)) and m.group(1) not in macros:
            check.found(path, n, f"{m.group(1)} is a macro with arguments", "write a function", m.group(1))
        if re.match(r"\s*typedef\s+(struct|enum|union)\b(?!.*\()", line):
            check.found(path, n, "a typedef hides a struct", "say struct")
scripts = sources(".py", ".dlg", ".sh", under=("tools", "test"))
for path in scripts + [p for p in Path("test").glob("*/run") if p.is_file()]:
    if "node_modules" not in path.parts:
        caption(path, path.read_text(errors="replace").splitlines())
check.end()
