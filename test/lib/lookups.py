# lookups.py: Servers of the lookup store, real ones: Redis and Memcached.
import signal
import socket

from stores import Store


class Redis(Store):
    type, user, ends = "redis", "nobody", signal.SIGTERM

    def make(self):
        pass

    def command(self):
        return ["redis-server", "--bind", "127.0.0.1", "--port", self.port, "--save", "", "--appendonly", "no",
                "--dir", self.home]

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                s.sendall(b"PING\r\n")
                return s.recv(64) == b"+PONG\r\n"
        except OSError:
            return False

    def ask(self, *words):
        return self.run("redis-cli", "-p", self.port, *words)

    def toml(self, name="redis", **more):
        rows = {"type": self.type, "url": f"redis://127.0.0.1:{self.port}", "timeout": "1s", "retries": 1, **more}
        text = "".join(f"{k} = {v if isinstance(v, int) else chr(34) + v + chr(34)}\n" for k, v in rows.items())
        return f'[store."{name}"]\n{text}'


class Memcached(Redis):
    type, user, ends = "memcached", "nobody", signal.SIGTERM

    def command(self):
        return ["memcached", "-l", "127.0.0.1", "-p", self.port, "-U", "0", "-u", "nobody"]

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                s.sendall(b"mn\r\n")
                return s.recv(64) == b"MN\r\n"
        except OSError:
            return False

    def toml(self, name="memcached", **more):
        return super().toml(name, url=f"127.0.0.1:{self.port}", **more)
