# dialogue.py: Reads a .dlg file (README.md says what may stand in it) and plays it against a server.
import re
import shlex
import socket
import time

from client import Client, Gone, Late, client_tls, server_tls
from pattern import fill, match, unescape

from server import HOST, SLOW

PATIENCE = 5 * SLOW


class Failed(Exception):
    pass


class Dialogue:
    def __init__(self, path):
        self.path = path
        self.accounts, self.settings, self.listens, self.skips, self.lets = [], [], [], {}, {}
        self.lines = []  # (number, text)
        self.read(path.read_text(encoding="utf-8", errors="surrogateescape").split("\n"))

    def read(self, lines):
        n = 0
        while n < len(lines):
            line, at = lines[n], n + 1
            n += 1
            if not line.strip() or line.startswith("#"):
                continue
            word, _, rest = line.partition(" ")
            if word == "let" and rest.endswith("<<"):
                body = []
                while n < len(lines) and lines[n] != ">>":
                    body.append(lines[n] + "\r\n")
                    n += 1
                n += 1
                self.lets[rest[:-2].strip()] = "".join(body)
            elif word == "let":
                name, _, text = rest.partition("=")
                self.lets[name.strip()] = text.strip()
            elif word == "account":
                self.accounts.append(rest.split())
            elif word == "set":
                self.settings.append(rest)
            elif word == "listen":
                self.listens.append(rest.strip())
            elif word == "skip":
                where, _, why = rest.partition(" ")
                self.skips[where] = why
            else:
                self.lines.append((at, line))

    def needs_own(self):
        return bool(self.settings or self.listens) or any(l in ("restart", "kill") for _, l in self.lines)


