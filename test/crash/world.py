# world.py: What clients were told, and so what must be there after the power was gone.
import hashlib
import re


class Broken(Exception):
    """A promise that was not kept."""


def size_of(token):
    """Most are small; some fill several pages, few several frames."""
    n = int(hashlib.sha256(token.encode()).hexdigest()[:4], 16)
    return 700_000 if n % 11 == 0 else 30_000 if n % 4 == 0 else 80


def body(token):
    line = f"{token} " + "x" * 60 + "\r\n"
    return line * (size_of(token) // len(line) + 1) + ".end\r\n"


def message(token):
    return f"From: joe@elsewhere.test\r\nSubject: {token}\r\n\r\n{body(token)}"


class World:
    """The mailboxes of one client's accounts: (account, mailbox) -> {token: flags}. One change is under way at most: what
    is there afterwards is `now`, or one of `next`, whole."""

    def __init__(self, name, accounts):
        self.name, self.accounts = name, accounts
        self.now = {(a, "INBOX"): {} for a in accounts}
        self.next = []
        self.uid = {}    # (account, mailbox, validity) -> {UID: token}, for ever
        self.valid = {}  # (account, mailbox) -> UIDVALIDITY
        self.number = 0
        self.submitted, self.maybe_submitted = set(), set()  # tokens on their way to another server

    def token(self):
        self.number += 1
        return f"{self.name}{self.number:06d}"

    def copy(self):
        return {box: dict(messages) for box, messages in self.now.items()}

    def ask(self, *states):
        """From now on each of these may be what is there."""
        self.next = list(states)

    def told(self, number=0):
        """The change was acknowledged: that one is what must be there."""
        self.now, self.next = self.next[number], []

    def learn_uid(self, account, box, valid, uid, token):
        known = self.uid.setdefault((account, box, valid), {})
        if known.setdefault(uid, token) != token:
            raise Broken(f"{account} {box}: UID {uid} was {known[uid]}, now it is {token}")
        if [u for u, t in known.items() if t == token] != [uid]:
            raise Broken(f"{account} {box}: {token} had another UID than {uid}")

    def check(self, found, valid):
        """`found` and UIDVALIDITY as `read_boxes` says."""
        for box, number in valid.items():
            if self.valid.setdefault(box, number) != number and box in self.now:
                raise Broken(f"{box}: UIDVALIDITY was {self.valid[box]}, now it is {number}")
            self.valid[box] = number
        for state in (self.now, *self.next):
            if state == found:
                self.now, self.next = state, []
                return
        raise Broken("\n".join(self.differences(found)))

    def differences(self, found):
        yield f"what is there is none of the {1 + len(self.next)} states that may be; against the acknowledged one:"
        for box in sorted({*self.now, *found}):
            told, there = self.now.get(box), found.get(box)
            if told is None or there is None:
                yield f"{box}: {'not acknowledged' if told is None else 'lost'}"
                continue
            yield from (f"{box}: {t} is lost" for t in sorted(told.keys() - there.keys()))
            yield from (f"{box}: {t} was never acknowledged, or is gone" for t in sorted(there.keys() - told.keys()))
            yield from (f"{box}: {t} has flags {sorted(there[t])}, acknowledged were {sorted(told[t])}"
                        for t in sorted(told.keys() & there.keys()) if told[t] != there[t])


def read_boxes(imap, account, world):
    """All mailboxes with the flags of all messages, each looked at to its last octet; UIDVALIDITY of each."""
    found, valid = {}, {}
    names = [re.search(r'"?([^" ]+)"?$', line).group(1) for line in imap.imap("l", 'LIST "" *') if line.startswith("* LIST")]
    for box in names:
        lines = imap.imap("s", f"EXAMINE {box}")
        if not lines[-1].startswith("s OK"):
            raise Broken(f"{account}: EXAMINE {box}: {lines[-1]}")
        valid[account, box] = int(re.search(r"UIDVALIDITY (\d+)", "\n".join(lines)).group(1))
        there = found[account, box] = {}
        for uid, flags, text in imap.fetch("UID FETCH 1:* (UID FLAGS BODY.PEEK[])"):
            token = re.search(r"Subject: (\w+)", text)
            if not token or text.partition("\r\n\r\n")[2] != body(token.group(1)):
                raise Broken(f"{account} {box}: UID {uid} is torn: {text[:200]!r} ... {text[-60:]!r}")
            if token.group(1) in there:
                raise Broken(f"{account} {box}: {token.group(1)} is there twice")
            there[token.group(1)] = frozenset(f for f in flags if f != "\\Recent")
            world.learn_uid(account, box, valid[account, box], uid, token.group(1))
    return found, valid
