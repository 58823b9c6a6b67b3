#!/usr/bin/env python3
"""Hosts with caches and keys of their own, and one remote: what one of them measured, the others serve, hear or measure anew.

    records_travel.py FOLDER REMOTE

With a folder as the remote also a record that nobody signed and that promises much.
"""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import urllib.parse

CASE = ["--device", "cpu", "-hq", "1", "-d", "32", "-sq", "64"]
SEARCH = ["--schedules", "4", "--budget", "1s"]


class Host:
    def __init__(self, folder, remote, name):
        self.name, self.home = name, os.path.join(folder, name)
        os.makedirs(os.path.join(self.home, "config"), mode=0o700)
        self.environment = dict(os.environ, ATTN_JIT_CACHE=self.path("cache"), ATTN_JIT_CONFIG=self.path("config"),
                                ATTN_JIT_REMOTE=remote + " connect=5s request=5s")

    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def attn_jit(self, *arguments):
        done = subprocess.run(["attn-jit", *arguments], env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{self.name}: attn-jit {' '.join(arguments)}: {done.returncode}\n{done.stderr}")
        return done.stdout

    def json(self, *arguments):
        self.attn_jit(*arguments, "--json", self.path("out.json"))
        return json.load(open(self.path("out.json")))

    def source(self):
        (row,) = self.json("bench", *CASE, "--warmup", "0", "--rep", "1")["rows"]
        return row["schedule_source"]

    def sources(self, last):
        """Of one process after another: each may end before what it asked for has come."""
        first, then = self.source(), None
        for _ in range(5):
            then = self.source()
            if then == last:
                break
        return f"{self.name}: {first}, then {then}"

    def records(self):
        """Voice, origin and record of each."""
        rows = sqlite3.connect(self.path("cache", "v1", "records.sqlite")).execute("SELECT voice, origin, line FROM records")
        return [(("own", "bundled", "foreign")[voice], origin, json.loads(line)) for voice, origin, line in rows]

    def measured(self):
        return [record for _, origin, record in self.records() if not origin]


def promise(builder, stranger, remote):
    """Beside what the builder measured: a schedule that is not among the model's best, said to be twice as fast."""
    every = stranger.json("tune", *CASE, "--schedules", "4", "--sample", "20", "--every", "1")
    known = {record["schedule"] for record in builder.measured()}
    ran = {schedule for schedule, us in every["us"].items() if us}
    promised = sorted(ran - known - set(list(every["us"])[:4]))[0]
    folder = os.path.join(urllib.parse.urlsplit(remote).path, "attn-jit", "records")
    (problem,) = os.listdir(folder)
    standard = next(record for record in builder.measured() if record.get("default") and record["session"].endswith(".final"))
    standard.pop("signature")
    claimed = dict(standard, schedule=promised, median_ns=standard["median_ns"] // 2)
    claimed.pop("default")
    lines = "".join(json.dumps(dict(each, session="stranger"), separators=(",", ":")) + "\n" for each in (standard, claimed))
    with open(os.path.join(folder, problem, hashlib.sha256(lines.encode()).hexdigest() + ".jsonl"), "w") as segment:
        segment.write(lines)
    return promised


def main(folder, remote):
    builder, friend, stranger = (Host(folder, remote, name) for name in ("builder", "friend", "stranger"))
    line = next(each for each in builder.attn_jit("cache", "keygen", builder.path("config", "signing_key")).splitlines()
                if each.startswith("ed25519 "))
    builder.json("tune", *CASE, *SEARCH)
    print(f"builder: {builder.source()}, signed {all('signature' in each for each in builder.measured())}")

    friend.attn_jit("cache", "trust", line)
    print(friend.sources("exact"), f"with {len(friend.measured())} measured")
    print(stranger.sources("never"))
    counted = json.loads(stranger.attn_jit("cache", "stats", "--json"))["records"]
    print(f"stranger knows: own {counted['own']}, foreign {counted['foreign'] == len(builder.measured())},",
          f"of that remote {({origin for _, origin, _ in stranger.records()}) == {remote}}")

    if remote.startswith("file:"):
        promised = promise(builder, stranger, remote)
        tuned = stranger.json("tune", *CASE, "--schedules", "1", "--budget", "1s")
        first = {each["schedule"] for each in stranger.measured() if each["session"] == tuned["session"]}
        print(f"stranger: heard {tuned['heard'] > 0}, measured what was promised {promised in first}, then {stranger.source()}")

    key = friend.records()[0][2]["signature"]["key"]
    friend.attn_jit("cache", "revoke", key, "lost")
    print(f"friend, the key revoked: {friend.source()}")


if __name__ == "__main__":
    main(os.path.realpath(sys.argv[1]), sys.argv[2])
