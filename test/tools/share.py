"""What a tuning with a share of the device used of it: share.py SHARE FOLDER COMMAND..."""

import json
import os
import subprocess
import sys
import time

share, folder, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
os.makedirs(folder)
records, said = f"{folder}/records.jsonl", f"{folder}/said.json"
began = time.monotonic()
subprocess.run([*command, "--share", sys.argv[1], "--records", records, "--json", said], check=True,
               stdout=subprocess.DEVNULL)
wall = time.monotonic() - began
said, records = json.load(open(said)), [json.loads(line) for line in open(records)]
assert records and all(record["share_percent"] == round(100 * share) for record in records)
timed = sum(record["median_ns"] * 1e-9 * record["samples"] for record in records if record["outcome"] == "ok")
assert said["share"] == share and timed > 0
# Medians are below means, and what is copied and checked counts too.
assert 0.5 * timed < said["used_seconds"] <= 1.02 * share * wall, (timed, said["used_seconds"], wall)
print(f"{said['used_seconds']:.2f} s of {wall:.2f} s, {timed:.2f} s of them timed")
