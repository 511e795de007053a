# arc.py: `veredus probe arc`: the public suites of RFC 8617, validating and sealing, where they are; and a broken chain of ours.
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import yaml

from harness import main, test
from server import ROOT, SLOW

BINARY = ROOT / os.environ.get("BUILD", "build") / "veredus"
SUITES = ROOT / "../shared/data/arc"
FIELDS = {"AS": "ARC-Seal", "AMS": "ARC-Message-Signature", "AAR": "ARC-Authentication-Results"}


def probe(folder, message, table, *options):
    zone, config = Path(folder) / "zone", Path(folder) / "v.toml"
    zone.write_text(table)
    config.write_text('[server]\nhostname = "mx.example.org"\n')
    done = subprocess.run([BINARY, "--config", config, "probe", "arc", "--dns-table", zone, *options],
                          input=message.replace("\n", "\r\n").encode(), capture_output=True, timeout=60 * SLOW)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def parts(name):
    """Groups of tests with their zone; none where the suite is not."""
    path = SUITES / name
    for part in yaml.safe_load_all(path.read_text()) if path.exists() else ():
        rows = [f"{name} TXT {text.replace(chr(10), '')}\n" for name, text in part["txt-records"].items() if text]
        yield part, "".join(rows)


def packed(text):
    return re.sub(r"\s+", "", text)


def tags(text):
    return dict(spec.split("=", 1) for spec in packed(text).split(";") if spec)


@test
def public_suite_of_chains():
    seen, wrong = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for part, zone in parts("arc-draft-validation-tests.yml"):
            for name, t in part["tests"].items():
                got = probe(folder, t["message"], zone)
                wrong += [(name, t["cv"], got)] if t["cv"] and got["result"] != str(t["cv"]).lower() else []
                seen += 1
    assert not wrong and seen in (0, 171), (seen, wrong)


@test
def public_suite_of_seals():
    seen = 0
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        for part, zone in parts("arc-draft-sign-tests.yml"):
            key.write_text(part["privatekey"])
            for name, t in part["tests"].items():
                got = probe(folder, t["message"], zone, "--key", key, "--domain", part["domain"], "--selector", part["sel"],
                            "--headers", t["sig-headers"], "--time", str(t["t"]), "--authserv-id", t["srv-id"])
                made = dict(f.split(":", 1) for f in re.split(r"\r\n(?=\S)", got["set"]) if ":" in f)
                assert packed(t["AAR"]) == packed(made.get(FIELDS["AAR"], "")), (name, made)
                for part_name in ("AS", "AMS"):
                    assert tags(t[part_name]) == tags(made.get(FIELDS[part_name], "")), (name, part_name, made)
                seen += 1
    assert seen in (0, 17), seen


@test
def chain_of_ours():
    """Sealed twice by a key of ours, proven; then the body is changed, and the third set ends the chain."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        text = subprocess.run(["openssl", "base64", "-A"], input=der[-32:], check=True, capture_output=True).stdout.decode()
        zone = f"s._domainkey.list.test TXT v=DKIM1; k=ed25519; p={text}\n"
        seal = ("--key", key, "--domain", "list.test", "--selector", "s")
        message = "Authentication-Results: mx.example.org; spf=pass\nFrom: a@b.test\nSubject: hi\n\nhello\n"
        for n in (1, 2):
            got = probe(folder, message, zone, *seal)
            assert got["result"] == ("none" if n == 1 else "pass") and f"i={n}; mx.example.org; spf=pass" in got["set"], got
            message = got["set"].replace("\r\n", "\n") + message
        got = probe(folder, message, zone)
        assert got["result"] == "pass" and got["sets"] == 2 and got["oldest_pass"] == 0 and got["domain"] == "list.test", got
        got = probe(folder, message.replace("hello", "Hello"), zone, *seal)
        assert got["result"] == "fail" and got["problem"] == "the body was changed" and "cv=fail" in got["set"], got
        ended = got["set"].replace("\r\n", "\n") + message
        got = probe(folder, ended, zone, *seal)
        assert got["result"] == "fail" and got["set"] == "", got


main()
