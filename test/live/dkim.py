# dkim.py: `veredus probe dkim`: messages that dkimpy signs are proven, in each form; what was changed is not.
import json
import os
import subprocess
import tempfile
from pathlib import Path

from harness import main, needs, test
from server import ROOT, SLOW

BINARY = ROOT / os.environ.get("BUILD", "build") / "veredus"
MESSAGE = (b"From: Ann <ann@signed.test>\r\nTo: bob@example.org\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=  and\r\n\t more\r\n"
           b"Date: Wed, 25 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@signed.test>\r\n\r\n"
           b"Hello,  \t blanks \r\n\r\n.dot\r\n  \r\nend\r\n\r\n\r\n")


def probe(message, table):
    with tempfile.TemporaryDirectory() as folder:
        zone, config = Path(folder) / "zone", Path(folder) / "v.toml"
        zone.write_text(table)
        config.write_text('[server]\nhostname = "mx.example.org"\n')
        done = subprocess.run([BINARY, "--config", config, "probe", "dkim", "--dns-table", zone], input=message,
                              capture_output=True, timeout=60 * SLOW)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["signatures"]


def new_key(folder):
    """A private key's file and the public half as a row of the zone."""
    key = Path(folder) / "key"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", key, "2048"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    text = subprocess.run(["openssl", "base64", "-A"], input=der, check=True, capture_output=True).stdout.decode()
    return key, f"s1._domainkey.signed.test TXT v=DKIM1; k=rsa; p={text}\n"


@test
def what_dkimpy_signs_is_proven():
    needs("dkimsign")
    with tempfile.TemporaryDirectory() as folder:
        key, zone = new_key(folder)
        for header in ("simple", "relaxed"):
            for body in ("simple", "relaxed"):
                signed = subprocess.run(["dkimsign", "--hcanon", header, "--bcanon", body, "s1", "signed.test", key],
                                        input=MESSAGE, check=True, capture_output=True).stdout
                got = probe(signed, zone)
                assert len(got) == 1 and got[0]["result"] == "pass" and got[0]["bits"] == 2048, (header, body, got, signed)
                got = probe(signed.replace(b"end", b"End"), zone)
                assert got[0]["result"] == "fail" and got[0]["problem"] == "the body was changed", got
                got = probe(signed.replace(b"<1@", b"<2@"), zone)
                assert got[0]["result"] == "fail" and "a signed field" in got[0]["problem"], got


@test
def without_signature_or_key():
    assert probe(MESSAGE, "") == []
    with tempfile.TemporaryDirectory() as folder:
        key, _ = new_key(folder)
        signed = subprocess.run(["dkimsign", "s1", "signed.test", key], input=MESSAGE, check=True, capture_output=True).stdout
        got = probe(signed, "")
        assert got[0]["result"] == "permerror" and got[0]["problem"] == "its key is not in DNS", got


main()
