# sieve.py: `veredus probe sieve`, and the same scripts and messages by Dovecot's sieve-test: the actions must agree.
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from harness import Skip, main, test
from server import ROOT, SLOW
from unpacked import unpack

BINARY = ROOT / os.environ.get("BUILD", "build") / "veredus"
SAMPLES = sorted((ROOT / "test/samples/sieve").glob("*.case"))
PLAIN = ("From: Ann <ann+l@Example.com>, \"B, C\" <b@example.net>\nTo: g: x@g.example, y@g.example;, <z@z.example>\n"
         "Cc:\nSubject: =?utf-8?q?=5Ba=5D_gr=C3=BC=C3=9Fe?=\n  and more *stars*?\nX-N: 007 and more\nX-N: 12\nX-Blank:   \n"
         "X-Many: one\nX-Many: Two\nX-Many: three\nDate: Wed, 25 Nov 2026 08:00:00 +0100\n"
         "Received: by x; Tue, 24 Nov 2026 23:30:05 -0500\nReceived: by y; Mon, 23 Nov 2026 01:02:03 +0000\n"
         "Message-ID: <m1@x>\nContent-Type: text/plain; charset=utf-8\n\nHello World\nsecond line with naive text\n")
PARTS = ("From: a@b.example\nTo: bob@example.org\nSubject: parts\nMIME-Version: 1.0\n"
         "Content-Type: multipart/mixed; boundary=\"o\"\n\nprologue\n--o\nContent-Type: text/plain; charset=iso-8859-1\n"
         "Content-Transfer-Encoding: quoted-printable\n\ngr=FC=DFe in the text\n--o\nContent-Type: text/html\n\n"
         "<p>Bold <b>w</b>ord</p>\n--o\nContent-Type: application/x-thing; name=\"a.exe\"\n"
         "Content-Disposition: attachment; filename=\"b.com\"\nContent-Transfer-Encoding: base64\n\naGlkZGVu\n--o\n"
         "Content-Type: message/rfc822\n\nFrom: inner@x.example\nSubject: inside\n\ninner body\n--o--\nepilogue\n")
EMPTY = "From: a@b.example\n\n"
MESSAGES = [PLAIN, PARTS, EMPTY]
REQUIRE = ('require ["fileinto","envelope","relational","comparator-i;ascii-numeric","subaddress","body","date","index","regex",'
           '"variables","imap4flags","copy","mailbox","environment","ihave","mime","foreverypart","duplicate","editheader",'
           '"reject","vacation","enotify","encoded-character","include","vacation-seconds"];\n')


def run(text):
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "v.toml"
        config.write_text('[server]\nhostname = "mx.example.org"\n')
        return subprocess.run([BINARY, "--config", config, "probe", "sieve"], input=text, text=True, capture_output=True,
                              timeout=60 * SLOW)


def probe(script, message, facts=None):
    asked = dict(facts or {}, script=script, message=message.replace("\r\n", "\n").replace("\n", "\r\n"))
    done = run(json.dumps(asked))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def dovecot(script, message, sender="ann@example.com", to="bob+box@example.org"):
    """The report of sieve-test. It runs as another user when this one is root, and reads its settings from its words."""
    top = unpack(ROOT / os.environ.get("BUILD", "build") / "dovecot-sieve", ["dovecot-sieve", "dovecot-core", "liblua5.3-0", "libstemmer0d", "libexttextcat-2.0-0", "libwrap0"])
    if not top:
        raise Skip("the package dovecot-sieve cannot be fetched")
    uid = str(os.getuid() or 65534)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        one, two = Path(folder) / "x.sieve", Path(folder) / "m.eml"
        one.write_text(script)
        two.write_bytes(message.replace("\n", "\r\n").encode())
        words = {"plugin/sieve_extensions": "+vacation-seconds +spamtest +spamtestplus +virustest +editheader",
                 "mail_location": f"maildir:{folder}/mail", "mail_home": f"{folder}/home", "mail_uid": uid, "mail_gid": uid,
                 "first_valid_uid": "0", "first_valid_gid": "0", "postmaster_address": "postmaster@example.org"}
        command = [f"{top}/usr/bin/sieve-test", *(w for k, v in words.items() for w in ("-o", f"{k}={v}")),
                   "-C", "-f", sender, "-a", to, "-r", to, one, two]
        env = dict(os.environ, DOVECONF_ENV="1", HOME=folder, TZ="UTC",
                   LD_LIBRARY_PATH=f"{top}/usr/lib/dovecot:{top}/usr/lib/x86_64-linux-gnu")
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * SLOW)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def theirs(script, message):
    """[(action, what, flags)], or ("error", line)."""
    code, out, err = dovecot(script, message)
    wrong = re.search(r"x: line (\d+): error|line (\d+): error|error: .*?line (\d+)", err)
    if "failed to compile" in err.lower() or "Fatal" in err:
        assert wrong, err
        return ("error", int(next(g for g in wrong.groups() if g)))
    if "Performed actions" not in out or "final result: success" not in out + err:
        return ("error", 0)
    found, keep = [], out.split("Implicit keep:")[1]
    acts = re.split(r"^ \* ", out.split("Implicit keep:")[0], flags=re.M)[1:]
    for a in acts:
        first = a.split("\n", 1)[0]
        flags = re.search(r"add IMAP flags: (.*)", a)
        flags = sorted(flags.group(1).lower().split()) if flags else []
        for form, name in ((r"store message in folder: (.*)", "fileinto"), (r"redirect message to: <(.*)>", "redirect"),
                           (r"(discard)", "discard"), (r"reject", "reject"), (r"send vacation", "vacation"),
                           (r"send notification", "notify"), (r"keep", "keep")):
            if m := re.match(form, first):
                found.append((name, m.group(1) if m.groups() else "", flags))
                break
        else:
            raise AssertionError(a)
    if m := re.search(r"\* store message in folder: (.*)", keep):
        flags = re.search(r"add IMAP flags: (.*)", keep)
        found.append(("fileinto", m.group(1), sorted(flags.group(1).lower().split()) if flags else []))
    return found


