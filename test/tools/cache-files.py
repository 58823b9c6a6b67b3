"""The files of a store, as tests look at them and damage them.

    cache-files.py state ROOT            what it holds, a line each: names with digests, records with voices
    cache-files.py flip ROOT SHELF       one bit in the middle of the first file of v1/SHELF
    cache-files.py breaker ROOT URL      the one of that remote's reads, opened now for 10 minutes
"""

import hashlib
import os
import sqlite3
import sys
import time
import urllib.parse

what, root = sys.argv[1], os.path.join(sys.argv[2], "v1")


def files(shelf):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(os.path.join(root, shelf)) for name in names)


if what == "state":
    for shelf in ("actions", "foreign", "objects"):
        for path in files(shelf):
            print(os.path.relpath(path, root), hashlib.sha256(open(path, "rb").read()).hexdigest())
    records = os.path.join(root, "records.sqlite")
    if os.path.exists(records):
        for row in sqlite3.connect(records).execute("SELECT voice, origin, line FROM records ORDER BY identity"):
            print(*row)
elif what == "flip":
    path = files(sys.argv[3])[0]
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        middle = os.path.getsize(path) // 2
        file.seek(middle)
        bit = file.read(1)[0] ^ 1
        file.seek(middle)
        file.write(bytes([bit]))
elif what == "breaker":
    os.makedirs(os.path.join(root, "breakers"), exist_ok=True)
    url = sys.argv[3]
    name = hashlib.sha256(f"{url}\nattn-jit\n{urllib.parse.urlsplit(url).path}".encode()).hexdigest()
    with open(os.path.join(root, "breakers", name + ".reads"), "w") as file:
        file.write("attn-jit.breaker.v1 6 %d 600000\n" % (time.time() * 1000))
