# peers.py: Brings the peers from Debian's packages into a private prefix; they run in a mount namespace that lays it over /usr.
# SPDX-License-Identifier: Apache-2.0
import os, shutil, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from unpacked import unpack  # noqa: E402

# The packages of each peer with those of their libraries that a bare machine lacks. Names that are gone are skipped.
PACKAGES = {
    "dovecot": "dovecot-core dovecot-imapd dovecot-lmtpd dovecot-pop3d libwrap0 libexttextcat-2.0-0 liblua5.3-0 libsodium23 libstemmer0d libapparmor1 libicu72",
    "postfix": "postfix libicu72 libdb5.3 libsasl2-2 libnsl2",
    "cyrus": "cyrus-common cyrus-imapd cyrus-pop3d libical3 libwrap0 libzephyr4 libclamav12 libmariadb3 libpq5 libsasl2-2 "
             "libsasl2-modules libsasl2-modules-db sasl2-bin libjansson4 libshp4 libchardet1 libsnmp40 libxapian30 libmspack0 "
             "libbrotli1 libhesiod0",
}
USERS = """dovecot:x:5201:5201::/:/bin/false
dovenull:x:5202:5202::/:/bin/false
vmail:x:5203:5203::/:/bin/false
postfix:x:5204:5204::/:/bin/false
cyrus:x:5205:5205::/:/bin/false
"""
GROUPS = """dovecot:x:5201:
dovenull:x:5202:
vmail:x:5203:
postfix:x:5204:
postdrop:x:5206:
mail:x:8:cyrus
cyrus:x:5205:
sasl:x:45:cyrus
"""


def _merge(path, extra):
    ours = {l.split(":")[0] for l in extra.splitlines()}
    kept = [l for l in open(path).read().splitlines() if l.split(":")[0] not in ours]
    return "\n".join(kept) + "\n" + extra


def may_run():
    """None, or why no peer can be run here."""
    if os.geteuid() != 0:
        return "peers need root (a mount namespace)"
    t = subprocess.run(["unshare", "-m", "sh", "-c", "mount -t overlay overlay -o lowerdir=/var:/usr /usr"],
                       capture_output=True, text=True)
    return None if t.returncode == 0 else "no overlay in a mount namespace here"


def prefix(name, build):
    """The folder of the unpacked peer; fetched when it is not there. None: its package cannot be had."""
    top = f"{build}/peer-{name}"
    if os.path.exists(top + "/laid"):
        return top
    if not unpack(top, PACKAGES[name].split()):
        return None
    os.makedirs(top + "/etc", exist_ok=True)
    os.makedirs(top + "/usr", exist_ok=True)
    lib = top + "/lib/x86_64-linux-gnu"
    if os.path.isdir(lib):  # /lib is /usr/lib
        shutil.copytree(lib, top + "/usr/lib/x86_64-linux-gnu", symlinks=True, dirs_exist_ok=True)
    open(top + "/etc/passwd", "w").write(_merge("/etc/passwd", USERS))
    open(top + "/etc/group", "w").write(_merge("/etc/group", GROUPS))
    open(top + "/laid", "w").close()
    return top


def inside(top, argv):
    """argv as it runs with the prefix laid over /usr and /etc; nothing outside sees that."""
    script = ('mount --make-rprivate / && mount -t overlay overlay -o "lowerdir=$0/usr:/usr" /usr && '
              'mount -t overlay overlay -o "lowerdir=$0/etc:/etc" /etc && exec "$@"')
    return ["unshare", "-m", "sh", "-c", script, top] + argv