def ours(script, message, facts=None):
    answer = probe(script, message, dict({"envelope": {"from": "ann@example.com", "to": "bob+box@example.org"}}, **(facts or {})))
    if "error" in answer:
        return ("error", answer["error"]["line"] if "actions" not in answer else 0)
    found = []
    for a in answer["actions"]:
        name = a["action"]
        if name in ("addheader", "deleteheader", "remember"):  # sieve-test does not show them
            continue
        name, what = {"keep": ("fileinto", "INBOX"), "fileinto": ("fileinto", a.get("mailbox")),
                      "redirect": ("redirect", a.get("address")), "discard": ("discard", "discard"),
                      "ereject": ("reject", "")}.get(name, (name, ""))
        found.append((name, what, sorted(f.lower() for f in a.get("flags", []))))
    return found


def agree(scripts, messages):
    wrong = []
    for message in messages:
        for script in scripts:
            a, b = ours(script, message), theirs(script, message)
            if a == b:
                continue
            one = set(map(str, a)) ^ set(map(str, b))
            lines = [x for x in script.split("\n")[1:] if any(f"'{m}'" in o for m in re.findall(r'fileinto "(\d+)"; }', x) for o in one)]
            wrong.append(f"{message[:30]!r}: {lines or script.split(chr(10), 1)[1]}\n  ours   {a}\n  theirs {b}")
    assert not wrong, "\n" + "\n".join(wrong)


def fire(tests):
    """Scripts of 25 tests each, whose numbers are the mailboxes."""
    rows = [f'if {t} {{ fileinto "{n}"; }}' for n, t in enumerate(tests)]
    return [REQUIRE + "\n".join(rows[i:i + 25]) + "\n" for i in range(0, len(rows), 25)]


@test
def tests_of_headers_agree():
    headers = ["subject", "x-n", "x-blank", "x-many", "x-none", "from", "received"]
    keys = ["", "*", "[a] grüße and more *stars*?", "A", "two", "7", "12", "\\\\*", "*\\\\**", "?", "o?e", "[A]*", "*e", "GR*"]
    kinds = [":is", ":contains", ":matches", ':is :comparator "i;octet"', ':contains :comparator "i;octet"',
             ':matches :comparator "i;octet"', ':is :comparator "i;ascii-numeric"']
    kinds += [f':value "{r}" :comparator "{c}"' for r in ("gt", "le", "ne") for c in ("i;ascii-numeric", "i;ascii-casemap")]
    # For sieve-test an empty value is no number at all; by RFC 4790 9.1 it is infinity, like all that begins with no digit.
    tests = [f'header {k} "{h}" "{key}"' for h in headers for k in kinds for key in keys
             if (h, "numeric" in k) != ("x-blank", True)]
    agree(fire(tests), [PLAIN])
    agree(fire(tests[::11]), [PARTS, EMPTY])


