# lookup.py: The server over a lookup store elsewhere: what status and health say while it comes and goes.
import http.client
import json
import sys
import time
from pathlib import Path

from harness import SLOW, main, needs, test
from server import Server

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from lookups import Memcached, Redis  # noqa: E402


def health(s, path="/healthz/ready"):
    c = http.client.HTTPConnection("127.0.0.1", s.port["http"], timeout=30 * SLOW)
    c.request("GET", path)
    answer = c.getresponse()
    return answer.status, json.loads(answer.read())


def until(f, most=20):
    end = time.monotonic() + most * SLOW
    while not f():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)


def comes_and_goes(kind, name):
    with kind() as store, Server(extra=store.toml(name), settings=[f"storage.lookup={name}"]) as s:
        assert json.loads(s.cli("status", "--json"))["lookup"] == store.type
        assert health(s) == (200, {"status": "ok", "stores": {s.engine: "ok", "lookup": "ok"}})
        store.kill()
        began = time.monotonic()
        assert health(s) == (503, {"status": "unavailable", "stores": {s.engine: "ok", "lookup": "failed"}})
        assert time.monotonic() - began < 3 * SLOW
        assert health(s, "/healthz/live")[0] == 200 and health(s, "/health")[0] == 200
        store.start()
        until(lambda: health(s)[0] == 200)
        store.pause()
        began = time.monotonic()
        assert health(s)[0] == 503
        assert time.monotonic() - began < 4 * SLOW
        store.go_on()
        until(lambda: health(s)[0] == 200)


@test
def redis_comes_and_goes():
    needs("redis-server")
    comes_and_goes(Redis, "redis")


@test
def memcached_comes_and_goes():
    needs("memcached")
    comes_and_goes(Memcached, "memcached")


@test
def starts_without_it():
    """The server serves mail while the lookup store is away, and finds it when it comes."""
    needs("redis-server")
    with Redis() as store:
        store.kill()
        with Server(extra=store.toml(), settings=["storage.lookup=redis"]) as s:
            assert health(s)[0] == 503
            store.start()
            until(lambda: health(s)[0] == 200)


@test
def sharded_over_both():
    needs("redis-server", "memcached")
    with Redis() as one, Memcached() as two:
        extra = one.toml("one") + two.toml("two") + '[store."all"]\ntype = "sharded"\nstores = ["one", "two", "main"]\n'
        with Server(extra=extra, settings=["storage.lookup=all"]) as s:
            assert json.loads(s.cli("status", "--json"))["lookup"] == "sharded"
            assert health(s)[0] == 200
            two.kill()
            assert health(s)[0] == 503


@test
def a_data_store_of_its_own():
    extra = '[store."mine"]\ntype = "sqlite"\npath = "%s"\n'
    s = Server(engine="rocksdb")
    s.config.write_text(s.config.read_text() + extra % (s.data / "lookup.sqlite"))
    s.settings.append("storage.lookup=mine")
    with s:
        assert json.loads(s.cli("status", "--json"))["lookup"] == "data"
        assert health(s)[0] == 200 and (s.data / "lookup.sqlite").exists()
    try:
        Server(extra='[store."r"]\ntype = "redis"\nurl = "http://x"\n', settings=["storage.lookup=r"]).__enter__()
        raise AssertionError("it serves")
    except RuntimeError as e:
        assert 'store."r"]: "http://x": redis:// or rediss:// is wanted' in str(e)


main()
