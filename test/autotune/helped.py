"""One worker of a tuning, the CPU its device, and two hosts that only compile: helped.py FOLDER URL COMMAND..."""

import json
import os
import subprocess
import sys

LIMIT = 240
folder, url, command = sys.argv[1], sys.argv[2], sys.argv[3:]


def machine(name):
    return {**os.environ, "ATTN_JIT_CONFIG": os.path.join(folder, name)}


def key(name):
    """A private key's file, and the line that others list."""
    path = os.path.join(folder, name + ".key")
    out = subprocess.run([command[0], "cache", "keygen", path], check=True, capture_output=True, text=True).stdout
    return path, next(line for line in out.splitlines() if line.startswith("ed25519 "))


def trust(name, line):
    subprocess.run([command[0], "cache", "trust", line], check=True, env=machine(name), stdout=subprocess.DEVNULL)


def start(name, *flags):
    return subprocess.Popen([*command, *flags], env=machine(name), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def said(process):
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0 and "s3cret" not in out + err, err
    return out


(own, own_line), (farm, farm_line), (stranger, stranger_line) = (key(name) for name in ("own", "farm", "stranger"))
trust("device", farm_line)
for helper in ("farm", "stranger"):
    trust(helper, own_line)
for helper, private in (("stranger", stranger), ("farm", farm)):
    # Images of their own.
    size = ["--schedules", "60", *(["-causal"] if helper == "farm" else [])]
    records = os.path.join(folder, helper + ".jsonl")
    told = records + ".json"
    helpers = [start(helper, *size, "--join", url, "--key", private, "--compile-only", "--budget", "3s")
               for _ in range(2)]
    worker = start("device", *size, "--device", "cpu", "--budget", "60s", "--join", url, "--key", own, "--records",
                   records, "--json", told)
    text = said(worker)
    helped = [said(each).strip() for each in helpers]
    report = json.load(open(told))
    assert report["compiled"] + report["taken"] >= report["measured"] > 50, report
    assert (report["taken"] > 0) == (helper == "farm"), report
    assert ("taken from other hosts" in text) == (helper == "farm"), text
    print(f"{helper}: {report['compiled']} compiled here, {report['taken']} taken; helpers: {'; '.join(helped)}")
    assert all(each.endswith(", 0 failed, for 1 searches") for each in helped), helped
