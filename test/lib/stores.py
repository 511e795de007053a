#!/usr/bin/env python3
# stores.py: Servers that stores live on, real ones, in a private folder and on a free loopback port; ended with who started them.
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from server import SLOW, free_port  # noqa: E402


def as_user(name):
    """What subprocess needs to run as that user; nothing when we are not root."""
    if os.geteuid() != 0:
        return {}
    about = pwd.getpwnam(name)
    return {"user": about.pw_uid, "group": about.pw_gid, "extra_groups": [], "cwd": "/"}


def die_with_parent():
    """The kernel ends the server even when who started it is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Store:
    """A server of one kind: start, stop (it finishes), kill (it does not), pause, go on; `wipe` empties its database."""

    user, type, secure = "nobody", "", ()

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="veredus-store-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.log = open(self.folder / "log", "ab")
        self.process = None
        self.home = self.folder / "home"
        self.home.mkdir()
        if os.geteuid() == 0:
            about = pwd.getpwnam(self.user)
            os.chown(self.home, about.pw_uid, about.pw_gid)

    def __enter__(self):
        try:
            self.make()
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.kill()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command, stdin=None):
        done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL if stdin is None else None, input=stdin,
                              text=True, capture_output=True, timeout=60 * SLOW, **as_user(self.user))
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stdout[-500:]}{done.stderr[-500:]}")
        return done.stdout

    def start(self, *more):
        """Returns when it answers."""
        self.process = subprocess.Popen([str(c) for c in [*self.command(), *self.secure, *more]], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, start_new_session=True, preexec_fn=die_with_parent, **as_user(self.user))
        end = time.monotonic() + 30 * SLOW
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.type} does not start: {(self.folder / 'log').read_text()[-1500:]}")
            time.sleep(0.02)
        return self

    def processes(self):
        """It and its children, which may have sessions of their own."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
            except OSError:
                pass
        return [self.process.pid] + [p for p, parent in parents.items() if parent == self.process.pid]

    def signal(self, number):
        """To all of its processes; those that have it."""
        had = self.processes()
        for p in had:
            try:
                os.kill(p, number)
            except ProcessLookupError:
                pass
        return had

    def certify(self):
        """A certificate of its own for "localhost"; it speaks TLS from its next start on. The file to trust."""
        for name in ("cert", "other"):
            self.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.home / f"{name}.key",
                     "-out", self.home / f"{name}.pem")
        self.secure = self.tls(self.home / "cert.pem", self.home / "cert.key")
        self.folder.chmod(0o755)
        self.home.chmod(0o755)
        return self.home / "cert.pem"

    def start_weak(self):
        """So that it answers before its flush."""
        self.start(*self.weak)

    def kill(self):
        if self.process and self.process.poll() is None:
            had = self.signal(signal.SIGKILL)
            self.process.wait()
            while any(Path(f"/proc/{p}").exists() for p in had):
                time.sleep(0.005)

    def stop(self):
        self.process.send_signal(self.ends)
        self.process.wait(60 * SLOW)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)

    def toml(self, name="main", **more):
        """The store's block of a configuration."""
        rows = {"type": self.type, "host": "127.0.0.1", "port": self.port, "database": "veredus", "user": self.user_name,
                "password": self.password, **more}
        text = "".join(f"{k} = {v if isinstance(v, int) else chr(34) + v + chr(34)}\n" for k, v in rows.items())
        return f'[store."{name}"]\n{text}'


class PostgreSQL(Store):
    type, user, user_name, password, ends = "postgresql", "postgres", "veredus", "", signal.SIGINT

    def tls(self, cert, key):
        return "-c", "ssl=on", "-c", f"ssl_cert_file={cert}", "-c", f"ssl_key_file={key}"

    def tool(self, name):
        return sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))[-1]

    def make(self):
        self.run(self.tool("initdb"), "-A", "trust", "-U", "veredus", "--no-sync", "--no-locale", "-E", "UTF8", "-D",
                 self.home / "d")

    def command(self):
        return [self.tool("postgres"), "-D", self.home / "d", "-p", self.port, "-c", "listen_addresses=127.0.0.1",
                "-c", f"unix_socket_directories={self.home}"]

    def ask(self, sql, database="veredus"):
        return self.run(self.tool("psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.port,
                        "-U", "veredus", "-d", database, "-c", sql)

    def answers(self):
        try:
            if "veredus" not in self.ask("SELECT datname FROM pg_database", "postgres").split():
                self.ask("CREATE DATABASE veredus", "postgres")
            return True
        except RuntimeError:
            return False

    def wipe(self):
        self.ask("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    def cut(self):
        """Ends every other connection."""
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    weak = ("-c", "fsync=off")


class MariaDB(Store):
    type, user, user_name, password, ends = "mysql", "mysql", "veredus", "secret", signal.SIGTERM
    def tls(self, cert, key):
        return f"--ssl-cert={cert}", f"--ssl-key={key}", "--require-secure-transport=on"

    weak = ("--innodb-flush-log-at-trx-commit=2",)

    def make(self):
        self.run("mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
                 f"--datadir={self.home / 'd'}", f"--user={self.user}")

    def command(self):
        return ["mariadbd", "--no-defaults", f"--datadir={self.home / 'd'}", f"--port={self.port}", "--bind-address=127.0.0.1",
                f"--socket={self.home / 's'}", "--skip-log-bin", "--innodb-buffer-pool-size=64M", "--max-allowed-packet=34M"]

    def ask(self, sql):
        return self.run("mariadb", "--no-defaults", "-N", "-B", f"--socket={self.home / 's'}", "-u", "root", "-e", sql)

    def answers(self):
        try:
            self.ask("CREATE DATABASE IF NOT EXISTS veredus; "
                     "CREATE USER IF NOT EXISTS veredus@'127.0.0.1' IDENTIFIED BY 'secret'; "
                     "GRANT ALL ON veredus.* TO veredus@'127.0.0.1'")
            return True
        except RuntimeError:
            return False

    def wipe(self):
        """Tables may be held for a moment by connections that are just ending, and by the server's own threads."""
        for _ in range(10):
            try:
                self.ask("SET lock_wait_timeout = 2; DROP DATABASE IF EXISTS veredus; CREATE DATABASE veredus")
                return
            except RuntimeError as e:
                why = e
        raise RuntimeError(f"{why}: {self.ask('SHOW FULL PROCESSLIST')}")

    def cut(self):
        """Ends every other connection."""
        for row in self.ask("SELECT id FROM information_schema.processlist WHERE user = 'veredus'").split():
            try:
                self.ask(f"KILL {row}")
            except RuntimeError:
                pass  # it has gone


KINDS = {"postgresql": PostgreSQL, "mysql": MariaDB}


def main():
    """A server for a test that is no Python: says its port, obeys a word a line, and ends at the end of the input."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with KINDS[sys.argv[1]]() as store:
        print(store.port, flush=True)
        for line in sys.stdin:
            word, *more = line.split()
            answer = getattr(store, word)(*more)
            print("done", answer if isinstance(answer, str) else "", flush=True)


if __name__ == "__main__":
    main()
