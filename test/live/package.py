# package.py: The Debian package: what is in it, its modes, and that what it brings starts as it stands.
import os
import subprocess
import tempfile
from pathlib import Path

from harness import main, test

ROOT = Path(__file__).resolve().parents[2]
BUILD = os.environ.get("BUILD", "build")


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: exit {done.returncode}: {done.stderr[-800:]}"
    return done.stdout


@test
def package_holds_what_a_server_needs():
    package = ROOT / run("sh", ROOT / "tools/deb", ROOT / BUILD).strip().splitlines()[-1]
    listed = {line.split()[-1]: line.split()[0] for line in run("dpkg-deb", "--contents", package).splitlines()}
    for path, mode in (("./usr/sbin/veredus", "-rwxr-xr-x"), ("./etc/veredus/veredus.toml", "-rw-r-----"),
                       ("./lib/systemd/system/veredus.service", "-rw-r--r--"),
                       ("./usr/lib/sysusers.d/veredus.conf", "-rw-r--r--"),
                       ("./usr/share/man/man1/veredus.1.gz", "-rw-r--r--")):
        assert listed.get(path) == mode, f"{path}: {listed.get(path)}"
    needed = run("dpkg-deb", "--field", package, "Depends")
    assert "libssl3" in needed and "libstdc++6" in needed, needed
    with tempfile.TemporaryDirectory() as folder:
        run("dpkg-deb", "--raw-extract", package, folder)
        for script in ("postinst", "prerm", "postrm"):
            run("sh", "-n", f"{folder}/DEBIAN/{script}")
        text = run(f"{folder}/usr/sbin/veredus", "--config", f"{folder}/etc/veredus/veredus.toml", "check")
        assert "/var/lib/veredus" in text, text[:500]
    package.unlink()


if __name__ == "__main__":
    main()
