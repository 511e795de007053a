# spaces.py: Namespaces of look-up keys: by hand, from a file, from a URL.
import http.server
import json
import threading
import time

from harness import SLOW, main, serve, test

MANY = 20000


def start():
    return serve(users=())


def listed(s, *words):
    return json.loads(s.cli("lookup", "list", *words, "--json"))


@test
def by_hand(s):
    assert listed(s) == []
    s.cli("lookup", "add", "blocked", "spam.example")
    s.cli("lookup", "add", "blocked", "ads.example", "since Monday")
    s.cli("lookup", "add", "routes", "ads.example", "elsewhere")
    assert listed(s) == [{"namespace": "blocked", "keys": 2}, {"namespace": "routes", "keys": 1}]
    assert listed(s, "blocked") == [{"key": "ads.example", "value": "since Monday"}, {"key": "spam.example", "value": ""}]
    s.cli("lookup", "add", "blocked", "ads.example", "since Tuesday")
    assert listed(s, "blocked", "--limit=1") == [{"key": "ads.example", "value": "since Tuesday"}]
    assert listed(s, "blocked", "--after=ads.example") == [{"key": "spam.example", "value": ""}]
    s.cli("lookup", "remove", "blocked", "ads.example")
    assert "is not in" in s.cli("lookup", "remove", "blocked", "ads.example", code=1)
    s.stop()
    s.start()
    assert listed(s, "blocked") == [{"key": "spam.example", "value": ""}]
    s.cli("lookup", "remove", "blocked")
    assert listed(s) == [{"namespace": "routes", "keys": 1}]
    for words in (["a b", "k"], ["n", "k" * 513], ["n" * 65, "k"]):
        s.cli("lookup", "add", *words, code=1)
    assert "is no number" in s.cli("lookup", "list", "routes", "--limit=0", code=1)


@test
def from_a_file(s):
    text = "# comment\n\none\n two\tvalue of two \n" + "".join(f"key-{i:05} {i}\n" for i in range(MANY))
    began = time.monotonic()
    out = s.cli("lookup", "load", "many", stdin=text)
    assert time.monotonic() - began < 10 * SLOW
    assert f"lines {MANY + 4}" in out.replace("=", " ").replace(": ", " ") or str(MANY + 4) in out, out
    assert listed(s)[0] == {"namespace": "many", "keys": MANY + 2}
    assert listed(s, "many", "--after=key-19999") == [{"key": "one", "value": ""}, {"key": "two", "value": "value of two"}]
    s.cli("lookup", "load", "many", "--replace=yes", stdin="three\n")
    assert listed(s, "many") == [{"key": "three", "value": ""}]
    assert "line" in s.cli("lookup", "load", "many", stdin="x" * 600 + "\n", code=1)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/list" else 404)
        self.end_headers()
        self.wfile.write(b"from.url\nanother v\n")

    def log_message(self, *_):
        pass


@test
def from_a_url(s):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{web.server_address[1]}"
        s.cli("lookup", "load", "web", f"--url={at}/list")
        assert listed(s, "web") == [{"key": "another", "value": "v"}, {"key": "from.url", "value": ""}]
        assert "status 404" in s.cli("lookup", "load", "web", "--url", f"{at}/nothing", code=1)
        web.shutdown()
    s.cli("lookup", "load", "web", f"--url={at}/list", code=1)


main(start)
