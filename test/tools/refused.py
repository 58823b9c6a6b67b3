"""A command that must refuse: exit code 2, one line that holds TEXT, nothing on the disk, no output. {{.*}} in TEXT
stands for any.

    refused.py [--code N] [--pipe FILE] TEXT COMMAND [ARGUMENTS...]

With --pipe the command finds a named pipe `pipe` in its folder that gives FILE's bytes.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("--code", type=int, default=2)
parser.add_argument("--pipe")
parser.add_argument("text")
parser.add_argument("command", nargs=argparse.REMAINDER)
options = parser.parse_args()
code, text, command = options.code, options.text, options.command
with tempfile.TemporaryDirectory() as folder:
    before = []
    if options.pipe:
        before = ["pipe"]
        os.mkfifo(os.path.join(folder, "pipe"))
        writer = subprocess.Popen(["cp", options.pipe, os.path.join(folder, "pipe")], stderr=subprocess.DEVNULL)
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=300)
    finally:
        if options.pipe:
            writer.kill()  # a command that never opened the pipe leaves it waiting
            writer.wait()
    left = [name for name in os.listdir(folder) if name not in before]
lines = run.stderr.splitlines()
faults = []
if run.returncode != code:
    faults.append(f"ended with {run.returncode}, not {code}")
if len(lines) != 1:
    faults.append(f"{len(lines)} lines of error")
if not re.search(".*".join(map(re.escape, text.split("{{.*}}"))), run.stderr):
    faults.append(f"does not say: {text}")
if run.stdout and code == 2:
    faults.append("printed to standard output")
if left:
    faults.append(f"left behind: {left}")
if faults:
    sys.exit("; ".join(faults) + f"\n{' '.join(command)}\n{run.stderr}{run.stdout}")
