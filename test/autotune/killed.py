"""Kills a tuning after its first chunk and starts it again: killed.py RECORDS COMMAND..."""

import glob
import json
import os
import signal
import subprocess
import sys
import time

LIMIT = 120
records, command = sys.argv[1], sys.argv[2:] + ["--records", sys.argv[1]]


def lines():
    return open(records).read().count("\n") if os.path.exists(records) else 0


def children(pid):
    return [int(child) for child in open(f"/proc/{pid}/task/{pid}/children").read().split()]


def alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
began = time.monotonic()
while lines() < 16:
    assert run.poll() is None, run.communicate()[0]
    assert time.monotonic() < began + LIMIT, "no first chunk"
    time.sleep(0.01)
workers = children(run.pid)
assert workers, "no worker"
run.send_signal(signal.SIGKILL)
run.wait()
known = lines()
deadline = time.monotonic() + 10
while any(alive(worker) for worker in workers):
    assert time.monotonic() < deadline, "a worker outlives its tuner"
    time.sleep(0.05)
assert len(glob.glob(records + ".*.tuning")) == 1

first = json.loads(open(records).readline())
said = records + ".json"
again = subprocess.run([*command, "--json", said], capture_output=True, text=True, timeout=LIMIT)
assert again.returncode == 0, again.stderr
assert ", continued\n" in again.stdout, again.stdout
report = json.load(open(said))
assert report["reused"] >= known, (report["reused"], known)
assert report["session"] == first["session"]
assert not glob.glob(records + ".*.tuning")
# Nothing was measured twice.
seen = [(r["session"], r["schedule"], r.get("samples")) for r in map(json.loads, open(records))]
assert len(seen) == len(set(seen)), "measured twice"
print("killed after", known, "records,", report["reused"], "reused of", len(seen))
