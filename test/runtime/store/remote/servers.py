#!/usr/bin/env python3
"""Starts servers on free ports of the loopback, runs a command against them, stops them by pid.

    servers.py [--redis] [--unix] [--password P] [--maxmemory M] [--folder] [--hostile redis|http]... -- COMMAND...

In COMMAND `{redis}` is the port of a fresh redis-server, `{unix}` the path of its socket, `{folder}` a fresh folder,
`{this}` a command for this file's parts (`{this} flush PORT`), and `{hang}`, `{reset}`, `{trickle}`, `{length}`, `{long}`,
`{error}`, `{garbage}`, `{dead}` are ports of a server that

  hang     accepts and says nothing            reset    resets the connection once it was asked
  trickle  sends a byte every 50 ms            length   promises more bytes than come, and closes
  long     sends without end                   error    answers 500 (HTTP), -ERR with what it was sent (Redis)
  garbage  answers bytes of no protocol        dead     nobody listens

Exit code: that of COMMAND; 124 after --limit seconds.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

BEHAVIOURS = ("hang", "reset", "trickle", "length", "long", "error", "garbage")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until_open(address, process, limit=10):
    """Returns once somebody accepts there; fails if the server ends or the limit passes."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended with {process.returncode}")
        with socket.socket(family) as s:
            s.settimeout(1)
            if s.connect_ex(address) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"{process.args[0]} is not ready after {limit} s")


class Process:
    """A server that is gone, with its folder, when the block ends."""

    def __init__(self, command, address, folder=None):
        self.folder = folder
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        try:
            wait_until_open(address, self.process)
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def start_redis(password=None, maxmemory=None, port=None):
    """(Process, port, path of its Unix socket)."""
    folder = tempfile.mkdtemp(prefix="attn-redis-")
    port = port or free_port()
    path = os.path.join(folder, "redis.sock")
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "",
               "--unixsocket", path, "--maxmemory-policy", "volatile-lru", "--databases", "8"]
    if password:
        command += ["--requirepass", password]
    if maxmemory:
        command += ["--maxmemory", maxmemory]
    return Process(command, ("127.0.0.1", port), folder), port, path


def redis_command(port, *words, password=None):
    """The first line of the reply."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        reply = s.makefile("rb")
        for each in ([("AUTH", password)] if password else []) + [words]:
            s.sendall(b"*%d\r\n" % len(each) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in each))
            line = reply.readline().decode().strip()
            if line.startswith("-"):
                raise SystemExit(line)
        return line


class Hostile:
    """One listening port, one way to be wrong."""

    def __init__(self, speak, behaviour):
        self.speak, self.behaviour = speak, behaviour
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            getattr(self, self.behaviour)(client)
        except OSError:
            pass
        finally:
            client.close()

    def asked(self, client):
        """What one request sent; empty when the client is gone."""
        got = client.recv(1 << 16)
        while self.speak == "http" and got and b"\r\n\r\n" not in got:
            more = client.recv(1 << 16)
            if not more:
                return b""
            got += more
        return got

    def ready(self, client):
        """Lets a client of Redis log in, so that what is wrong is the answer to its question."""
        got = self.asked(client)
        while self.speak == "redis" and got and (b"AUTH" in got or b"SELECT" in got):
            client.sendall(b"+OK\r\n" * (got.count(b"\r\nAUTH\r\n") + got.count(b"\r\nSELECT\r\n")))
            got = self.asked(client)
        return got

    def hang(self, client):
        time.sleep(3600)

    def reset(self, client):
        self.ready(client)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def trickle(self, client):
        self.ready(client)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" if self.speak == "http" else b"$100000\r\n"
        for byte in head + b"x" * 100000:
            client.sendall(bytes([byte]))
            time.sleep(0.05)

    def length(self, client):
        self.ready(client)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" if self.speak == "http" else b"$1000\r\n"
        client.sendall(head + b"short")

    def long(self, client):
        self.ready(client)
        head = b"HTTP/1.1 200 OK\r\n\r\n" if self.speak == "http" else b"$1000000000\r\n"
        client.sendall(head)
        while True:
            client.sendall(b"x" * (1 << 20))

    def error(self, client):
        while got := self.asked(client):
            if self.speak == "http":
                client.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\n\r\nno, no")
            else:
                # What was sent, the password with it, comes back in the error.
                said = b"-ERR unknown: " + got.replace(b"\r\n", b" ") + b"\r\n"
                client.sendall(said * len(re.findall(rb"\*\d+\r\n", got)))

    def garbage(self, client):
        while self.asked(client):
            client.sendall(b"\x00\xff\x16\x03\x01 neither one nor the other\r\n" * 3)


def run(words, names, limit):
    """The exit code of the command `words`, in which each `{name}` is replaced; 124 after `limit` seconds."""
    for name, value in names.items():
        words = [word.replace("{" + name + "}", str(value)) for word in words]
    child = subprocess.Popen(words)
    try:
        return child.wait(limit)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
        child.wait()
        print(f"{sys.argv[0]}: the command did not end within {limit:g} s", file=sys.stderr)
        return 124


def main():
    if sys.argv[1:2] == ["flush"]:
        redis_command(int(sys.argv[2]), "FLUSHALL", password=sys.argv[3] if len(sys.argv) > 3 else None)
        return 0
    split = sys.argv.index("--")
    parser = argparse.ArgumentParser()
    parser.add_argument("--redis", action="store_true")
    parser.add_argument("--password")
    parser.add_argument("--maxmemory")
    parser.add_argument("--folder", action="store_true")
    parser.add_argument("--hostile", choices=("redis", "http"))
    parser.add_argument("--limit", type=float, default=300)
    flags = parser.parse_args(sys.argv[1:split])
    names, running, folders = {"this": f"{sys.executable} {os.path.abspath(__file__)}"}, [], []
    try:
        if flags.redis:
            server, names["redis"], names["unix"] = start_redis(flags.password, flags.maxmemory)
            running.append(server)
        if flags.folder:
            folders.append(tempfile.mkdtemp(prefix="attn-folder-"))
            names["folder"] = folders[0]
        if flags.hostile:
            names.update({each: Hostile(flags.hostile, each).port for each in BEHAVIOURS})
            names["dead"] = free_port()
        return run(sys.argv[split + 1 :], names, flags.limit)
    finally:
        for each in running:
            each.stop()
        for each in folders:
            shutil.rmtree(each, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
