# load.py: Clients that change mailboxes in every way, one change after the other, and note what they were told.
import re
import socket
from base64 import b64encode
from itertools import product

from world import Broken, message

from server import SLOW

MANY = 40  # messages in a mailbox: then it is emptied


class Gone(Exception):
    """The server is not there any more."""


class Client:
    """Lines and literals; IMAP and SMTP."""

    def __init__(self, port):
        try:
            self.sock = socket.create_connection(("127.0.0.1", port), 20 * SLOW)
        except OSError as e:
            raise Gone from e
        self.file = self.sock.makefile("rb")

    def close(self):
        self.file.close()
        self.sock.close()

    def send(self, text):
        try:
            self.sock.sendall(text.encode())
        except OSError as e:
            raise Gone from e

    def read(self, count=None):
        try:
            got = self.file.readline() if count is None else self.file.read(count)
        except TimeoutError as e:
            raise Broken("no answer") from e
        except OSError as e:
            raise Gone from e
        if not got or (count is None and not got.endswith(b"\n")) or (count and len(got) < count):
            raise Gone
        return got.decode()

    def reply(self, text=None):
        """SMTP: the last line of the reply."""
        if text is not None:
            self.send(text + "\r\n")
        while (line := self.read())[3:4] == "-":
            pass
        return line

    def imap(self, tag, text):
        self.send(f"{tag} {text}\r\n")
        lines = []
        while not (lines and lines[-1].startswith(tag + " ")):
            lines.append(self.read().rstrip("\r\n"))
        return lines

    def ok(self, text):
        """The tagged line; anything but OK is a failure of the server."""
        line = self.imap("t", text)[-1]
        if not line.startswith("t OK"):
            raise Broken(f"{text[:100]}: {line}")
        return line

    def fetch(self, text):
        """(UID, flags, body) of each message; a literal each."""
        self.send(f"f {text}\r\n")
        while not (line := self.read()).startswith("f "):
            if m := re.search(r"\{(\d+)\}\r\n$", line):
                octets = self.read(int(m.group(1)))
                head = line + self.read()
                yield (int(re.search(r"UID (\d+)", head).group(1)), re.search(r"FLAGS \(([^)]*)\)", head).group(1).split(),
                       octets)
        if not line.startswith("f OK"):
            raise Broken(f"{text}: {line}")


def log_in(server, account):
    imap = Client(server.port["imap"])
    imap.read()
    imap.ok(f"LOGIN {account} secret")
    return imap


def numbers(text):
    """The UIDs of a set, in order."""
    return [u for part in text.split(",") for a, _, b in [part.partition(":")] for u in range(int(a), int(b or a) + 1)]