@test
def tests_of_addresses_and_envelopes_agree():
    keys = ["", "ann", "ann+l", "l", "example.com", "ann+l@example.com", "b@example.net", "x@g.example", "z.example", "bob", "box"]
    parts = [":all", ":localpart", ":domain", ":user", ":detail"]
    tests = [f'address {p} {m} ["from","to"] "{k}"' for p in parts for m in (":is", ":contains") for k in keys]
    tests += [f'envelope {p} {m} "{e}" "{k}"' for e in ("from", "to") for p in parts for m in (":is", ":contains") for k in keys]
    # sieve-test counts a group's name and an empty field as addresses too, RFC 5231 5 does not.
    tests += [f'address :count "{r}" :comparator "i;ascii-numeric" ["from","sender"] "{n}"' for r in ("eq", "ge") for n in "02345"]
    tests += ['exists "cc"', 'exists ["from","x-none"]', 'exists ["from","to"]', "size :over 100", "size :under 600", "not size :over 1M"]
    agree(fire(tests), MESSAGES)


@test
def tests_of_dates_bodies_and_parts_agree():
    parts = {"year": "2026", "month": "11", "day": "25", "date": "2026-11-24", "hour": "07", "minute": "00", "second": "05",
             "time": "08:00:00", "julian": "61369", "iso8601": "2026-11-25T08:00:00+01:00", "zone": "+0100", "weekday": "3",
             "std11": "Wed, 25 Nov 2026 08:00:00 +0100"}
    tests = [f'date {z} {i} "{h}" "{p}" "{v}"' for p, v in parts.items() for h in ("date", "received", "subject")
             for z in (":originalzone", ':zone "-0330"', ':zone "+0000"') for i in ("", ":index 1", ":last :index 1")]
    bodies = ["hello", "World", "", "grüße in", "prologue", "<b>", "hidden", "aGlk", "inside", "inner body", "epilogue", "Bold word"]
    tests += [f'body {k} :contains "{t}"' for t in bodies for k in (":raw", ':content "text/plain"', ':content "text"')]
    tests += [f'header :mime {c} {k} "content-type" "{v}"' for c in ("", ":anychild") for k, v in
              ((":type", "text"), (":subtype", "html"), (":contenttype", "text/plain"), (':param "name"', "a.exe"), (":contenttype", "multipart/mixed"))]
    tests += [f'header {i} "x-many" "{v}"' for i in (":index 1", ":index 2", ":index 9", ":last :index 1") for v in ("one", "two", "three")]
    # An empty body contains the empty string; for sieve-test it contains nothing.
    agree(fire(tests), [PLAIN, PARTS])


@test
def variables_agree():
    values = ["", "abc", "ÄbC é", "a*b?c\\\\", "${x}", "${ x }", "${1", "$${a}", "${${a}}", "${A}${a}", "${hex:41}", "${unicode:e9}"]
    kinds = ["", ":lower", ":upper", ":lowerfirst", ":upperfirst :lower", ":quotewildcard", ":length", ":upper :length :quotewildcard", ":encodeurl"]
    scripts = []
    for k in kinds:
        sets = "".join(f'set {k} "v" "{v}"; fileinto "{n}:${{v}}.";\n' for n, v in enumerate(values))
        scripts.append(REQUIRE + 'set "a" "Val";\n' + sets)
    # A question mark is a character here (RFC 5228 2.7.1), for sieve-test an octet: its ${1} of an umlaut is no UTF-8.
    patterns = ["*", "?a*", "*a*e*", "[?]*", "*[*]*", "**and**", "*\\\\**\\\\*?", "[a] gr*e*", "*more*stars*"]
    for p in patterns:
        scripts.append(REQUIRE + f'if header :matches "subject" "{p}" {{ fileinto "0=${{0}} 1=${{1}} 2=${{2}} 3=${{3}} 4=${{4}}."; }}\n')
    for p in ("^.(a). (gr[^ ]+) (x)?", "(a|b)(c)?", "[[:digit:]]+", "more"):
        scripts.append(REQUIRE + f'if header :regex "subject" "{p}" {{ fileinto "0=${{0}} 1=${{1}} 2=${{2}} 3=${{3}}."; }}\n')
    agree(scripts, [PLAIN])


