"""background_tune.py MODE MODULE_FOLDER LIBRARY [PIN]: a program whose calls are tuned beside it; the modes are below."""

import glob
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[2])
import attn_jit
import numpy as np

LIBRARY = sys.argv[3]
SIZES = {"batch": 1, "q_heads": 2, "kv_heads": 2, "q_len": 64, "kv_len": 64}
LIMIT = 240


def children(pid="self"):
    found = []
    for task in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            found += map(int, open(task).read().split())
        except OSError:
            pass  # that thread ended meanwhile
    return found


def command(pid):
    try:
        return open(f"/proc/{pid}/cmdline").read().split("\0")
    except OSError:
        return []


def until(what, say):
    deadline = time.monotonic() + LIMIT
    while not (got := what()):
        assert time.monotonic() < deadline, say
        time.sleep(0.01)
    return got


def gone(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def tensors(sizes=SIZES):
    random = np.random.default_rng(1)
    make = lambda heads, rows: random.standard_normal((sizes["batch"], heads, rows, 32), dtype=np.float32)
    return (make(sizes["q_heads"], sizes["q_len"]), make(sizes["kv_heads"], sizes["kv_len"]),
            make(sizes["kv_heads"], sizes["kv_len"]))


def expected(q, k, v):
    scores = np.einsum("bhqd,bhkd->bhqk", q, k, dtype=np.float64) / np.sqrt(32)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("bhqk,bhkd->bhqd", weights / weights.sum(-1, keepdims=True), v)


def kernel(engine, **more):
    return engine.kernel(head_dim=32, dtype="f32", **{**SIZES, **more})


def swapped():
    """The same call again and again: served at once, then by what was tuned, never wrong."""
    q, k, v = tensors()
    right = expected(q, k, v)
    sources, schedules = [], []
    with attn_jit.Engine(LIBRARY, "cpu", tune="background,share=0.5,budget=2,schedules=3") as engine:
        held = kernel(engine)
        first = np.empty_like(q)
        held.launch(q, k, v, first)
        bound = held.bind(q, k, v, again := np.empty_like(q))
        deadline = time.monotonic() + LIMIT
        while "exact" not in sources:
            assert time.monotonic() < deadline, "nothing was tuned"
            now, out = kernel(engine), np.full_like(q, np.nan)
            now.launch(q, k, v, out)
            assert np.linalg.norm(out - right) < 2e-6 * np.linalg.norm(right)
            sources.append(now.manifest["schedule_source"])
            schedules.append(now.manifest["schedule"])
            bound()
            time.sleep(0.1)
            assert (again == first).all(), "a held call became another"
        until(lambda: not children(), "a child is left")
    changes = [one for one, before in zip(sources, [None, *sources]) if one != before]
    assert changes == ["default", "exact"], changes
    assert len(set(schedules)) <= 2, schedules
    print("swapped after", len(sources), "launches;", "another" if len(set(schedules)) == 2 else "the same", "schedule")


def reaped():
    """A program that reaps its children itself is served by what was tuned, and hears no warning."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    swapped()


def later():
    """What was tuned serves the next process, which has nothing to tune."""
    with attn_jit.Engine(LIBRARY, "cpu", tune="background") as engine:
        assert kernel(engine).manifest["schedule_source"] == "exact"
        time.sleep(1)
        assert not children()


def long_lived():
    """Until it is killed."""
    with attn_jit.Engine(LIBRARY, "cpu", tune="background,share=0.2,budget=600") as engine:
        kernel(engine, kv_len=80)
        child = until(children, "no child")[0]
        worker = until(lambda: children(child), "no worker")[0]
        flags = command(child)
        assert "--share=0.2" in flags and "--sk=80" in flags and "--bucket" not in flags, flags
        assert os.getsid(child) == child and os.getpriority(os.PRIO_PROCESS, worker) >= 10
        print(child, worker, flush=True)
        if len(sys.argv) > 4:
            return  # the orderly end
        time.sleep(LIMIT)


def killed():
    """Parents that end, by a signal or in order, end their children, and no schedule is taken to be at fault."""
    for round in range(4):
        program = subprocess.Popen([sys.executable, sys.argv[0], "long_lived", *sys.argv[2:4], *["end"] * (round % 2)],
                                   stdout=subprocess.PIPE, text=True)
        pids = [int(word) for word in program.stdout.readline().split()]
        assert len(pids) == 2, pids
        if round % 2 == 0:
            program.kill()
        program.wait()
        for pid in pids:
            until(lambda: gone(pid), f"{pid} outlives its program")
    # Those of the killed are taken away by who comes later.
    assert not [name for name in os.listdir(os.environ["TMPDIR"]) if name.startswith("attn-jit-background-")]
    folder = os.environ["ATTN_JIT_CACHE"] + "/v1/tuning"
    for name in os.listdir(folder):
        lines = open(f"{folder}/{name}").read().split("\n")
        assert lines.count("start") == lines.count("stop") == 4, lines


def decoder():
    """A length a token: the bucket is tuned as one, not each length."""
    with attn_jit.Engine(LIBRARY, "cpu", tune="background,share=0.5,budget=600") as engine:
        for length in range(200, 250):
            kernel(engine, kv_len=length)
        seen = set()

        def whole():
            for child in children():
                # Before exec it has this program's, at its end none.
                if "tune" in (flags := command(child)):
                    seen.add(tuple(flags))
            return [flags for flags in seen if "--bucket" in flags]

        # The first length may have begun before the second came.
        with_bucket = until(whole, "no bucket")
        assert len(seen) <= 2, seen
        assert len(with_bucket) == 1, seen


def pinned():
    """ATTN_JIT_TUNE is set, and a pin: nothing changes."""
    with attn_jit.Engine(LIBRARY, "cpu", pin=sys.argv[4]) as engine:
        for _ in range(20):
            assert kernel(engine).manifest["schedule_source"] == "pin"
            assert kernel(engine, kv_len=96).manifest["schedule_source"] == "default"
            assert not children()
            time.sleep(0.05)


def quiet():
    """ATTN_JIT_TUNE is set, and nothing can be tuned: said once on standard error, and all works."""
    for options in [{}, {}, {"no_store": True}]:
        with attn_jit.Engine(LIBRARY, "cpu", **options) as engine:
            assert kernel(engine).manifest["schedule_source"] == "default"
            assert not children()


def forked():
    """A child of fork launches on, starts nothing, and ends."""
    with attn_jit.Engine(LIBRARY, "cpu", tune="background,budget=600") as engine:
        kernel(engine, kv_len=72)
        tuner = until(children, "no child")[0]
        if (pid := os.fork()) == 0:
            kernel(engine, kv_len=72)
            kernel(engine, kv_len=136)
            assert not children()
            engine.close()
            with attn_jit.Engine(LIBRARY, "cpu", tune="background,budget=600") as own:
                kernel(own, kv_len=264)
                until(children, "no child of the child's own engine")
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert not gone(tuner)


def unwanted():
    """Calls that nothing could check, or whose numbers must not change, are left alone."""
    with attn_jit.Engine(LIBRARY, "cpu", tune="background") as engine:
        kernel(engine, batch_invariant=True)
        kernel(engine, mask="^bb0(%b: i32, %h: i32, %q: i32, %kv: i32):\n"
                            "  %y = arith.cmpi sge, %q, %kv : i32\n  attn.yield %y : i1\n")
        kernel(engine, schedule="flash_fwd_sync.v1")
        kernel(engine, kv_len=0)
        time.sleep(1)
        assert not children()


globals()[sys.argv[1]]()
