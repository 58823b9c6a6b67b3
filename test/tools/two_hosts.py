#!/usr/bin/env python3
"""Hosts that share kernels through one Redis: each has a network and mounts of its own, and a cache and a home of its own.

    two_hosts.py FOLDER

In namespaces that this process makes and that end with it; needs attn-jit, ip and redis-server on PATH.
"""

import json
import os
import signal
import subprocess
import sys
import time

SERVER = "10.77.0.1"
SIZES = ["-b", "1", "-hq", "2", "-sq", "64", "--rep", "1", "--warmup", "0", "--device", "cpu"]


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


class Host:
    """A network with one address on the common wire; `mounts` of its own for each command."""

    def __init__(self, folder, name, number):
        self.name, self.home = name, os.path.join(folder, name)
        os.makedirs(os.path.join(self.home, "config"), mode=0o700)
        os.chmod(self.home, 0o700)
        run("ip", "netns", "add", name)
        run("ip", "link", "add", "wire-" + name, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", "wire-" + name, "master", "wire", "up")
        run("ip", "-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        run("ip", "-n", name, "link", "set", "lo", "up")

    def config(self, name):
        return os.path.join(self.home, "config", name)

    def attn_jit(self, *arguments):
        environment = dict(os.environ, HOME=self.home, ATTN_JIT_CACHE=os.path.join(self.home, "cache"),
                           ATTN_JIT_CONFIG=os.path.join(self.home, "config"), ATTN_JIT_REMOTE=f"redis://{SERVER}:6379/0 connect=5s request=5s")
        return run("ip", "netns", "exec", self.name, "unshare", "--mount", "attn-jit", *arguments, env=environment,
                   capture_output=True, text=True).stdout

    def bench(self, head_dim):
        """How the kernel came, and how often the compiler ran."""
        path = os.path.join(self.home, "bench.json")
        self.attn_jit("bench", *SIZES, "-d", str(head_dim), "--json", path)
        whole = json.load(open(path))
        (row,) = whole["rows"]
        text = f"{self.name}: D{head_dim} {row['cache']}, {whole['system']['compiles']} compiled"
        if row["origin"]:
            text += f", from {row['origin']}, signed by {row['signer']}"
        print(f"{text}, verified {row['verified']}", flush=True)


def hits():
    text = run("ip", "netns", "exec", "server", "redis-cli", "-h", SERVER, "info", "stats", capture_output=True, text=True)
    return int(next(line for line in text.stdout.splitlines() if line.startswith("keyspace_hits:")).split(":")[1])


def inside(folder):
    run("mount", "-t", "tmpfs", "none", "/run")
    run("ip", "link", "add", "wire", "type", "bridge")
    run("ip", "link", "set", "wire", "up")
    server, builder, user, stranger = (Host(folder, name, number) for number, name in
                                       enumerate(("server", "builder", "user", "stranger"), 1))
    redis = subprocess.Popen(["ip", "netns", "exec", "server", "redis-server", "--bind", SERVER, "--port", "6379",
                              "--protected-mode", "no", "--save", "", "--maxmemory-policy", "volatile-lru"],
                             stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if subprocess.run(["ip", "netns", "exec", "server", "redis-cli", "-h", SERVER, "ping"],
                              capture_output=True).stdout == b"PONG\n":
                break
            time.sleep(0.05)
        key = builder.attn_jit("cache", "keygen", builder.config("signing_key"))
        line = next(each for each in key.splitlines() if each.startswith("ed25519 "))
        user.attn_jit("cache", "trust", line)
        builder.bench(64)
        before = hits()
        user.bench(64)
        print(f"redis hits: {hits() - before}")
        user.bench(64)
        stranger.bench(64)  # nothing that is signed by nobody it knows
        (row,) = json.load(open(os.path.join(user.home, "bench.json")))["rows"]
        user.attn_jit("cache", "revoke", row["signer"], "lost")
        user.bench(64)
        # A server that stands still; what that costs is TiersTest's.
        os.kill(redis.pid, signal.SIGSTOP)
        builder.bench(32)
    finally:
        redis.send_signal(signal.SIGCONT)
        redis.terminate()
        redis.wait(10)


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(sys.argv[2])
    else:
        sys.exit(subprocess.run(["unshare", "--net", "--mount", sys.executable, os.path.abspath(__file__), "--inside",
                                 os.path.realpath(sys.argv[1])]).returncode)
