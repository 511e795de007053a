# elsewhere.py: A mail server elsewhere: takes what is for "now", says "later" to the rest, and keeps what it took.
import re
import socketserver
import threading

from world import body


class Elsewhere(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self):
        self.taken, self.torn = set(), []
        super().__init__(("127.0.0.1", 0), Session)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that is killed in the middle is what this is for."""


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def data(self):
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                return
            lines.append(line[1:] if line.startswith(b".") else line)
        text = b"".join(lines).decode()
        token = re.search(r"Subject: (\w+)", text)
        if token and text.partition("\r\n\r\n")[2] == body(token.group(1)):
            self.server.taken.add(token.group(1))
        else:
            self.server.torn.append(text[:200])
        self.say("250 2.0.0 taken")

    def handle(self):
        self.say("220 elsewhere.test ESMTP")
        rcpts = 0
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                self.wfile.write(b"250-elsewhere.test\r\n250 PIPELINING\r\n")
            elif word == b"RCPT" and b"<now@" not in line:
                self.say("451 4.2.0 later")
            elif word == b"RCPT":
                rcpts += 1
                self.say("250 2.1.5 ok")
            elif word == b"DATA" and rcpts:
                self.data()
                rcpts = 0
            elif word == b"DATA":
                self.say("554 5.5.1 nobody to send it to")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")
