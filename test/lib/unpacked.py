# unpacked.py: Debian packages that may not be installed (their postinst would set up a mail server) unpacked in a private folder.
import os
import shutil
import subprocess
from pathlib import Path


def unpack(top, names):
    """The folder with the packages of those names, the first of which must be there; fetched once. A library that is
    installed is left out, and so is a name that is gone. None: the first cannot be had."""
    top = Path(top)
    if (top / "done").exists():
        return str(top)
    shutil.rmtree(top, ignore_errors=True)
    (top / "deb").mkdir(parents=True)
    for p in names:
        here = subprocess.run(["dpkg-query", "-W", "-f", "${Status}", p], capture_output=True, text=True)
        if "ok installed" in here.stdout and p.startswith("lib"):
            continue
        subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", p], cwd=top / "deb", capture_output=True)
    debs = sorted((top / "deb").glob("*.deb"))
    if not any(d.name.startswith(names[0] + "_") for d in debs):
        return None
    for d in debs:
        subprocess.run(["dpkg", "-x", d, top], check=True)
    (top / "done").touch()
    return str(top)


def postfix_tool(build, tool):
    """Words and environment with which smtp-sink or smtp-source of Postfix is run."""
    top = unpack(Path(build) / "postfix-tools", ["postfix", "libicu72", "libdb5.3", "libsasl2-2", "libnsl2"])
    assert top, "the package postfix cannot be fetched"
    libraries = f"{top}/usr/lib/postfix:{top}/usr/lib/x86_64-linux-gnu"
    return [f"{top}/usr/sbin/{tool}"], dict(os.environ, LD_LIBRARY_PATH=libraries)
