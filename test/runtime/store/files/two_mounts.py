"""Two writers on one folder through two bindfs mounts: two_mounts.py FOLDER PUBLISH_ONE

They publish 200 entries each, 100 of which are the same ones.
"""

import os
import subprocess
import sys
import time

folder, program = sys.argv[1:]
real = os.path.join(folder, "real")
os.mkdir(real, 0o700)
mounts = []


def run(command, root, first, count):
    return subprocess.Popen([program, command, root, str(first), str(count)], stdout=subprocess.PIPE, text=True)


def last(process):
    text, _ = process.communicate(timeout=300)
    return text.splitlines()


try:
    for name in ("one", "two"):
        path = os.path.join(folder, name)
        os.mkdir(path)
        # In the foreground, so that the process to end is known. No cache: what the other mount does is seen.
        server = subprocess.Popen(
            ["bindfs", "-f", "--no-allow-other", "-o", "attr_timeout=0,entry_timeout=0", real, path]
        )
        mounts.append((path, server))
        limit = time.monotonic() + 20
        while not os.path.ismount(path):
            if server.poll() is not None or time.monotonic() > limit:
                sys.exit(f"bindfs did not mount {path}")
            time.sleep(0.05)
    roots = [os.path.join(path, "cache") for path, _ in mounts]
    writers = [run("publish", roots[0], 0, 200), run("publish", roots[1], 100, 200)]
    lines = [last(writer) for writer in writers]
    print(lines[0][0])
    print("writers: " + ", ".join(text[-1] for text in lines))
    for root in roots:
        print("through the other mount: " + last(run("find", root, 0, 300))[-1])
    print("without a mount: " + last(run("find", os.path.join(real, "cache"), 0, 300))[-1])
    left = os.listdir(os.path.join(real, "cache", "v1", "tmp"))
    quarantine = os.path.join(real, "cache", "v1", "quarantine")
    if left or os.path.isdir(quarantine):
        sys.exit(f"left in tmp: {left}; quarantine: {os.path.isdir(quarantine)}")
finally:
    for path, server in mounts:
        subprocess.run(["fusermount", "-u", path], check=False)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
