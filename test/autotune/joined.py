"""Two workers of one tuning: joined.py FOLDER URL COMMAND..."""

import json
import os
import subprocess
import sys

LIMIT = 240
folder, url, command = sys.argv[1], sys.argv[2], sys.argv[3:]
environment = {**os.environ, "ATTN_JIT_CONFIG": os.path.join(folder, "config")}
names = [os.path.join(folder, name) for name in ("one", "two")]
workers = [subprocess.Popen([*command, "--join", url, "--records", name, "--json", name + ".json"], env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in names]
for worker in workers:
    out, err = worker.communicate(timeout=LIMIT)
    assert worker.returncode == 0 and "s3cret" not in out + err, err
print(out)
told = [json.load(open(name + ".json")) for name in names]
for field in ("winner", "winner_us", "session", "measured", "failed", "seconds", "curve"):
    assert told[0][field] == told[1][field], (field, told)
lines = [sorted(open(name)) for name in names]
assert lines[0] == lines[1] and len(set(lines[0])) == len(lines[0])
assert not [name for name in os.listdir(folder) if name.endswith(".tuning")]
print("the same winner and records from 2 workers")
