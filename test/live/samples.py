# samples.py: Messages as they are found in the wild are stored, fetched and found without loss.
import re
from pathlib import Path

from harness import DOMAIN, imap_session, main, serve, smtp_session, test

ROOT = Path(__file__).resolve().parents[2]
OURS = sorted((ROOT / "test/samples/mime").glob("*.eml"))
SHARED = sorted((ROOT / "../shared/data/mime").glob("*/*.eml"))  # more, where they are


def answer(c, tag, text):
    """All octets up to the tagged line, literals in place; the command must be done."""
    c.send(f"{tag} {text}\r\n")
    got = b""
    while True:
        line = c.file.readline()
        assert line, f"closed after {text}: {got[-300:]}"
        got += line
        if m := re.search(rb"\{(\d+)\}\r\n$", line):
            got += c.file.read(int(m.group(1)))
        elif line.startswith(tag.encode() + b" "):
            assert line.startswith(tag.encode() + b" OK"), f"{text}: {line}"
            return got


def values(text):
    """Reads a parenthesised list of IMAP; fails where it is none."""
    stack, at = [[]], 0
    token = re.compile(rb'\s*(?:(\()|(\))|"((?:[^"\\\r\n]|\\["\\])*)"|\{(\d+)\}\r\n|([^\s()"{]+))', re.S)
    while at < len(text):
        m = token.match(text, at)
        assert m, f"no IMAP at {text[at:at + 80]}"
        at = m.end()
        if m.group(1):
            stack.append([])
        elif m.group(2):
            done = stack.pop()
            stack[-1].append(done)
            if len(stack) == 1:
                return stack[0][0]
        elif m.group(4):
            size = int(m.group(4))
            stack[-1].append(text[at:at + size])
            at += size
        else:
            stack[-1].append(m.group(3) if m.group(3) is not None else m.group(5))
    raise AssertionError(f"no end: {text[:200]}")


def fetched(c, number, items):
    text = answer(c, "f", f"UID FETCH {number} ({items})")
    flat = values(text[text.index(b"("):])
    return dict(zip(flat[::2], flat[1::2]))


def append(c, raw):
    c.send(f"a APPEND S {{{len(raw)}+}}\r\n".encode() + raw + b"\r\n")
    line = c.line()
    while not line.startswith("a "):
        line = c.line()
    return int(re.match(r"a OK \[APPENDUID \d+ (\d+)\]", line).group(1))


def is_leaf_list(parts):
    """A body structure is a leaf with a type and seven fields at least, or structures and a subtype."""
    if isinstance(parts[0], bytes):
        return len(parts) >= 7 and isinstance(parts[1], bytes)
    return all(is_leaf_list(p) for p in parts if isinstance(p, list) and p and p is not parts[-1]
               and isinstance(p[0], list)) and any(isinstance(p, bytes) for p in parts)


def comes_back(c, raw, number):
    got = fetched(c, number, "RFC822.SIZE ENVELOPE BODYSTRUCTURE PREVIEW BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT]")
    assert got[b"BODY[]"] == raw and int(got[b"RFC822.SIZE"]) == len(raw)
    assert got[b"BODY[HEADER]"] + got[b"BODY[TEXT]"] == raw, "header and text are not the whole"
    assert len(got[b"ENVELOPE"]) == 10 and is_leaf_list(got[b"BODYSTRUCTURE"])
    part = fetched(c, number, "BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[]<3.7>")
    assert part[b"BODY[1]"] in raw and part[b"BODY[]<3>"] == raw[3:10]


@test
def samples_come_back_and_are_found(server):
    assert len(OURS) > 40, "test/samples/mime is not here"
    with imap_session(server) as c:
        c.imap("c", "CREATE S")
        c.imap("s", "SELECT S")
        for path in OURS + SHARED:
            raw = path.read_bytes()
            number = append(c, raw)
            answer(c, "n", "NOOP")
            try:
                comes_back(c, raw, number)
                if path in OURS:
                    found = answer(c, "t", f'UID SEARCH TEXT "find {path.stem}"')
                    assert found.split(b"\r\n")[0] == f"* SEARCH {number}".encode(), found
            except Exception as e:
                raise AssertionError(f"{path.name}: {e!r}") from e
    print(f"# {len(OURS)} samples of ours, {len(SHARED)} of the shared data")


@test
def samples_are_delivered(server):
    """By SMTP, which knows CRLF only; the trace goes in front, and nothing is changed."""
    with smtp_session(server) as c, imap_session(server, "bob") as box:
        for path in OURS + SHARED:
            raw = re.sub(rb"\r\n|\r|\n", b"\r\n", path.read_bytes().rstrip(b"\r\n")) + b"\r\n"
            c.smtp("MAIL FROM:<x@far.example> BODY=8BITMIME")
            c.smtp(f"RCPT TO:<bob@{DOMAIN}>")
            c.smtp("DATA")
            c.send(re.sub(rb"(?m)^\.", b"..", raw))
            said = c.smtp(".")
            assert said.startswith("250"), f"{path.name}: {said}"
        box.imap("s", "SELECT INBOX")
        for i, path in enumerate(OURS + SHARED):
            raw = re.sub(rb"\r\n|\r|\n", b"\r\n", path.read_bytes().rstrip(b"\r\n")) + b"\r\n"
            got = fetched(box, i + 1, "BODY.PEEK[] ENVELOPE BODYSTRUCTURE")
            assert got[b"BODY[]"].endswith(raw), f"{path.name}: {got[b'BODY[]'][-200:]}"
            if path in OURS:
                found = answer(box, "t", f'UID SEARCH TEXT "find {path.stem}"').split(b"\r\n")[0]
                assert found == f"* SEARCH {i + 1}".encode(), f"{path.name}: {found}"


if __name__ == "__main__":
    main(serve)
