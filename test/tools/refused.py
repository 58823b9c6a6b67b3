"""A command that must refuse: exit code 2, one line that holds TEXT, nothing on the disk, no output.

    refused.py [--code N] TEXT COMMAND [ARGUMENTS...]
"""

import os
import subprocess
import sys
import tempfile

words = sys.argv[1:]
code = 2
if words[0] == "--code":
    code, words = int(words[1]), words[2:]
text, command = words[0], words[1:]
with tempfile.TemporaryDirectory() as folder:
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=300)
    left = os.listdir(folder)
lines = run.stderr.splitlines()
faults = []
if run.returncode != code:
    faults.append(f"ended with {run.returncode}, not {code}")
if len(lines) != 1:
    faults.append(f"{len(lines)} lines of error")
if text not in run.stderr:
    faults.append(f"does not say: {text}")
if run.stdout and code == 2:
    faults.append("printed to standard output")
if left:
    faults.append(f"left behind: {left}")
if faults:
    sys.exit("; ".join(faults) + f"\n{' '.join(command)}\n{run.stderr}{run.stdout}")