@test
def actions_agree():
    bodies = ["", "keep;", "discard;", "discard; keep;", 'fileinto "a"; fileinto "a"; fileinto "b";', 'fileinto :copy "a";',
              'redirect "x@y.example";', 'redirect :copy "x@y.example"; keep;', 'redirect "x@y.example"; redirect "x@y.example";',
              'reject "no";', 'reject "no"; keep;', 'keep; reject "no";', 'reject "a"; reject "b";', "stop; discard;",
              'reject "no"; discard;', 'vacation "away"; reject "no";',
              'setflag "\\\\Seen"; keep;', 'addflag ["a","b A"]; removeflag "B"; fileinto "x"; fileinto :flags "c" "y";',
              'addflag "v" "x y"; if hasflag "v" "Y" { fileinto :flags "${v}" "z"; }', 'setflag "\\\\Seen";',
              'vacation "away";', 'vacation "a"; vacation "b";', 'notify "mailto:x@y.example";',
              'addheader "X-New" "v"; if header "x-new" "v" { fileinto "1"; } deleteheader "x-new"; if not exists "x-new" { fileinto "2"; }',
              'deleteheader :index 2 "x-many"; if not header "x-many" "two" { fileinto "1"; } if header "x-many" "three" { fileinto "2"; }',
              'deleteheader :contains "x-many" "o"; if exists "x-many" { fileinto "1"; }', 'deleteheader "received"; if exists "received" { fileinto "1"; }',
              'addheader :last "X-Many" "four"; if header :index 4 "x-many" "four" { fileinto "1"; }',
              'foreverypart { if header :mime :type "content-type" "text" { fileinto "t"; break; } }',
              'foreverypart :name "a" { foreverypart { if header :mime "content-type" "text/html" { fileinto "h"; break :name "a"; } } }',
              'if ihave "nonsense" { what; } else { fileinto "a"; }', 'error "x";', 'set "a" "nobody"; redirect "${a}";',
              'fileinto :flags ["\\\\Seen $x"] :copy "a"; keep;', 'if not true { stop; } elsif false { discard; } else { fileinto "e"; }']
    agree([REQUIRE + b + "\n" for b in bodies], [PLAIN, PARTS])


# Of the samples: what sieve-test does another way, and why.
DIFFERENT = {
    "ereject": "2.3.19 has none",
    "a message is rejected once": "the same",
    "comparators": "it has no i;unicode-casemap",
    "vacation of RFC 5230": "it has no fcc",
    "parts of RFC 5703": "it has no extracttext, replace, enclose",
    "encodeurl and quoteregex": "it has no :quoteregex",
    "body": "the text of HTML is cut at each tag",
    "dates of RFC 5260": "an :index in front of :originalzone is forgotten, and UTC is -00:00",
    "a zone that is none": "it only warns",
    "a method that does not exist": "found when compiling; here the host says what it can notify, when it runs",
    "a script that is not there": "found when compiling, which reads the other scripts too",
    "string": "without :comparator it compares octets; RFC 5228 2.7.3 says i;ascii-casemap",
    "editheader of RFC 5293": "blanks around an added value are part of it",
}


@test
def samples_agree():
    wrong, n = [], 0
    for path in SAMPLES:
        message = ""
        for case in path.read_text().split("\n=== ")[1:]:
            parts = dict(re.findall(r"^--- (\w+)\n(.*?)(?=^--- |\Z)", case, re.S | re.M))
            name, message = case.split("\n", 1)[0], parts.get("message", message)
            if "facts" in parts or name in DIFFERENT:
                continue
            a, b = ours(parts["script"], message), theirs(parts["script"], message)
            n += 1
            if a != b:
                wrong.append(f"{name}\n  ours   {a}\n  theirs {b}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert n >= 20, n


@test
def faults_are_found_on_the_same_line():
    bodies = ["kep;", "keep", "keep;\n}", 'fileinto;', 'fileinto "a" "b";', "if true;", "if keep { }", "if true {\nkeep;", "else { keep; }",
              'if header :is :contains "a" "b" { }', 'if header :nothing "a" "b" { }', 'if size 100 { }', 'if size :over "1" { }',
              'if header :comparator "i;none" "a" "b" { }', 'if header :contains :comparator "i;ascii-numeric" "a" "1" { }',
              'if address "subject" "a" { }', 'if header :count "xx" "a" "1" { }', 'set "a b" "c";', 'set :lower :upper "a" "b";', "break;",
              'redirect "nobody";', 'if header :regex "a" "(b" { }', 'require "nonsense";',
              'if anyof { keep; }', 'if not { keep; }', "keep true;", "keep { stop; }", 'if size :over 99999999999999999999 { }',
              'addheader "a b" "c";', 'vacation :days 1 :days 2 "x";', '"a";', 'if anyof (true, { keep; }']
    # Not compared: a string or comment that never ends (where it begins, for sieve-test where the script ends), and unknown
    # parts of a date (an error here).
    wrong = []
    for b in bodies:
        script = REQUIRE + "\n\n" + b + "\n"
        a, t = ours(script, EMPTY), theirs(script, EMPTY)
        if a[0] != "error" or (t[0] == "error" and t[1] and a[1] != t[1]) or t[0] != "error":
            wrong.append((b, a, t))
    assert not wrong, "\n".join(map(str, wrong))


@test
def usage_and_json():
    done = run("[1]")
    assert done.returncode == 1 and "script" in done.stderr, done
    assert probe('keep', EMPTY) == {"error": {"line": 1, "column": 5, "text": "; or a block is wanted, but the script ends here"}}
    assert probe('require "reject"; reject "a\\\\b"; keep;', EMPTY)["actions"] == [{"action": "keep", "implicit": True}]


main()