class Play:
    """One dialogue against one server. `say` gets each line that passes."""

    def __init__(self, dialogue, server, domain, say, listeners=None):
        self.d, self.server, self.say = dialogue, server, say
        self.clients, self.listeners, self.output = {}, listeners or {}, ""
        self.known = {"domain": domain, "host": HOST, "password": "secret"}
        self.known.update({f"port.{k}": v for k, v in server.port.items()})
        self.known.update({f"{k}.port": s.getsockname()[1] for k, s in self.listeners.items()})
        self.known.update(dialogue.lets)

    def prepare(self):
        self.server.add_domain(self.known["domain"])
        for name, *options in self.d.accounts:
            address = name if "@" in name else f"{name}@{self.known['domain']}"
            self.known[name.split("@")[0]] = address
            words = []
            for option in options:
                key, _, value = fill(option, self.known).partition("=")
                for one in value.split(",") if key == "alias" else [value]:
                    if key == "alias" and "@" not in one:
                        one += "@" + self.known["domain"]
                    words.append(f"--{key}={one}")
            self.server.add_account(address, "secret", *words)
        for name, text in self.d.lets.items():
            self.known[name] = fill(text, self.known)

    def run(self):
        self.prepare()
        try:
            self.block(self.d.lines)
        finally:
            for client in self.clients.values():
                client.close()

    def block(self, lines):
        n = 0
        while n < len(lines):
            number, line = lines[n]
            self.say(f"{number}: {line}")
            word = line.split()[0]
            try:
                if word in ("until", "repeat"):
                    end = self.end_of(lines, n, "end")
                    self.loop(word, float(line.split()[1]), lines[n + 1 : end])
                    n = end
                elif line.rstrip().endswith("<{"):
                    end = self.end_of(lines, n, "}")
                    self.unordered(word.removesuffix("<{"), [l for _, l in lines[n + 1 : end]])
                    n = end
                else:
                    self.one(line)
            except Gone as e:
                raise Failed(f"{self.d.path}:{number}: `{line}`: the server closed") from e
            except Late as e:
                raise Failed(f"{self.d.path}:{number}: `{line}`: nothing came in time") from e
            except (AssertionError, ValueError, RuntimeError, OSError, KeyError, re.error) as e:
                raise Failed(f"{self.d.path}:{number}: `{line}`: {e}") from e
            n += 1

    @staticmethod
    def end_of(lines, start, word):
        for n in range(start + 1, len(lines)):
            if lines[n][1].strip() == word:
                return n
        raise ValueError(f"no `{word}` after it")

    def loop(self, word, figure, lines):
        if word == "repeat":
            for i in range(1, int(figure) + 1):
                self.known["i"] = i
                self.block(lines)
            return
        until = time.monotonic() + figure * SLOW
        while True:
            kept = dict(self.known)
            try:
                return self.block(lines)
            except Failed:
                if time.monotonic() > until:
                    raise
                self.known = kept
                time.sleep(0.05)

    def one(self, line):
        if m := re.match(r"([A-Z][A-Z0-9_]*)(>>|>|<) ?(.*)$", line, re.S):
            who, sign, rest = m.groups()
            client = self.clients[who]
            if sign == ">":
                client.send((fill(rest, self.known) + "\r\n").encode("utf-8", "surrogateescape"))
            elif sign == ">>":
                client.send(fill(unescape(rest), self.known).encode("utf-8", "surrogateescape"))
            elif rest.startswith("... "):
                self.skip_until(client, rest[4:])
            else:
                got = client.line()
                self.say(f"    {got}")
                assert match(rest, got, self.known), f"got `{got}`"
        elif line.startswith("!<"):
            assert any(match(line[2:].strip(), l, self.known) for l in self.output.splitlines()), f"got {self.output!r}"
        elif m := re.match(r"!(\d?) (.*?)(?: << (.*))?$", line):
            code, words, text = m.groups()
            self.output = self.server.cli(*shlex.split(fill(words, self.known)), code=int(code or 0),
                                          stdin=fill(text, self.known) + "\n" if text else "")
        elif line.startswith("pause "):
            time.sleep(float(line.split()[1]) / 1000)
        elif line in ("restart", "kill"):
            self.server.stop() if line == "restart" else self.server.kill()
            self.server.start()
        else:
            self.act(*line.split())

    def skip_until(self, client, pattern):
        skipped = []
        while True:
            try:
                got = client.line()
            except (Gone, Late) as e:
                raise AssertionError(f"not among {skipped}") from e
            self.say(f"    {got}")
            if match(pattern, got, self.known):
                return
            skipped.append(got[:200])

    def unordered(self, who, patterns):
        patterns = [p.strip("\n") for p in patterns]
        lax = "..." in patterns
        left = [p for p in patterns if p != "..."]
        while left:
            got = self.clients[who].line()
            self.say(f"    {got}")
            found = next((p for p in left if match(p, got, self.known)), None)
            if found is not None:
                left.remove(found)
            elif not lax:
                raise AssertionError(f"got `{got}`, none of {left}")

    def act(self, who, verb, *rest):
        if verb == "connect":
            if who in self.clients:
                self.clients[who].close()
            door = rest[0]
            if door not in self.known and f"port.{door}" not in self.known:
                raise ValueError(f"no door {door}")
            self.clients[who] = Client.connect(door, self.known[f"port.{door}"], PATIENCE)
        elif verb == "accept":
            self.listeners[who].settimeout(PATIENCE)
            self.clients[who] = Client(self.listeners[who].accept()[0], "server", PATIENCE)
        elif verb == "starttls":
            is_server = self.clients[who].door == "server"
            self.clients[who].start_tls(server_tls(self.server.folder) if is_server else client_tls(), is_server)
        elif verb == "silent":
            ms = float(rest[0]) if rest else 100
            assert self.clients[who].silent(ms / 1000), f"something came: {self.clients[who].held or '(a line)'}"
        elif verb == "closed":
            assert self.clients[who].closed(), f"it did not close: {self.clients[who].held[:200]!r}"
        elif verb in ("close", "half", "reset"):
            getattr(self.clients[who], verb)()
        else:
            raise ValueError("not understood; README.md has the words")


def open_listeners(dialogue):
    made = {}
    for name in dialogue.listens:
        made[name] = socket.create_server(("127.0.0.1", 0))
    return made
