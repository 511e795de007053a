# settings.py: No setting is without effect in silence: each is read outside conf/, or stands in the list of what comes later.
import re
from pathlib import Path

from common import Check, bare, sources

check = Check("settings")
table, listing = Path("src/conf/settings.tbl"), Path("src/conf/compare.c")
code = "".join(bare(p.read_text()) for p in sources(".c", ".h") if p.parts[1] != "conf")
later = re.findall(r'"([^"]+)"', re.search(r"later\[\] = \{(.*?)\};", listing.read_text(), re.S).group(1))
silent = set(later)
for n, line in enumerate(table.read_text().splitlines(), 1):
    if not (m := re.match(r'SETTING\(conf, "([^"]+)", \w+, ([\w.]+),', line)):
        continue
    key, member = m.groups()
    stands = next((k for k in later if key == k or (k[-1] == "." and key.startswith(k))), None)
    silent.discard(stands)
    used = re.search(rf"(->|\.){re.escape(member)}\b", code) or key in ("metrics.type", "storage.directory")
    if not used and not stands:
        check.found(table, n, f"{key} is read nowhere", "read it, or add it to `later` in src/conf/compare.c")
    if used and stands == key:
        check.found(listing, 1, f"{key} is read, and said to come later", "drop it from `later`")
for key in sorted(silent):
    check.found(listing, 1, f"there is no key {key}", "drop it from `later`")
check.end()
