# spf.py: `veredus probe spf`: the public suite of RFC 7208, where it is, over a table of its records; and usage.
import json
import subprocess
import tempfile
from pathlib import Path

import yaml

from harness import main, test
from server import ROOT, SLOW

SUITE = ROOT / "../shared/data/spf/rfc7208-tests.yml"
BINARY = None


def probe(lines, table, code=0):
    with tempfile.TemporaryDirectory() as folder:
        zone, config = Path(folder) / "zone", Path(folder) / "v.toml"
        zone.write_text("\n".join(table) + "\n", encoding="utf-8")
        config.write_text('[server]\nhostname = "unknown"\n')
        done = subprocess.run([BINARY, "--config", config, "probe", "spf", "--dns-table", zone], capture_output=True, text=True,
                              input="\n".join(map(json.dumps, lines)), timeout=60 * SLOW)
    assert done.returncode == code, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def escaped(text, blank=False):
    """As in a zone file: \\DDD for what is no plain letter."""
    out = ""
    for c in text:
        plain = 32 < ord(c) < 127 and c != "\\" or c == " " and blank
        out += c if plain else "".join(f"\\{b:03}" for b in c.encode("latin1" if ord(c) < 256 else "utf-8"))
    return out


def value_of(kind, value):
    if value == "TIMEOUT":
        return "SERVFAIL"
    if kind == "TXT":
        return escaped("".join(value) if isinstance(value, list) else value, blank=True)
    return f"{value[0]} {value[1] or '.'}" if kind == "MX" else value or "."


def rows_of(name, records):
    """Rows of the table; a SPF record stands for a TXT record, unless there is one (the suite's preamble)."""
    own_txt = any("TXT" in r for r in records if isinstance(r, dict))
    rows = [("A", "NODATA")]
    for r in records:
        for kind, value in r.items() if isinstance(r, dict) else ():
            if kind == "SPF" and not own_txt or kind == "TXT":
                rows += [("TXT", value_of("TXT", value))] if value != "NONE" else []
            elif kind in ("A", "AAAA", "MX", "PTR"):
                rows.append((kind, value_of(kind, value)))
    if "TIMEOUT" in records:
        rows += [(kind, "SERVFAIL") for kind in ("A", "AAAA", "MX", "TXT", "PTR") if kind not in [k for k, v in rows if v != "NODATA"]]
    return [f"{escaped(name)} {kind} {value}" for kind, value in rows]


def table_of(zone):
    rows = []
    for name, records in zone.items():
        aliases = [r["CNAME"] for r in records if isinstance(r, dict) and "CNAME" in r]
        rows += rows_of(name, zone.get(aliases[0], []) if aliases else records)
    return rows


def fits(want, got):
    results = want["result"] if isinstance(want["result"], list) else [want["result"]]
    same = (got["explanation"] or "DEFAULT") == want["explanation"] if "explanation" in want and got["result"] == "fail" else True
    return got["result"] in results and same


@test
def public_suite():
    if not SUITE.exists():
        return  # the units of trust/ have cases of our own
    seen = 0
    for part in yaml.safe_load_all(SUITE.read_text(encoding="utf-8")):
        names = list(part["tests"])
        asked = [part["tests"][n] for n in names]
        got, _ = probe([{"ip": t["host"], "helo": t["helo"], "sender": t["mailfrom"]} for t in asked], table_of(part["zonedata"]))
        assert len(got) == len(names), part["description"]
        wrong = [(n, want["result"], g) for n, want, g in zip(names, asked, got) if not fits(want, g)]
        assert not wrong, (part["description"], wrong)
        seen += len(names)
    assert seen == 203, seen


@test
def says_what_is_wrong():
    got, why = probe([{"ip": "192.0.2.300"}, {"ip": "192.0.2.3", "sender": "a@b.test"}], ["b.test TXT v=spf1 -all"], code=1)
    assert '"ip" is no address' in why and got[0]["result"] == "fail" and got[0]["mechanism"] == "-all", (got, why)


if __name__ == "__main__":
    import os
    BINARY = ROOT / os.environ.get("BUILD", "build") / "veredus"
    main()
