# server.py: Starts the real binary with a folder, ports and a configuration of its own; asks it things; ends it.
import fcntl
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = "mx.veredus.test"
# name: (protocol, implicit TLS)
LISTENERS = {
    "smtp": ("smtp", False), "submission": ("submission", False), "submissions": ("submission", True),
    "lmtp": ("lmtp", False), "imap": ("imap", False), "imaps": ("imap", True), "pop3": ("pop3", False),
    "pop3s": ("pop3", True), "managesieve": ("managesieve", False), "http": ("http", False),
}
SLOW = float(os.environ.get("VEREDUS_SLOW", "1"))  # sanitizers and chaos wait longer
ENGINE = os.environ.get("VEREDUS_ENGINE", "rocksdb")  # of tests that do not say
RESERVED = []  # the file of locks, then ports


def free_port():
    """A loopback port that nobody has, and no other test takes as long as this process lives: each holds a lock on the octet
    of that number in one file. Below the ports that the kernel gives to clients, so that none takes it while a server that
    had it starts again."""
    if not RESERVED:
        RESERVED.append(os.open(Path(tempfile.gettempdir()) / "veredus-test-ports", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC))
    while True:
        port = random.SystemRandom().randrange(12000, 32000)
        if port in RESERVED:
            continue
        try:
            fcntl.lockf(RESERVED[0], fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
        except OSError:
            continue
        RESERVED.append(port)
        return port


def doors_built():
    """Listeners whose room exists in this tree: pop3 and others come later."""
    home = {"submission": "smtp", "lmtp": "smtp"}
    def has(protocol):
        return any((ROOT / "src" / home.get(protocol, protocol)).glob("*.c"))
    return [n for n, (p, _) in LISTENERS.items() if has(p)]


class Server:
    """with Server(engine="rocksdb", settings=["queue.retry=1s"]) as s: s.port["imap"]; s.cli("status")"""

    def __init__(self, engine=ENGINE, blob=None, settings=(), build=None, env=None, extra="", folder=None, store=None):
        """`store`: a started one of stores.py; an engine on a server without it gets one of its own."""
        self.build = Path(build or os.environ.get("BUILD", "build"))
        self.binary = (ROOT / self.build / "veredus").resolve()
        self.engine, self.settings = engine, list(settings)
        self.env = dict(os.environ, **(env or {}))
        self.own_folder = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="veredus-test-"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir(exist_ok=True)
        self.log = self.folder / "log"
        self.port = {name: free_port() for name in doors_built()}
        self.config = self.folder / "veredus.toml"
        self.own_store = None
        self.store = store or self.make_store()
        self.config.write_text(self.toml(blob, extra))
        self.process = None

    def make_store(self):
        import stores
        if self.engine in stores.KINDS:
            self.own_store = stores.KINDS[self.engine]().__enter__()
        return self.own_store

    def toml(self, blob, extra):
        path = f'path = "{self.data}/store"\n' if self.engine != "memory" else ""
        text = f'[server]\nhostname = "{HOST}"\ndata = "{self.data}"\nuser = ""\n'
        text += f'[storage]\ndata = "main"\nblob = "{"files" if blob else "main"}"\n'
        text += self.store.toml("main") if self.store else f'[store."main"]\ntype = "{self.engine}"\n{path}'
        if blob:
            text += f'[store."files"]\ntype = "{blob}"\npath = "{self.data}/blobs"\n'
        for name, port in self.port.items():
            protocol, implicit = LISTENERS[name]
            text += f'[server.listener."{name}"]\nbind = ["127.0.0.1:{port}"]\nprotocol = "{protocol}"\n'
            text += f"tls.implicit = {str(implicit).lower()}\n"
        return text + extra

    def start(self, preload=None, wait=True, under=()):
        """`under`: words in front of the command, of a program that becomes it, as `strace -D` does."""
        env = dict(self.env, **({"LD_PRELOAD": str(preload)} if preload else {}))
        command = [*under, self.binary, "--config", self.config, "--data", self.data, "serve"]
        for setting in self.settings:
            command += ["--set", setting]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                            start_new_session=True)
        if wait:
            self.wait_listening()
        return self

    def wait_listening(self, most=10):
        """Seconds until all doors took a connection."""
        began = time.monotonic()
        left = list(self.port.values())
        while time.monotonic() - began < most * SLOW:
            if self.process.poll() is not None:
                raise RuntimeError(f"server ended with {self.process.returncode}: {self.tail()}")
            try:
                while left:
                    socket.create_connection(("127.0.0.1", left[0]), 1).close()
                    left.pop(0)
                return time.monotonic() - began
            except OSError:
                time.sleep(0.005)
        raise RuntimeError(f"server does not listen: {self.tail()}")

    def cli(self, *args, stdin="", code=0):
        """Runs `veredus ARGS` against this server; the exit status must be `code`; answers what it printed."""
        command = [self.binary, "--config", self.config, "--data", self.data, *args]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=20 * SLOW)
        if done.returncode != code:
            raise RuntimeError(f"veredus {' '.join(map(str, args))}: exit {done.returncode}, not {code}: "
                               f"{done.stdout[-500:]}{done.stderr[-500:]}")
        return done.stdout if code == 0 else done.stdout + done.stderr

    def add_domain(self, domain):
        self.cli("domain", "add", domain)

    def add_account(self, address, password="secret", *options):
        self.cli("account", "add", address, "--password-stdin", *options, stdin=password + "\n")

    def tail(self, most=1500):
        return self.log.read_text(errors="replace")[-most:] if self.log.exists() else ""

    def crashed(self):
        """What a child left that died: a failed assertion or a sanitizer's report; None: nothing."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        m = re.search(r"must failed|ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|ended by signal|"
                      r"[\w./]+\.c:\d+: must", text)
        return text[max(0, m.start() - 200) : m.start() + 3000] if m else None

    def signal_all(self, number):
        """To the whole group that was started here (parent and child)."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def kill(self):
        self.signal_all(signal.SIGKILL)
        self.process.wait()
        self.wait_silent()

    def wait_silent(self):
        """A killed child may hold its listeners for a moment after its parent is gone."""
        until = time.monotonic() + 2 * SLOW
        for port in self.port.values():
            while time.monotonic() < until:
                with socket.socket() as s:
                    if s.connect_ex(("127.0.0.1", port)) != 0:
                        break
                time.sleep(0.005)

    def stop(self, most=10):
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(most * SLOW)
            except subprocess.TimeoutExpired:
                self.kill()
                return None
        self.signal_all(signal.SIGKILL)
        return self.process.returncode

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.stop()
        if self.own_store:
            self.own_store.__exit__()
        if self.own_folder and not os.environ.get("VEREDUS_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)
