#!/usr/bin/env python3
"""How much faster two devices of one host search together: a shared search by one worker, then by two.

  scripts/bench_join.py --attn-jit attn-jit/bin/attn-jit --devices cuda:0,cuda:1 --redis-server ./redis-server \\
    -- -b 4 -hq 16 -sq 4096 -d 128 -causal

Each worker has one device and the same number of processors (taskset; threads of one core stay together), the one that
is alone too. Their key is listed, so that one takes what another has compiled. Each search is by a server and records
of its own, goes through --schedules candidates, each compiled, loaded and checked, and has the driver's cache of
kernels turned off. Two rates are printed: from the start of the processes, and from the end of the first chunk to that
of the last, which leaves out what is done once (ranking, inputs, reference). Both winners are timed at the end, in
turn, on the first device.

A server of another folder finds its libraries by LD_LIBRARY_PATH, as does attn-jit libhiredis. Ends with 1 where a
worker fails or the limit is passed.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 3  # of timing the winners
FIRST_CHUNK = 16  # SearchOptions::chunk


def shares(count):
    """Processors that this process may use, the threads of a core beside each other, in equal parts."""
    def core(processor):
        siblings = pathlib.Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
        return siblings.read_text().strip() if siblings.exists() else str(processor)

    cores = {}
    for processor in sorted(os.sched_getaffinity(0)):
        cores.setdefault(core(processor), []).append(processor)
    usable = [processor for threads in cores.values() for processor in threads]
    size = len(usable) // count
    if size == 0:
        sys.exit(f"processors: {len(usable)} may be used, allowed: at least one a device")
    return [",".join(map(str, usable[i * size:(i + 1) * size])) for i in range(count)]


class Server:
    def __init__(self, binary, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen([binary, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", folder,
                                         "--save", ""], stdout=subprocess.DEVNULL)
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        self.process.kill()
        sys.exit(f"{binary}: it does not answer within 10 s")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Search:
    """One shared search, from its start to its end; `lines` is when how many candidates were done."""

    def __init__(self, options, devices, processors, folder, end):
        os.mkdir(folder, mode=0o700)
        environment = {**os.environ, "CUDA_CACHE_DISABLE": "1", "ATTN_JIT_CONFIG": os.path.join(folder, "config")}
        key = os.path.join(folder, "key")
        public = subprocess.run([options.attn_jit, "cache", "keygen", key], env=environment, check=True, text=True,
                                stdout=subprocess.PIPE).stdout
        line = next(line for line in public.splitlines() if line.startswith("ed25519 "))
        subprocess.run([options.attn_jit, "cache", "trust", line], env=environment, check=True,
                       stdout=subprocess.DEVNULL)
        server = Server(options.redis_server, folder)
        began, self.lines, workers = time.monotonic(), [], []
        try:
            for i, device in enumerate(devices):
                records = os.path.join(folder, f"records.{i}")
                workers.append(subprocess.Popen(
                    ["taskset", "-c", processors[i], options.attn_jit, "tune", *options.attention, "--device", device,
                     "--join", f"redis://127.0.0.1:{server.port}/0", "--key", key, "--budget", "24h",
                     "--schedules", str(options.schedules), "--records", records, "--json", records + ".json"],
                    env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
            records = os.path.join(folder, "records.0")
            while any(worker.poll() is None for worker in workers):
                if time.monotonic() > end:
                    sys.exit(f"{options.limit} s are over; {self.lines[-1][1] if self.lines else 0} candidates of "
                             f"{len(devices)} workers were checked")
                done = pathlib.Path(records).read_bytes().count(b"\n") if os.path.exists(records) else 0
                if done and (not self.lines or done > self.lines[-1][1]):
                    self.lines.append((time.monotonic() - began, done))
                time.sleep(0.01)
        finally:
            for worker in workers:
                if worker.poll() is None:
                    worker.kill()
            errors = [worker.communicate()[1] for worker in workers]
            server.stop()
        for worker, error in zip(workers, errors):
            if worker.returncode != 0:
                sys.exit(error.strip() or f"attn-jit ended with {worker.returncode}")
        self.told = [json.load(open(os.path.join(folder, f"records.{i}.json"))) for i in range(len(devices))]
        assert len({(told["winner"], told["measured"]) for told in self.told}) == 1, "workers differ"
        self.winner, self.measured = self.told[0]["winner"], self.told[0]["measured"]

    def rates(self):
        """Candidates a second from the start, and from the end of the first chunk on."""
        first, last = self.lines[0], next(line for line in self.lines if line[1] >= self.measured)
        later = (last[1] - first[1]) / (last[0] - first[0]) if last[0] > first[0] else float("nan")
        return last[1] / last[0], later


def time_ms(options, device, processors, schedule, folder):
    rows = os.path.join(folder, "rows.json")
    subprocess.run(["taskset", "-c", processors, options.attn_jit, "bench", *options.attention, "--device", device,
                    "--schedule", schedule, "--no-cache", "--json", rows], check=True, stdout=subprocess.DEVNULL)
    return json.load(open(rows))["rows"][0]["time_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attn-jit", default="build-release/tools/attn-jit", help="the command")
    parser.add_argument("--devices", default="cuda:0,cuda:1", help="one a worker")
    parser.add_argument("--redis-server", default=shutil.which("redis-server"), help="Redis 5 or later, or Valkey")
    parser.add_argument("--schedules", type=int, default=128, help="candidates of a search")
    parser.add_argument("--limit", type=float, default=230, help="seconds for all")
    parser.add_argument("attention", nargs="*", default=["-b", "4", "-hq", "16", "-sq", "4096", "-d", "128", "-causal"],
                        help="flags of attn-jit tune, behind --")
    options = parser.parse_args()
    if not options.redis_server:
        parser.error("redis-server: there is none on the PATH; allowed: --redis-server FILE")
    if options.schedules <= FIRST_CHUNK:
        parser.error(f"schedules: {options.schedules} given, allowed: more than a first chunk of {FIRST_CHUNK}")
    devices, end = options.devices.split(","), time.monotonic() + options.limit
    processors = shares(len(devices))
    print(f"{len(processors[0].split(','))} processors a worker: {'; '.join(processors)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="attn-jit-join-") as folder:
        searches = []
        for count in (1, len(devices)):
            search = Search(options, devices[:count], processors, os.path.join(folder, str(count)), end)
            searches.append(search)
            whole, later = search.rates()
            compiled = " + ".join(str(told["compiled"]) for told in search.told)
            print(f"{count} worker{'s' if count > 1 else ''}: {search.measured} checked, {compiled} compiled, last "
                  f"after {search.lines[-1][0]:.1f} s; {whole:.2f} a second, {later:.2f} after the first chunk; "
                  f"{search.winner}", flush=True)
        one, many = searches
        print("ratio: {:.2f}, {:.2f} after the first chunk".format(*(b / a for a, b in zip(one.rates(), many.rates()))),
              flush=True)
        if one.winner == many.winner:
            print("winners: the same")
            return
        times = {one.winner: [], many.winner: []}
        for _ in range(ROUNDS):
            for schedule, row in times.items():
                row.append(time_ms(options, devices[0], processors[0], schedule, folder))
        a, b = (statistics.median(row) for row in times.values())
        print(f"winners: {a * 1e3:.2f} us and {b * 1e3:.2f} us, {b / a:.4f}, "
              f"{'within' if b <= 1.01 * a else 'beyond'} 1 %")


if __name__ == "__main__":
    main()
