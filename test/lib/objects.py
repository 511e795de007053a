# objects.py: Object stores that tests start on free loopback ports: Swift's S3 (checks signatures), s3rver, Azurite.
import base64
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from server import ROOT, SLOW, free_port

NODE = ROOT / "test/node/node_modules"
AZURE_KEY = base64.b64encode(b"veredus tests: this key is no secret").decode()


class Store:
    """Processes of one store. `settings`: the lines of its block in the configuration; `suite`: arguments of unit/blob."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="veredus-objects-"))
        self.port = free_port()
        self.processes = []
        self.log = open(self.folder / "log", "ab")

    def run(self, *command, env=None):
        p = subprocess.Popen([str(c) for c in command], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log,
                             stderr=self.log, env=dict(os.environ, **(env or {})), start_new_session=True)
        self.processes.append(p)

    def wait(self, port, most=30):
        end = time.monotonic() + most * SLOW
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if time.monotonic() > end or any(p.poll() is not None for p in self.processes):
                    raise RuntimeError(f"{type(self).__name__} does not listen: {self.tail()}")
                time.sleep(0.02)

    def tail(self):
        return (self.folder / "log").read_text(errors="replace")[-1500:]

    def signal(self, number):
        for p in self.processes:
            if p.poll() is None:
                os.killpg(p.pid, number)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        self.resume()
        self.signal(signal.SIGKILL)
        for p in self.processes:
            p.wait()
        self.processes = []

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.kill()
        self.log.close()
        if not os.environ.get("VEREDUS_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


class S3(Store):
    bucket, region, key, secret = "blobs", "us-east-1", "key", "secret"

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **more):
        lines = dict(type="s3", endpoint=self.endpoint, bucket=self.bucket, region=self.region)
        lines.update({"access-key": self.key, "secret-key": self.secret}, **more)
        return "".join(f'{k} = "{v}"\n' for k, v in lines.items())

    def suite(self):
        return ["s3", self.endpoint, self.bucket, self.key, self.secret]


SWIFT = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
log_level = ERROR
devices = {folder}/node
mount_check = false
"""


class Swift(S3):
    """Account, container and object server with one replica, and a proxy that speaks S3 and checks signatures."""

    key, secret = "test:tester", "testing"

    def __init__(self):
        super().__init__()
        self.ports = {kind: free_port() for kind in ("account", "container", "object")}
        self.cache = free_port()
        (self.folder / "node/d1").mkdir(parents=True)
        user = {"user": os.environ.get("USER") or "root", "folder": self.folder}
        for kind, port in self.ports.items():
            text = SWIFT.format(port=port, **user)
            text += f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"
            (self.folder / f"{kind}.conf").write_text(text)
            builder = self.folder / f"{kind}.builder"
            for words in (["create", "4", "1", "1"], ["add", f"r1z1-127.0.0.1:{port}/d1", "1"], ["rebalance"]):
                subprocess.run(["swift-ring-builder", builder, *words], check=True, capture_output=True)
        text = SWIFT.format(port=self.port, **user)
        text += "[pipeline:main]\npipeline = cache listing_formats s3api tempauth slo dlo proxy-server\n"
        text += "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
        text += f"[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:{self.cache}\n"
        text += "[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = testing .admin\n"
        text += f"[filter:s3api]\nuse = egg:swift#s3api\nlocation = {self.region}\n"
        for name in ("listing_formats", "slo", "dlo"):
            text += f"[filter:{name}]\nuse = egg:swift#{name}\n"
        (self.folder / "proxy.conf").write_text(text)

    def start(self):
        self.run("memcached", "-l", "127.0.0.1", "-p", self.cache, "-u", "nobody")
        for kind, port in self.ports.items():
            self.run(f"swift-{kind}-server", self.folder / f"{kind}.conf")
        self.run("swift-proxy-server", self.folder / "proxy.conf")
        for port in (self.cache, *self.ports.values(), self.port):
            self.wait(port)
        self.make_bucket()
        return self

    def make_bucket(self, bucket=None):
        import botocore.session
        client = botocore.session.get_session().create_client(
            "s3", endpoint_url=self.endpoint, region_name=self.region, aws_access_key_id=self.key,
            aws_secret_access_key=self.secret)
        client.create_bucket(Bucket=bucket or self.bucket)
        self.client = client

    def objects(self, bucket=None):
        """Keys, and multipart uploads that are under way."""
        bucket = bucket or self.bucket
        keys = [o["Key"] for o in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return keys, self.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


class S3rver(S3):
    """A small one, that takes every signature."""

    key = secret = "S3RVER"

    def __init__(self, buckets=("blobs",)):
        super().__init__()
        self.buckets = buckets

    def start(self):
        words = [w for b in self.buckets for w in ("--configure-bucket", b)]
        self.run("node", NODE / "s3rver/bin/s3rver.js", "-d", self.folder / "data", "-a", "127.0.0.1", "-p", self.port,
                 "--silent", *words)
        self.wait(self.port)
        return self


class Azurite(Store):
    account, key, container = "veredus", AZURE_KEY, "blobs"

    def start(self):
        self.run("node", NODE / "azurite/dist/src/blob/main.js", "--blobHost", "127.0.0.1", "--blobPort", self.port,
                 "--location", self.folder / "data", "--skipApiVersionCheck", "--disableTelemetry", "--silent",
                 env={"AZURITE_ACCOUNTS": f"{self.account}:{self.key}"})
        self.wait(self.port)
        self.make_container()
        return self

    def kill(self):
        """It writes its index on the way out, and every few seconds: it is no store that a crash of its own proves."""
        self.resume()
        self.signal(signal.SIGTERM)
        for p in self.processes:
            try:
                p.wait(10 * SLOW)
            except subprocess.TimeoutExpired:
                pass
        super().kill()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}/{self.account}"

    def make_container(self, name=None):
        import hmac
        import http.client
        from email.utils import formatdate
        path, date = f"/{self.account}/{name or self.container}", formatdate(usegmt=True)
        text = f"PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-08-06\n/{self.account}{path}\nrestype:container"
        mac = hmac.new(base64.b64decode(self.key), text.encode(), hashlib.sha256).digest()
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10 * SLOW)
        c.request("PUT", path + "?restype=container", headers={
            "x-ms-date": date, "x-ms-version": "2021-08-06", "Content-Length": "0",
            "Authorization": f"SharedKey {self.account}:{base64.b64encode(mac).decode()}"})
        answer = c.getresponse()
        assert answer.status in (201, 409), (answer.status, answer.read())
        c.close()

    def settings(self, **more):
        lines = {"type": "azure", "endpoint": self.endpoint, "account": self.account, "container": self.container,
                 "access-key": self.key, **more}
        return "".join(f'{k} = "{v}"\n' for k, v in lines.items())

    def suite(self):
        return ["azure", self.endpoint, self.container, self.account, self.key]