class Reader:
    """Changes over IMAP in one account."""

    def __init__(self, server, world):
        self.server, self.world, self.me = server, world, world.accounts[0]
        self.imap = log_in(server, self.me)
        self.inbox = (self.me, "INBOX")
        self.imap.ok("SELECT INBOX")
        self.uids = {}  # token -> UID in INBOX

    def close(self):
        self.imap.close()

    def run(self):
        self.make_room()
        self.boxes()
        one = self.append(1)
        self.store(one, "+FLAGS", "\\Flagged")
        three = self.append(3)
        self.store(three, "+FLAGS", "\\Seen")
        self.copy(one + three[:1])
        self.move(three[1:])
        self.store(three[:1], "-FLAGS", "\\Seen")
        self.store(three[:1], "+FLAGS", "\\Deleted")
        self.expunge("EXPUNGE")
        two = self.append(2)
        self.store(two[:1], "+FLAGS.SILENT", "\\Deleted")
        self.expunge(f"UID EXPUNGE {self.uids[two[0]]}")
        self.pop3(two[1])

    def change(self, state, text):
        self.world.ask(state)
        line = self.imap.ok(text)
        self.world.told()
        return line

    def make_room(self):
        for box in ("Archive", "INBOX"):
            there = self.world.now.get((self.me, box), {})
            if len(there) < MANY:
                continue
            self.imap.ok(f"SELECT {box}")
            state = self.world.copy()
            state[self.me, box] = {t: f | {"\\Deleted"} for t, f in there.items()}
            self.change(state, "STORE 1:* +FLAGS.SILENT (\\Deleted)")
            state = self.world.copy()
            state[self.me, box] = {}
            self.change(state, "EXPUNGE")
        self.imap.ok("SELECT INBOX")

    def boxes(self):
        if (self.me, "Archive") not in self.world.now:
            self.change({**self.world.copy(), (self.me, "Archive"): {}}, "CREATE Archive")
        a, b = self.world.token(), self.world.token()
        for box in [box for _, box in self.world.now if box[0] == self.world.name]:  # what a cut left
            self.drop(box)
        self.change({**self.world.copy(), (self.me, a): {}}, f"CREATE {a}")
        state = self.world.copy()
        state[self.me, b] = state.pop((self.me, a))
        self.change(state, f"RENAME {a} {b}")
        self.drop(b)

    def drop(self, box):
        state = self.world.copy()
        state.pop((self.me, box))
        self.change(state, f"DELETE {box}")

    def append(self, n):
        tokens = [self.world.token() for _ in range(n)]
        texts = [message(t) for t in tokens]
        state = self.world.copy()
        state[self.inbox].update({t: frozenset() for t in tokens})
        line = self.change(state, "APPEND INBOX " + " ".join(f"{{{len(t)}+}}\r\n{t}" for t in texts))
        self.note(tokens, "INBOX", *re.search(r"APPENDUID (\d+) ([\d:,]+)", line).groups())
        return tokens

    def note(self, tokens, box, valid, uids):
        for token, uid in zip(tokens, numbers(uids), strict=True):
            self.world.learn_uid(self.me, box, int(valid), uid, token)
            if box == "INBOX":
                self.uids[token] = uid

    def set_of(self, tokens):
        return ",".join(str(self.uids[t]) for t in tokens)

    def store(self, tokens, how, flag):
        state = self.world.copy()
        for t in tokens:
            state[self.inbox][t] = state[self.inbox][t] | {flag} if how[0] == "+" else state[self.inbox][t] - {flag}
        self.change(state, f"UID STORE {self.set_of(tokens)} {how} ({flag})")

    def copy(self, tokens):
        state = self.world.copy()
        state[self.me, "Archive"].update({t: state[self.inbox][t] for t in tokens})
        line = self.change(state, f"UID COPY {self.set_of(tokens)} Archive")
        valid, _, uids = re.search(r"COPYUID (\d+) (\S+) ([\d:,]+)", line).groups()
        self.note(tokens, "Archive", valid, uids)

    def move(self, tokens):
        state = self.world.copy()
        state[self.me, "Archive"].update({t: state[self.inbox].pop(t) for t in tokens})
        self.change(state, f"UID MOVE {self.set_of(tokens)} Archive")

    def expunge(self, text):
        state = self.world.copy()
        state[self.inbox] = {t: f for t, f in state[self.inbox].items() if "\\Deleted" not in f or
                             (text[0] == "U" and self.uids.get(t) != int(text.split()[-1]))}
        self.change(state, text)


    def pop3(self, token):
        """A message is deleted by POP3; it is gone when QUIT's +OK has come."""
        c = Client(self.server.port["pop3"])
        for text in (None, f"USER {self.me}", "PASS secret", "UIDL"):
            self.good(c.reply(text))
        while not (line := c.read()).endswith(f".{self.uids[token]}\r\n"):
            pass
        while c.read() != ".\r\n":
            pass
        self.good(c.reply(f"DELE {line.split()[0]}"))
        state = self.world.copy()
        del state[self.inbox][token]
        self.world.ask(state)
        self.good(c.reply("QUIT"))
        self.world.told()
        c.close()

    @staticmethod
    def good(line):
        if not line.startswith("+OK"):
            raise Broken(line)


