# pattern.py: What a line of a dialogue may look like: patterns to regular expressions, values into texts.
import base64
import email.utils
import re

STRING = r'(?:\{\d+\+?\}\r\n%s|"%s")'
TAKEN = r'[^ ()<>\[\]{}"]+'  # what %{name} takes by itself
WORD = r"%\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}"  # a regex after the colon may have {n} in it


def value(word, known):
    """The text for %{word} in what is sent or known; None: no such name."""
    if word in known:
        return str(known[word])
    kind, _, rest = word.partition(":")
    if word.startswith("#"):
        return str(len(known[word[1:]].encode("utf-8", "surrogateescape"))) if word[1:] in known else None
    if kind == "plain" and rest:
        user = known.get(rest, rest)
        return base64.b64encode(f"\0{user}\0{known['password']}".encode()).decode()
    if kind == "b64" and _:
        return base64.b64encode(fill(rest, known).encode()).decode()
    if kind == "len" and _:
        return str(len(fill(rest, known).encode()))
    if word == "date":
        return email.utils.formatdate()
    if rest.isdigit() and len(kind) == 1:
        return kind * int(rest)
    return None


def fill(text, known):
    def put(m):
        found = value(m.group(1), known)
        if found is None:
            raise ValueError(f"%{{{m.group(1)}}} is not known here")
        return found
    return re.sub(WORD, put, text)


def unescape(text):
    """\\r \\n \\t \\0 \\\\ \\xHH; bytes above 127 as latin-1 surrogates."""
    plain = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
    def put(m):
        word = m.group(1)
        if word[0] == "x":
            return bytes([int(word[1:], 16)]).decode("utf-8", "surrogateescape")
        return plain[word]
    return re.sub(r"\\(x[0-9a-fA-F]{2}|[rnt0\\])", put, text)


def compile_pattern(pattern, known):
    """Answers a compiled expression and the map group -> name; names that are taken are not known yet."""
    if len(pattern) > 1 and pattern[0] == "/" and pattern[-1] == "/":
        return re.compile(fill_known(pattern[1:-1], known), re.S), {}
    rest = ""
    if pattern.endswith("*") and not pattern.endswith("\\*") and (pattern == "*" or pattern[-2] in " ])}:=,-"):
        pattern, rest = pattern[:-1], ".*"
    out, groups, at = "", {}, 0
    for m in re.finditer(WORD, pattern):
        out += re.escape(pattern[at : m.start()])
        out += element(m.group(1), known, groups)
        at = m.end()
    return re.compile(out + re.escape(pattern[at:]) + rest, re.S), groups


def fill_known(text, known):
    return re.sub(WORD, lambda m: re.escape(value(m.group(1), known) or m.group(0)), text)


def element(word, known, groups):
    if word in ("*", "_"):
        return ".*?" if word == "*" else "[^ ]+"
    if word.startswith("="):
        name = word[1:]
        if name in known:
            text = str(known[name])
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            return STRING % (re.escape(text), re.escape(quoted))
        one, two = f"g{len(groups)}l", f"g{len(groups)}q"
        if name:
            groups[one] = groups[two] = name
            return STRING % (f"(?P<{one}>.*?)", f"(?P<{two}>[^\"]*)")
        return STRING % (".*?", '[^"]*')
    name, colon, expression = word.partition(":")
    if not colon or name not in ("plain", "b64", "len"):
        if not colon and (found := value(word, known)) is not None:
            return re.escape(found)
        group = f"g{len(groups)}"
        if re.fullmatch(r"\w+", name):
            groups[group] = name
            return f"(?P<{group}>{expression or TAKEN})"
    found = value(word, known)
    if found is None:
        raise ValueError(f"%{{{word}}} is not known here")
    return re.escape(found)


def match(pattern, line, known):
    """True when the whole line fits; puts what was taken into `known`."""
    compiled, groups = compile_pattern(pattern, known)
    m = compiled.fullmatch(line)
    if not m:
        return False
    for group, name in groups.items():
        if m.group(group) is not None:
            known[name] = m.group(group)
    return True
