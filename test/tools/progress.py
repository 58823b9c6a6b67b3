"""What a command says on standard error when that is a terminal: progress.py COMMAND..."""

import os
import pty
import subprocess
import sys

outer, inner = pty.openpty()
run = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=inner)
os.close(inner)
said = b""
while True:
    try:
        part = os.read(outer, 4096)
    except OSError:  # how Linux tells that the other end is closed
        break
    if not part:
        break
    said += part
code = run.wait()
# A line that takes itself away again leaves the terminal as it was.
print(said.decode().replace("\r\033[K", "\n"))
print("taken away" if said.endswith(b"\r\033[K") else "left behind")
sys.exit(code)