class Sender:
    """Deliveries to two accounts by SMTP and LMTP, and mail that is submitted for another server."""

    def __init__(self, server, world):
        self.server, self.world = server, world
        self.smtp = Client(server.port["smtp"])
        self.lmtp = Client(server.port["lmtp"])
        for client, hello in ((self.smtp, "EHLO"), (self.lmtp, "LHLO")):
            client.reply()
            client.reply(f"{hello} client.test")
        self.out = Client(server.port["submission"])
        self.out.reply()
        self.out.reply("EHLO client.test")
        self.expect(self.out, "AUTH PLAIN " + b64encode(f"\0{world.accounts[0]}\0secret".encode()).decode(), "235")

    def close(self):
        for c in (self.smtp, self.lmtp, self.out):
            c.close()

    @staticmethod
    def expect(client, text, code):
        line = client.reply(text)
        if not line.startswith(code):
            raise Broken(f"{text[:100]}: {line}")

    def run(self):
        self.make_room()
        self.deliver(self.smtp, self.world.accounts)
        self.submit("now")
        self.deliver(self.smtp, self.world.accounts[:1])
        self.deliver_lmtp()
        self.submit("later")
        self.deliver_lmtp()

    def make_room(self):
        for account in self.world.accounts:
            if len(self.world.now[account, "INBOX"]) < MANY:
                continue
            imap = log_in(self.server, account)
            imap.ok("SELECT INBOX")
            state = self.world.copy()
            state[account, "INBOX"] = {t: f | {"\\Deleted"} for t, f in state[account, "INBOX"].items()}
            self.world.ask(state)
            imap.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
            self.world.told()
            self.world.ask({**self.world.copy(), (account, "INBOX"): {}})
            imap.ok("EXPUNGE")
            self.world.told()
            imap.close()

    def envelope(self, client, sender, rcpts):
        self.expect(client, f"MAIL FROM:<{sender}>", "250")
        for r in rcpts:
            self.expect(client, f"RCPT TO:<{r}>", "250")
        self.expect(client, "DATA", "354")

    def state(self, token, accounts):
        state = self.world.copy()
        for a in accounts:
            state[a, "INBOX"][token] = frozenset()
        return state

    def text(self, client, token):
        client.send("\r\n".join("." + l if l.startswith(".") else l for l in message(token).split("\r\n")) + ".\r\n")

    def deliver(self, client, accounts):
        token = self.world.token()
        self.envelope(client, "joe@elsewhere.test", accounts)
        self.world.ask(self.state(token, accounts))
        self.text(client, token)
        if not (line := client.reply()).startswith("250"):
            raise Broken(f"SMTP: {line}")
        self.world.told()

    def deliver_lmtp(self):
        """Each recipient has a reply of its own: until then it is there or not, whatever the others are."""
        token, accounts = self.world.token(), self.world.accounts
        self.envelope(self.lmtp, "joe@elsewhere.test", accounts)
        whole = self.state(token, accounts)
        self.world.ask(whole, *(self.state(token, [a for a, is_in in zip(accounts, those) if is_in])
                                for those in product((True, False), repeat=len(accounts)) if any(those)))
        self.text(self.lmtp, token)
        for i in range(len(accounts)):
            if not (line := self.lmtp.reply()).startswith("250"):
                raise Broken(f"LMTP: {line}")
            self.world.next = [s for s in self.world.next if token in s[accounts[i], "INBOX"]]
            self.world.now = self.state(token, [accounts[i]])
        self.world.next = []

    def submit(self, when):
        """To a server that takes it now, or says "later"."""
        token = self.world.token()
        sender = self.world.accounts[0].replace("@", f"+{token}@")  # the queue's list shows senders
        self.envelope(self.out, sender, [f"{when}@far.test"])
        self.world.maybe_submitted.add(token)
        self.text(self.out, token)
        if not (line := self.out.reply()).startswith("250"):
            raise Broken(f"submission: {line}")
        self.world.maybe_submitted.discard(token)
        self.world.submitted.add(token)
