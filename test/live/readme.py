# readme.py: README.md is tried as a reader would: `make run`, then each command, and what it says it prints.
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import SLOW, main, test

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
PORTS = (2525, 2424, 2587, 2465, 2143, 2993, 8080, 8443)


def transcript(text):
    """(command, expected lines) of the indented blocks that have a prompt, in order."""
    found = []
    for line in text.splitlines():
        if line.startswith("    $ "):
            found.append((line[6:], []))
        elif line.startswith("    ") and found and found[-1] is not None:
            found[-1][1].append(line[4:])
        elif not line.startswith("    ") and found:
            found.append(None)  # an indented block without a prompt is no output
    return [f for f in found if f]


def pattern(lines):
    """`...` alone stands for any lines, in a line for anything."""
    parts = [r"(?:.*\n)*?" if line == "..." else re.escape(line.rstrip()).replace(r"\.\.\.", ".+") + r" *\n"
             for line in lines]
    return re.compile("".join(parts))


def fits(lines, got, command):
    got = got.replace("\r\n", "\n")
    assert pattern(lines).fullmatch(got), f"{command}\n--- printed\n{got}\n--- but README.md says\n" + "\n".join(lines)


def are_free():
    for port in PORTS:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def alone():
    """The ports of README.md in a network of our own, when we may have one: then nobody else can hold them."""
    command = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if os.environ.get("VEREDUS_ALONE") or subprocess.run(command + ["true"], capture_output=True).returncode:
        return
    os.environ["VEREDUS_ALONE"] = "1"
    os.execvp(command[0], command + [sys.executable, *sys.argv])


class Run:
    """What `make run` does once it has built, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "build").symlink_to(BUILD)
        (folder / "tools").symlink_to(ROOT / "tools")
        goal = subprocess.run(["make", "-s", "-n", "BUILD=build", "run"], cwd=ROOT, capture_output=True, text=True)
        last = goal.stdout.strip().splitlines()[-1]
        assert last.startswith("sh tools/run"), f"make run ends with: {last}"
        self.out, self.log = folder / "out", folder / "log"
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.process = subprocess.Popen(last, shell=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=log, start_new_session=True)

    def printed(self, lines):
        """Waits until it has printed as many lines, and listens; what they are."""
        end = time.monotonic() + 20 * SLOW
        while time.monotonic() < end and self.process.poll() is None:
            text = self.out.read_text()
            with socket.socket() as s:
                if text.count("\n") >= lines and s.connect_ex(("127.0.0.1", PORTS[-1])) == 0:
                    return text
            time.sleep(0.02)
        raise AssertionError(f"make run did not begin to serve: {self.out.read_text()}{self.log.read_text()[-1500:]}")

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10 * SLOW)
        finally:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def try_it(folder):
    steps = transcript((ROOT / "README.md").read_text())
    assert len(steps) > 5 and steps[0][0] == "make run", "README.md has no transcript that begins with make run"
    server = Run(folder)
    try:
        said = server.printed(len(steps[0][1]))
        password = re.search(r"mailbox demo@\S+, password (\S+)", said).group(1)
        admins = re.search(r"administrator \S+, password (\S+)", said).group(1)
        fits([line.replace("PASSWORD", password).replace("ADMINS", admins) for line in steps[0][1]], said, "make run")
        for command, lines in steps[1:]:
            done = subprocess.run(command.replace("PASSWORD", password), shell=True, cwd=folder, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * SLOW)
            assert done.returncode == 0, f"{command}\nexit {done.returncode}: {done.stdout}{done.stderr}"
            fits(lines, done.stdout, command)
    finally:
        server.end()
    log = server.log.read_text()
    assert not re.search(r"ended by signal|Sanitizer|: must", log), log[-1500:]


@test
def readme_is_true():
    assert are_free(), f"somebody holds one of the ports {PORTS}, and this machine lets us have no network of our own"
    folder = Path(tempfile.mkdtemp(prefix="veredus-readme-"))
    folder.chmod(0o755)
    try:
        try_it(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@test
def readme_is_checked():
    """The check itself: what is not printed is missed."""
    fits(["a ...", "...", "d"], "a b\nc\nd\n", "self")
    for lines in (["a"], ["a ...", "d"], ["a b", "c", "d", "e"]):
        try:
            fits(lines, "a b\nc\nd\n", "self")
        except AssertionError:
            continue
        raise AssertionError(f"{lines} was taken")


if __name__ == "__main__":
    alone()
    main()
