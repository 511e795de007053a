# globals.py: Writable variables of the program are named in tools/lists/globals, at most ten.
import re
import subprocess

from common import Check, line_of, listed, objects

MOST = 10
check = Check("globals")
listed_names = [l.split()[0] for l in listed("globals")]
if len(listed_names) > MOST:
    check.found("tools/lists/globals", 1, f"{len(listed_names)} writable globals, at most {MOST}", "put one into a struct")
by_object = {str(made): path for _, path, made in objects()}
seen = set()
out = subprocess.run(["objdump", "-t", *by_object], capture_output=True, text=True).stdout if by_object else ""
path = None
for line in out.splitlines():
    if m := re.match(r"(\S+\.o): ", line):
        path = by_object.get(m.group(1))
    # value, flags (7 characters, O for an object), section, size, name
    elif m := re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$", line):
        flags, section, name = m.groups()
        if "O" not in flags or section.startswith((".data.rel.ro", ".rodata")):
            continue
        if not section.startswith((".data", ".bss", ".tdata", ".tbss", "*COM*")) or name.startswith("__"):
            continue
        name = re.sub(r"\.\d+$", "", name)
        seen.add(name)
        if name not in listed_names:
            check.found(path, line_of(path, name), f"{name} is a writable global",
                        "make it const or a member of a struct that is passed", name)
for n, name in enumerate(listed_names, 1):
    if by_object and name not in seen:
        check.found("tools/lists/globals", n, f"{name} is no global any more", "drop the line", name)
check.end()
