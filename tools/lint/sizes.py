# sizes.py: A file has 600 lines at most, a header 200, a function 70, 6 parameters and 4 levels.
import re

from common import Check, bare, sources

FILE, HEADER, FUNCTION, PARAMETERS, LEVELS, SCRIPT = 600, 200, 70, 6, 4, 100
check = Check("sizes")


def parameters(head):
    """Counts the commas of the outermost parentheses; 0 for (void)."""
    inner = head[head.find("(") + 1 :]
    depth, commas, text = 1, 0, ""
    for c in inner:
        depth += (c == "(") - (c == ")")
        if depth == 0:
            break
        commas += c == "," and depth == 1
        text += c
    return 0 if text.strip() in ("", "void") else commas + 1


def levels(body):
    """The deepest nesting of blocks; braces of initialisers and compound literals do not count."""
    stack, deepest, before = [], 0, ""
    for c in body:
        if c == "{":
            tail = before.rstrip()
            is_block = tail.endswith((";", "{", "}", ":", "else", "do")) or before.endswith(") ")
            stack.append(is_block)
            deepest = max(deepest, sum(stack))
        elif c == "}" and stack:
            stack.pop()
        before = (before + (" " if c == "\n" else c))[-40:]
    return deepest


def functions(path, text):
    lines = text.splitlines()
    start = None
    for n, line in enumerate(lines):
        if line == "{" and start is None:
            start = n
            head = n - 1
            while head > 0 and (lines[head][:1].isspace() or not re.match(r"\w.*\(", lines[head])):
                head -= 1
        elif line == "}" and start is not None:
            header = " ".join(lines[head:start])
            found = re.search(r"(\w+)\(", header)
            name = found.group(1) if found else "?"
            size = n - start - 1
            if size > FUNCTION:
                check.found(path, head + 1, f"{name} has {size} lines, at most {FUNCTION}", "split it by meaning", name)
            if found and (count := parameters(header[found.end() - 1 :])) > PARAMETERS:
                check.found(path, head + 1, f"{name} has {count} parameters, at most {PARAMETERS}",
                            "give it a struct", name)
            if (deep := levels("\n".join(lines[start + 1 : n]))) > LEVELS:
                check.found(path, head + 1, f"{name} nests {deep} deep, at most {LEVELS}",
                            "return early, or make the inner part a function", name)
            start = None


for path in sources(".c", ".h", under=("src", "test")):
    text = path.read_text(errors="replace")
    most = HEADER if path.suffix == ".h" else FILE
    if (size := text.count("\n")) > most:
        check.found(path, most, f"{size} lines, at most {most}", "split the file by meaning")
    if path.suffix == ".c" and path.parts[0] == "src":
        functions(path, bare(text))
for path in sources(".py", under=("tools/lint",)):
    if (size := path.read_text().count("\n")) >= SCRIPT:
        check.found(path, SCRIPT, f"{size} lines, fewer than {SCRIPT}", "a check is a small script")
check.end()
