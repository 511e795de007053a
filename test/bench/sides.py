# sides.py: The servers that are compared: how each is set up, started, asked whether it has finished, and ended.
# SPDX-License-Identifier: Apache-2.0
import os, shutil, socket, subprocess, time
import peers
from proc import Group

USERS, DOMAIN, PASSWORD = 56, "bench.test", "secret"


def free_ports(n):
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


def banner(port, timeout=20.0):
    """Waits until a greeting comes."""
    end = time.time() + timeout
    while time.time() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 2) as s:
                s.settimeout(2)
                if s.recv(1):
                    return
        except OSError:
            time.sleep(0.002)
    raise RuntimeError(f"nothing answers on port {port}")


class Side:
    name = label = ""
    durable = ""              # what it flushes for a message, in words
    user, host = "user%u@bench.test", "127.0.0.1"
    ports = {}                # lmtp smtp imap imaps pop3
    rows = set()              # families of rows that it takes part in: lmtp smtp relay imap pop3 tls

    def __init__(self, work, name=None):
        self.name = name or self.name
        self.dir = f"{work}/run-{self.name}"
        self.work, self.group = work, None
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)

    def write(self, path, text):
        path = f"{self.dir}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def certificate(self):
        crt, key = f"{self.dir}/tls.crt", f"{self.dir}/tls.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", "/CN=mx.bench.test", "-keyout", key, "-out", crt], check=True, capture_output=True)
        return crt, key

    def launch(self, argv, port):
        """Starts and waits for the greeting; start_ms is the time between."""
        self.group = Group(self.name)
        log = open(f"{self.dir}/out.log", "ab")
        t = time.time()
        self.group.spawn(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        banner(port)
        self.start_ms = (time.time() - t) * 1000

    def start(self):
        raise NotImplementedError

    def meter(self):
        """What is charged for this side's work."""
        return self.group

    def drained(self):
        """False while mail that was taken is still under way inside."""
        return True

    def stop(self):
        if self.group:
            self.group.end()
            self.group = None


class Dovecot(Side):
    name, label, durable = "dovecot", "Dovecot 2.3 tuned (mdbox)", "its default: fdatasync before LMTP's and APPEND's reply"
    rows = {"lmtp", "imap", "pop3", "tls"}

    def start(self):
        top = peers.prefix("dovecot", self.work)
        if not top:
            raise RuntimeError("no Debian package")
        if not self.ports:
            self.ports = dict(zip(("lmtp", "imap", "imaps", "pop3"), free_ports(4)))
        crt, key = self.certificate()
        mail = f"{self.dir}/mail"
        os.makedirs(mail, exist_ok=True)
        os.chown(mail, 5203, 5203)
        p = self.ports
        conf = self.write("dovecot.conf", f"""
protocols = imap lmtp pop3
base_dir = {self.dir}/base
state_dir = {self.dir}/state
log_path = {self.dir}/dovecot.log
info_log_path = /dev/null
listen = 127.0.0.1
ssl = yes
ssl_cert = <{crt}
ssl_key = <{key}
disable_plaintext_auth = no
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
first_valid_uid = 100
mail_location = mdbox:{mail}/%u
mail_attachment_detection_options =
auth_cache_size = 10M
auth_mechanisms = plain
default_client_limit = 12000
default_vsz_limit = 2G
mail_max_userip_connections = 0
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=5203 gid=5203 home={mail}/%u allow_all_users=yes
}}
service anvil {{
  client_limit = 20000
}}
service auth {{
  client_limit = 20000
}}
service imap-login {{
  service_count = 0
  process_min_avail = 2
  client_limit = 6000
  inet_listener imap {{
    address = 127.0.0.1
    port = {p["imap"]}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {p["imaps"]}
    ssl = yes
  }}
}}
service imap {{
  service_count = 1000
  process_min_avail = 4
  process_limit = 2000
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 2
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {p["pop3"]}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service pop3 {{
  service_count = 1000
  process_min_avail = 4
}}
service lmtp {{
  process_min_avail = 10
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {p["lmtp"]}
  }}
}}
namespace inbox {{
  inbox = yes
}}
protocol imap {{
  mail_max_userip_connections = 0
}}
""")
        self.launch(peers.inside(top, ["/usr/sbin/dovecot", "-F", "-c", conf]), p["imap"])


class Postfix(Side):
    """smtpd -> queue -> Dovecot's LMTP for bench.test; everything else to the sink."""
    name, label, durable = "postfix", "Postfix 3.7 -> Dovecot LMTP", "its default: fsync of the queue file before the reply"
    rows = {"smtp", "relay"}

    def __init__(self, work):
        super().__init__(work)
        self.ports = dict(zip(("smtp", "sink"), free_ports(2)))
        self.store = Dovecot(work, "postfix-store")

    def start(self):
        top = peers.prefix("postfix", self.work)
        if not top:
            raise RuntimeError("no Debian package")
        self.store.start()
        spool, p = f"{self.dir}/spool", self.ports
        own = {"active": 0o700, "bounce": 0o700, "corrupt": 0o700, "defer": 0o700, "deferred": 0o700, "flush": 0o700,
               "hold": 0o700, "incoming": 0o700, "private": 0o700, "saved": 0o700, "trace": 0o700, "public": 0o710, "maildrop": 0o730}
        for d in list(own) + ["pid", "data"]:
            os.makedirs(f"{spool}/{d}", exist_ok=True)
        for d, mode in own.items():
            os.chown(f"{spool}/{d}", 5204, 5206 if d in ("public", "maildrop") else 0)
            os.chmod(f"{spool}/{d}", mode)
        os.chown(f"{spool}/data", 5204, 0)
        self.write("conf/main.cf", f"""
compatibility_level = 3.6
queue_directory = {spool}
data_directory = {spool}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.bench.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = {DOMAIN}
virtual_transport = lmtp:inet:127.0.0.1:{self.store.ports["lmtp"]}
relayhost = [127.0.0.1]:{p["sink"]}
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
biff = no
""")
        self.write("conf/master.cf", f"""
127.0.0.1:{p["smtp"]} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
""")
        self.launch(peers.inside(top, ["/usr/lib/postfix/sbin/master", "-c", f"{self.dir}/conf", "-d"]), p["smtp"])

    def meter(self):
        return _Sum(self.group, self.store.group)

    def drained(self):
        for q in ("incoming", "active", "maildrop", "deferred"):
            for _, _, files in os.walk(f"{self.dir}/spool/{q}"):
                if files:
                    return False
        return True

    def stop(self):
        super().stop()
        self.store.stop()


class _Sum:
    """Postfix with the Dovecot behind it: what a message costs is the sum."""

    def __init__(self, *groups):
        self.groups = groups

    def cpu_us(self):
        return sum(g.cpu_us() for g in self.groups)

    def pids(self):
        return [p for g in self.groups for p in g.pids()]

    def pss_kib(self):
        return sum(g.pss_kib() for g in self.groups)

    def quiet(self, limit=5.0):
        for g in self.groups:
            g.quiet(limit)


class Cyrus(Side):
    name, label, durable = "cyrus", "Cyrus 3.6", "its default: fsync of message, index, cache and conversations before the reply"
    rows = {"lmtp", "imap", "tls"}
    user = "user%u"

    def start(self):
        top = peers.prefix("cyrus", self.work)
        if not top:
            raise RuntimeError("no Debian package")
        first = not self.ports
        if first:
            self.ports = dict(zip(("lmtp", "imap", "imaps"), free_ports(3)))
        p, d = self.ports, self.dir
        crt, key = self.certificate()
        conf = self.write("imapd.conf", f"""
configdirectory: {d}/conf
partition-default: {d}/part
defaultpartition: default
admins: admin
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {d}/sasldb2
sasl_mech_list: PLAIN
servername: mx.bench.test
unixhierarchysep: yes
altnamespace: yes
hashimapspool: yes
lmtp_downcase_rcpt: yes
virtdomains: off
sievedir: {d}/sieve
tls_server_cert: {crt}
tls_server_key: {key}
tls_session_timeout: 0
syslog_prefix: bench
maxlogins_per_host: 0
maxlogins_per_user: 0
idlesocket: {d}/conf/socket/idle
duplicate_db_path: {d}/conf/deliver.db
""")
        cyr = self.write("cyrus.conf", f"""
START {{
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C {conf} -r"
  idled cmd="/usr/lib/cyrus/bin/idled -C {conf}"
}}
SERVICES {{
  imap cmd="/usr/lib/cyrus/bin/imapd -C {conf} -U 1000" listen="127.0.0.1:{p["imap"]}" prefork=10 maxchild=2000
  imaps cmd="/usr/lib/cyrus/bin/imapd -C {conf} -s -U 1000" listen="127.0.0.1:{p["imaps"]}" prefork=2 maxchild=2000
  lmtp cmd="/usr/lib/cyrus/bin/lmtpd -C {conf} -a" listen="127.0.0.1:{p["lmtp"]}" prefork=10 maxchild=200
}}
EVENTS {{
}}
""")
        if first:
            for sub in ("conf", "conf/db", "conf/socket", "conf/proc", "conf/log", "conf/msg", "conf/user", "conf/quota", "conf/lock",
                        "conf/ptclient", "conf/rpm", "part", "sieve"):
                os.makedirs(f"{d}/{sub}", exist_ok=True)
            for i in ["admin"] + [f"user{n}" for n in range(1, USERS + 1)]:
                subprocess.run(peers.inside(top, ["/usr/sbin/saslpasswd2", "-p", "-c", "-f", f"{d}/sasldb2", "-u", "mx.bench.test", i]),
                               input=PASSWORD.encode(), check=True, capture_output=True)
            subprocess.run(["chown", "-R", "5205:5205", d], check=True)
        self.launch(peers.inside(top, ["/usr/lib/cyrus/bin/master", "-C", conf, "-M", cyr, "-p", f"{d}/master.pid"]), p["imap"])
        if first:
            import imaplib
            c = imaplib.IMAP4("127.0.0.1", p["imap"])
            c.login("admin", PASSWORD)
            for n in range(1, USERS + 1):
                c.create(f"user/user{n}")
            c.logout()


class Veredus(Side):
    name, label, durable = "veredus", "Veredus", "flushes before each reply"
    rows = {"lmtp", "smtp", "relay", "imap", "pop3", "tls"}
    binary, account = "build/veredus", "root"

    def __init__(self, work):
        super().__init__(work)
        self.ports = dict(zip(("lmtp", "smtp", "submission", "imap", "imaps", "pop3", "sink"), free_ports(7)))
        self.first = True

    def run(self, *args, text=None):
        argv = [self.binary, "--config", f"{self.dir}/veredus.toml", "--data", f"{self.dir}/data", *args]
        p = subprocess.run(argv, input=text, text=True, capture_output=True, timeout=60)
        if p.returncode:
            raise RuntimeError(f"{' '.join(args)}: {p.stderr or p.stdout}")

    def start(self):
        p = self.ports
        crt, key = self.certificate()
        os.makedirs(f"{self.dir}/data", exist_ok=True)
        text = f"""
[server]
hostname = "mx.bench.test"
user = "{self.account}"
[certificate."bench"]
cert = "{crt}"
private-key = "{key}"
default = true
[log]
level = "warn"
[pop3]
lock = "snapshot"
[queue]
relay-host = "127.0.0.1:{p["sink"]}"
"""
        for name in ("lmtp", "smtp", "submission", "imap", "imaps", "pop3"):
            text += f"""
[server.listener."{name}"]
bind = ["127.0.0.1:{p[name]}"]
protocol = "{name.removesuffix("s") if name == "imaps" else name}"
tls.implicit = {"true" if name == "imaps" else "false"}
"""
        self.write("veredus.toml", text)
        self.launch([self.binary, "--config", f"{self.dir}/veredus.toml", "--data", f"{self.dir}/data", "serve"], p["imap"])
        if self.first:
            self.first = False
            self.run("domain", "add", DOMAIN)
            for n in range(1, USERS + 1):
                self.run("account", "add", f"user{n}@{DOMAIN}", "--password-stdin", text=PASSWORD + "\n")
