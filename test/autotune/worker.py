"""A worker for MeasureTest: speaks the lines of autotune/Measure.h, and does with a kernel what its manifest's path says.

    worker.py [never|silent|refuse]     how it starts
    ok=TIME, crash_load, hang_load, wrong, launch_failed, crash_time, hang_time, killed_time, throttled, capped, nonsense
"""

import json
import os
import signal
import sys
import time


def say(**answer):
    print(json.dumps(answer), flush=True)


def crash():
    print("about to crash", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def load(request, kernels):
    what = os.path.basename(request["manifest"])
    kernels[request["load"]] = what
    if what == "crash_load":
        crash()
    if what == "hang_load":
        time.sleep(600)
    if what == "wrong":
        return say(failed="wrong", note="rel 0.5", error=0.5)
    if what == "launch_failed":
        say(failed="launch_failed", note="illegal address", ends=True)
        sys.exit(0)
    return say(ok=request["load"], **({"error": 1e-4} if request["check"] else {}))


def measure(request, kernels):
    for number in request["time"]:
        what = kernels[number]
        if what == "crash_time":
            crash()
        if what == "killed_time":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "hang_time":
            time.sleep(600)
        if what == "nonsense":
            print("no JSON", flush=True)
            continue
        say(us=float(what.split("=")[1]) if "=" in what else 10.0, clock_mhz=1980, throttled=what == "throttled",
            power_cap=what == "capped")


mode = sys.argv[1] if len(sys.argv) > 1 else ""
if mode == "never":
    sys.exit("no such device")
if mode == "silent":
    time.sleep(600)
if mode == "refuse":
    say(error="device: lost")
    sys.exit(0)
say(ready="scripted")
kernels = {}
for line in sys.stdin:
    request = json.loads(line)
    load(request, kernels) if "load" in request else measure(request, kernels)
