#!/usr/bin/env python3
"""Runs a command where every name is asked for at a server that never answers.

    hanging_resolver.py COMMAND...

In namespaces of its own, where the resolver's server is a socket of this process. Fails if that was not asked.
"""

import os
import socket
import subprocess
import sys
import tempfile


def inside(command):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w", prefix="attn-resolv-") as config, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        config.write("nameserver 127.0.0.1\n")
        config.flush()
        os.chmod(config.name, 0o644)
        subprocess.run(["mount", "--bind", config.name, os.path.realpath("/etc/resolv.conf")], check=True)
        server.bind(("127.0.0.1", 53))
        try:
            code = subprocess.run(command, timeout=60).returncode
            server.settimeout(1)
            server.recv(512)
        finally:
            subprocess.run(["umount", os.path.realpath("/etc/resolv.conf")], check=True)
        return code


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        sys.exit(inside(sys.argv[2:]))
    user = [] if os.getuid() == 0 else ["--map-root-user"]
    sys.exit(subprocess.run(["unshare", "--net", "--mount", *user, sys.executable, os.path.abspath(__file__), "--inside",
                             *sys.argv[1:]]).returncode)
