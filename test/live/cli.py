# cli.py: The command line: exit codes, help of each verb, what is said where, options, secrets, with and without a server.
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from harness import DOMAIN, PASSWORD, SLOW, main, serve, test

ROOT = Path(__file__).resolve().parents[2]
BINARY = (ROOT / os.environ.get("BUILD", "build") / "veredus").resolve()


def run(*words, stdin=""):
    """(exit status, stdout, stderr)"""
    done = subprocess.run([BINARY, *words], input=stdin, capture_output=True, text=True, timeout=20 * SLOW)
    return done.returncode, done.stdout, done.stderr


def usage_lines():
    code, out, err = run("--help")
    assert code == 0 and err == "", err
    lines = re.findall(r"^    veredus (.+)$", out, re.M)
    assert len(lines) > 30, out
    return lines


def commands():
    """(word, verb or None) of all there are."""
    found = []
    for line in usage_lines():
        words = line.split("  ")[0].split()
        verb = words[1] if len(words) > 1 and re.fullmatch(r"[a-z-]+", words[1]) and words[0] != "check" else None
        found.append((words[0], verb))
    return found


@test
def documents_are_current(_):
    """Pages that `make docs` and `make map` write from tables and captions."""
    code, out, _ = run("check", "--settings")
    assert code == 0 and out == (ROOT / "docs/settings.md").read_text(), "run make docs"
    done = subprocess.run(["python3", ROOT / "tools/map.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@test
def every_command_has_help(_):
    for word, verb in commands():
        typed = [word] + ([verb] if verb else [])
        code, out, err = run(*typed, "--help")
        assert code == 0 and err == "", (typed, code, err)
        assert f"    veredus {' '.join(typed)}" in out and len(out.splitlines()) < 8, (typed, out)
    code, out, _ = run("queue", "--help")
    assert code == 0 and "veredus queue resume ID" in out and "veredus domain" not in out, out


@test
def every_command_is_in_the_man_page(_):
    page = subprocess.run(["mandoc", "-T", "utf8", ROOT / "docs/man/veredus.1"], capture_output=True, text=True, check=True)
    text = re.sub(r".\x08", "", page.stdout)
    for word, verb in commands():
        assert re.search(rf"\b{word}\b.*\b{verb or word}\b" if verb else rf"\b{word}\b", text), (word, verb)
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", ROOT / "docs/man/veredus.1"], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr


@test
def wrong_usage_is_2(_):
    for words, says in ((["frobnicate"], 'there is no command "frobnicate"'),
                        (["domain", "frobnicate"], 'there is no command "domain frobnicate"'),
                        (["domain", "frobnicate", "--help"], 'there is no command "domain frobnicate"'),
                        (["dom"], 'there is no command "dom"'), (["status", "now"], 'there is no command "status now"'),
                        ([], "usage: veredus"), (["serve", "now"], "usage: veredus"), (["check", "x"], "usage: veredus"),
                        (["status", "--data"], "--data needs a value behind it"),
                        (["config", "set", "log.level"], "usage: veredus config set KEY VALUE"),
                        (["status", "--server", "https://mx.example.org", "--token", "t"], "control socket only"),
                        (["status", "--token=t"], "control socket only")):
        code, out, err = run(*words)
        assert code == 2 and says in err and out == "", (words, code, out, err)


@test
def without_a_server_is_1(_):
    with tempfile.TemporaryDirectory() as folder:
        for words in (["status"], ["domain", "add", "x.test"], ["account", "passwd", "a@b.test"], ["queue", "list", "--json"]):
            code, out, err = run("--data", folder, *words, stdin="secret\n")
            assert code == 1 and out == "", (words, code, out)
            assert f"no server answers at {folder}/veredus.sock; is it running" in err and err.count("\n") == 1, err
        code, _, err = run("--config", f"{folder}/none.toml", "status")
        assert code == 1 and f"{folder}/none.toml" in err, err


@test
def version_and_check(_):
    code, out, _ = run("--version")
    assert code == 0 and re.fullmatch(r"veredus \d+\.\d+\.\d+\n", out), out
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.toml"
        path.write_text('[server]\nhostname = "mx.example.org"\n[log]\nlevel = "debug"\n')
        code, out, err = run("check", "--config", str(path))
        assert code == 0 and re.search(r'^log\.level = "debug"  # .*v\.toml:4$', out, re.M), out + err
        code, out, _ = run("check", "--json", "--config", str(path))
        assert code == 0 and json.loads(out), out
        path.write_text('[server]\nhostnam = "x"\n[smtp]\ntimeout = "soon"\n')
        code, out, err = run("check", "--config", str(path))
        assert code == 1 and out == "", out
        assert re.search(r"v\.toml:2: .*hostnam.*hostname", err) and re.search(r"v\.toml:4: smtp\.timeout: .*duration", err), err


@test
def settings_are_kept(_):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.toml"
        path.write_text(f'[server]\ndata = "{folder}"\n')
        at = ("--config", str(path))
        for words, code in ((("set", "log.level", "debug"), 0), (("set", "log.level", "loud"), 1),
                            (("set", "log.levle", "debug"), 1)):
            got, out, err = run(*at, "config", *words)
            assert got == code, (words, got, out, err)
        assert "log.level" in err, err  # the nearest key
        assert 'log.level = "debug"' in run(*at, "check")[1]
        assert run(*at, "config", "unset", "log.level")[0] == 0
        assert 'log.level = "info"' in run(*at, "check")[1]


@test
def settings_come_and_go_as_a_document(_):
    with tempfile.TemporaryDirectory() as folder:
        path, doc = Path(folder) / "v.toml", Path(folder) / "new.toml"
        path.write_text(f'[server]\ndata = "{folder}"\n[store."a b"]\ntype = "s3"\nbucket = "b"\naccess-key = "k"\nsecret-key = "%{{env:S3_KEY}}%"\n')
        at = ("--config", str(path))
        os.environ["S3_KEY"] = "hidden"

        def level():
            return re.search(r'^log\.level = "(\w+)"', run(*at, "check")[1], re.M)[1]

        assert run(*at, "config", "set", "log.level", "debug")[0] == 0
        code, out, err = run(*at, "config", "export")
        assert code == 0 and 'store."a b".secret-key = "%{env:S3_KEY}%"\n' in out and 'log.level = "debug"\n' in out, out + err
        assert "hidden" not in out
        doc.write_text('[log]\nlevel = "warn"\n[server.listener.x]\nbind = ["127.0.0.1:1"]\nprotocol = "imap"\n')
        code, out, _ = run(*at, "config", "diff", str(doc))
        assert code == 0 and '-log.level = "debug"\n+log.level = "warn"\n' in out and "+[server.listener.x]" in out, out
        assert level() == "debug"
        code, out, err = run(*at, "config", "apply", str(doc))
        assert code == 0 and "kept" in out and level() == "warn", out + err
        doc.write_text('[log]\nlevle = "warn"\n')
        code, out, err = run(*at, "config", "apply", str(doc))
        assert code == 1 and "log.level" in err and level() == "warn", out + err
        assert run(*at, "config", "set", "log.format", "json")[0] == 0 and level() == "warn"
        assert json.loads(run(*at, "--json", "config", "diff", "2")[1])
        code, out, err = run(*at, "config", "rollback", "2")
        assert code == 0 and level() == "debug" and 'log.format = "text"' in run(*at, "check")[1], out + err
        assert run(*at, "config", "rollback")[0] == 0 and level() == "warn"
        code, _, err = run(*at, "config", "rollback", "19")
        assert code == 1 and "settings.toml.19" in err, err
        # what was exported is the same again elsewhere
        code, out, _ = run(*at, "config", "export")
        other = Path(folder) / "w.toml"
        other.write_text(out)
        again = run("--config", str(other), "config", "export")
        assert again[1] == out, (out, again)


@test
def answers_of_a_server(server):
    for words, code, says in ((["account", "show", f"ann@{DOMAIN}"], 0, f"address              ann@{DOMAIN}\n"),
                              (["account", "show", "nobody@x.test"], 1, "veredus: "),
                              (["account", "add", f"cyd@{DOMAIN}", "--quota", "lots"], 1, '"lots" is no size'),
                              (["account", "add", f"cyd@{DOMAIN}", "--colour=red"], 2, "no option --colour"),
                              (["domain", "delete", DOMAIN], 1, f"{DOMAIN}: the domain still has addresses"),
                              (["group", "add", f"g@{DOMAIN}", "--member", f"ann@{DOMAIN}"], 0, ""),
                              (["group", "show", f"g@{DOMAIN}"], 0, f"member               ann@{DOMAIN}\n"),
                              (["queue", "show", "1"], 1, "1: no such message")):
        got = server.cli(*words, code=code)
        assert says in got and (code != 1 or got.count("\n") == 1), (words, got)
    status = server.cli("status")
    assert re.search(rf"^listener imap +127\.0\.0\.1:{server.port['imap']}, \d+ open$", status, re.M), status
    for words in (["status"], ["metrics"], ["domain", "list"], ["account", "list"], ["group", "list"], ["queue", "list"],
                  ["config", "list"], ["config", "get", "log.level"], ["account", "show", f"ann@{DOMAIN}"]):
        json.loads(server.cli(*words, "--json"))
    refused = json.loads(server.cli("account", "show", 'a"b@x.test', "--json", code=1))
    assert 'a"b@x.test' in refused["error"] and refused["fault"] == "NOT_FOUND", refused


@test
def secrets_come_on_standard_input(server):
    at = ("--config", str(server.config), "--data", str(server.data))
    for stdin, code in ((PASSWORD + "\n", 0), ("no line end", 0), ("", 1), ("\n", 1), ("x" * 1025 + "\n", 1)):
        got, _, err = run(*at, "account", "passwd", f"ann@{DOMAIN}", stdin=stdin)
        assert got == code and (code == 0 or "1 to 1024 octets is expected on standard input" in err), (stdin[:20], got, err)
    assert run(*at, "account", "add", f"pw@{DOMAIN}", "--password-stdin", "--alias", f"pw2@{DOMAIN}", stdin="x y\n")[0] == 0
    assert f"pw2@{DOMAIN}" in run(*at, "account", "show", f"pw@{DOMAIN}")[1]
    server.cli("account", "passwd", f"ann@{DOMAIN}", stdin=PASSWORD + "\n")


if __name__ == "__main__":
    main(serve)
