"""Shared searches on recorded times, against a real redis-server that this starts: join.py JOIN_WORKER WHAT

WHAT is the name of a function below that begins with `check_`.
"""

import base64
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../runtime/store/remote"))
import servers  # noqa: E402

LIMIT = 120
WORKER = sys.argv[1]
folder = tempfile.TemporaryDirectory(prefix="attn-join-")
count = 0


class Worker:
    def __init__(self, url, key=None, machine="config", **flags):
        global count
        count += 1
        self.records = os.path.join(folder.name, f"records.{count}.jsonl")
        self.log = os.path.join(folder.name, f"log.{count}")
        flags = {"records": self.records, "log": self.log, **flags, **({"key": key} if key else {})}
        words = [word for flag, value in flags.items() for word in (f"--{flag}", str(value))]
        self.counted = flags.get("counts")
        environment = {**os.environ, "ATTN_JIT_CONFIG": os.path.join(folder.name, machine)}
        self.process = subprocess.Popen([WORKER, url, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=environment)

    def said(self):
        """Standard output of a worker that did well."""
        out, err = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == 0, (self.process.returncode, err)
        return out

    def refused(self, code):
        out, err = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == code and not out and err.count("\n") == 1, (self.process.returncode, err)
        return err

    def lines(self):
        return open(self.records).read().splitlines() if os.path.exists(self.records) else []

    def ran(self):
        return open(self.log).read().splitlines() if os.path.exists(self.log) else []

    def counts(self):
        """Images that it compiled, and that it took."""
        return [int(word) for word in open(self.counted).read().split()]

    def wait_for_lines(self, least):
        end = time.monotonic() + LIMIT
        while len(self.lines()) < least:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end, "nothing is recorded"
            time.sleep(0.005)


class Redis:
    """A server, and what stays the same when it is started anew."""

    def __init__(self, password=None):
        self.password = password
        self.server, self.port, _ = servers.start_redis(password)
        self.url = f"redis://{':' + password + '@' if password else ''}127.0.0.1:{self.port}/1"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()

    def restart(self):
        self.server.stop()
        self.server, _, _ = servers.start_redis(self.password, port=self.port)

    def ask(self, *words):
        return servers.redis_command(self.port, *words, password=self.password)


def measured(lines):
    """Records without what differs from search to search."""
    kept = []
    for line in lines:
        record = json.loads(line)
        final = record["session"].endswith(".final")
        kept.append(json.dumps({**record, "session": "final" if final else "", "at": ""}, sort_keys=True))
    return sorted(kept)


def shared(url, number, kills, pause):
    """What all say, what all recorded, and how many were killed. Worker 0 is killed as any other."""
    workers = [Worker(url, pause=pause) for _ in range(number)]
    killed, choice = 0, random.Random(number)
    while kills and any(each.process.poll() is None for each in workers):
        time.sleep(choice.uniform(0.05, 0.3))
        alive = [i for i, each in enumerate(workers) if each.process.poll() is None]
        if killed == kills or not alive:
            break
        victim = choice.choice(alive)
        workers[victim].process.send_signal(signal.SIGKILL)
        workers[victim].process.communicate()
        killed += 1
        workers[victim] = Worker(url, pause=pause)
    said = {each.said() for each in workers}
    assert len(said) == 1, said
    recorded = {tuple(sorted(each.lines())) for each in workers}
    assert len(recorded) == 1, "workers have different records"
    lines = recorded.pop()
    assert len({json.loads(line)["session"].split(".")[0] for line in lines}) == 1
    ran = sum(len(each.ran()) for each in workers)
    return said.pop(), measured(lines), killed, ran


def check_identical():
    """One, two and eight workers measure the same and choose the same, whoever is killed."""
    alone = None
    for number, kills, pause in ((1, 0, 0), (1, 3, 1), (2, 0, 0), (2, 6, 1), (8, 0, 0), (8, 16, 10)):
        with Redis() as redis:
            said, records, killed, ran = shared(redis.url, number, kills, pause)
        assert 2 * killed >= kills, f"{killed} of {kills} killed: the search is over too soon"
        alone = alone or (said, records)
        assert said == alone[0], (number, said, alone[0])
        assert records == alone[1], f"{number} workers measured something else"
        print(f"{number} workers, {killed} killed: {len(records)} records, {ran} runs of survivors; {said.strip()}")
    outcomes = {json.loads(record)["outcome"] for record in alone[1]}
    assert outcomes == {"ok", "wrong", "crashed"}, outcomes


def check_killed_records():
    """Started again with its records, a killed worker adds each that it lacks once."""
    with Redis() as redis:
        first = Worker(redis.url, pause=2)
        first.wait_for_lines(16)
        first.process.send_signal(signal.SIGKILL)
        first.process.communicate()
        again = Worker(redis.url, records=first.records)
        again.said()
        lines = first.lines()
        assert len(lines) == len(set(lines)), "recorded twice"
        late = Worker(redis.url)
        late.said()
        assert sorted(late.lines()) == sorted(lines) and not late.ran(), "a finished search is only read"


def check_stopped():
    """A worker that is stopped loses its lease to the other, goes on when it is let, and no schedule failed by it."""
    with Redis() as redis:
        stopped = Worker(redis.url, pause=40)
        stopped.wait_for_lines(16)
        time.sleep(0.2)  # within its next lease, which takes a second
        stopped.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        other = Worker(redis.url)
        said = other.said()
        waited = time.monotonic() - began
        assert waited > 0.5, "no lease was lost"
        stopped.process.send_signal(signal.SIGCONT)
        assert stopped.said() == said
        assert sorted(stopped.lines()) == sorted(other.lines())
    with Redis() as redis:
        alone = Worker(redis.url)
        assert alone.said() == said and measured(alone.lines()) == measured(other.lines())
    print(f"done {waited:.1f} s after the other was stopped")


def check_lost():
    """Redis emptied, started anew, or gone: one line within the limit, records stay, and the next search is whole."""
    for loss in ("emptied", "restarted", "gone"):
        with Redis(password="s3cret") as redis:
            workers = [Worker(redis.url, pause=5) for _ in range(2)]
            for each in workers:
                each.wait_for_lines(16)
            began = time.monotonic()
            if loss == "emptied":
                redis.ask("FLUSHALL")
            elif loss == "restarted":
                redis.restart()
            else:
                redis.server.stop()
            for each in workers:
                error = each.refused(1)
                assert "s3cret" not in error and f"redis://127.0.0.1:{redis.port}/1" in error, error
                assert (loss == "gone") != ("has lost this search" in error), error
                assert len(each.lines()) >= 16
            print(f"{loss}: {time.monotonic() - began:.1f} s: {error.strip()}")
            assert time.monotonic() - began < 20
            if loss != "gone":
                Worker(redis.url).said()


def check_device():
    """Another device, or driver, measures nothing of this one's search, and shares none of its results."""
    with Redis() as redis:
        one, two, three = (Worker(redis.url, pause=1, device=device, driver=driver)
                           for device, driver in (("h200", 1), ("h100", 1), ("h200", 2)))
        one.said(), two.said(), three.said()
        for worker, name in ((one, "h200"), (two, "h100"), (three, "h200")):
            assert {json.loads(line)["device"]["name"] for line in worker.lines()} == {f"recorded {name}"}
            schedules = {json.loads(line)["schedule"] for line in worker.lines()}
            assert set(worker.ran()) == schedules, "each ran all of its own"
        sessions = [json.loads(worker.lines()[0])["session"] for worker in (one, two, three)]
        assert len(set(sessions)) == 3, sessions


def key_file(name):
    path = os.path.join(folder.name, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"attn-jit-signing-key ed25519 {base64.b64encode(os.urandom(32)).decode()}\n")
    return path


def check_signed():
    """A signed search is shared by who has its key; without, with another, or by an unsigned one nobody is drawn in."""
    key, other = key_file("key"), key_file("other")
    with Redis() as redis:
        first = Worker(redis.url, key=key, pause=1)
        first.wait_for_lines(16)
        refused = [Worker(redis.url).refused(2), Worker(redis.url, key=other).refused(2)]
        second = Worker(redis.url, key=key, pause=1)
        assert first.said() == second.said()
        assert "is refused: it is signed, and no key is given here; allowed: --key FILE" in refused[0], refused
        assert "is refused: it is signed by a key that is not listed: " in refused[1], refused
        print("".join(refused), end="")
    with Redis() as redis:
        unsigned = Worker(redis.url, pause=1)
        unsigned.wait_for_lines(16)
        error = Worker(redis.url, key=key).refused(2)
        assert "is refused: it is unsigned" in error, error
        unsigned.said()


def listed(machine, *keys):
    """A machine that lists these keys."""
    for key in keys:
        subprocess.run([WORKER, "list", "--key", key], check=True,
                       env={**os.environ, "ATTN_JIT_CONFIG": os.path.join(folder.name, machine)})
    return machine


def check_helpers():
    """Hosts that only compile: what a listed key signed is taken, anything else compiled again, whoever is killed."""
    own, farm, stranger = (key_file(name) for name in ("own", "farm", "stranger"))
    device, helper = listed("device", farm), listed("helper", own)
    pace = {"compile": 30, "threads": 1}
    with Redis() as redis:
        alone = Worker(redis.url, counts=os.path.join(folder.name, "alone"), **pace)
        said, records = alone.said(), measured(alone.lines())
        everything = alone.counts()[0]
    for what, key, kills in (("listed", farm, 0), ("killed", farm, 6), ("unlisted", stranger, 0)):
        with Redis() as redis:
            began = time.monotonic()
            worker = Worker(redis.url, key=own, machine=device, counts=os.path.join(folder.name, what), **pace)
            helpers = [Worker(redis.url, key=key, machine=helper, helper=1, **pace) for _ in range(2)]
            for kill in range(kills):
                time.sleep(0.3)
                helpers[kill % 2].process.kill()
                helpers[kill % 2].process.communicate()
                helpers[kill % 2] = Worker(redis.url, key=key, machine=helper, helper=1, **pace)
            assert worker.said() == said and measured(worker.lines()) == records, what
            took = time.monotonic() - began
            made, taken = worker.counts()
            helped = [each.said().strip() for each in helpers]
        print(f"{what}: {took:.1f} s, {made} compiled, {taken} taken; {'; '.join(helped)}")
        if what == "unlisted":
            assert taken == 0 and made >= len(set(worker.ran())) and int(helped[0].split()[0]) > 0
        else:
            assert taken > everything / 3 and made < everything * 2 / 3, (made, taken, everything)
    with Redis() as redis:
        worker = Worker(redis.url, key=own, machine=device, **pace)
        worker.wait_for_lines(1)
        error = Worker(redis.url, key=stranger, machine=listed("other", farm), helper=1).refused(2)
        assert "is refused: it is signed by a key that is not listed: " in error, error
        assert worker.said() == said
    error = Worker(f"redis://127.0.0.1:{servers.free_port()}/1", key=farm, machine=helper, helper=1).refused(1)
    assert error.startswith("remote redis://"), error


def check_swapped():
    """An image that a listed key has signed, below another's key, is compiled again; where it belongs, it is taken."""
    own, farm = key_file("own"), key_file("farm")
    device, helper = listed("device", farm), listed("helper", own)
    told = []
    for swapped in (False, True):
        with Redis() as redis:
            first = Worker(redis.url, key=own, machine=device, pause=20)
            farmed = Worker(redis.url, key=farm, machine=helper, helper=1, threads=4, compile=1)
            first.wait_for_lines(1)
            first.process.kill()
            first.process.communicate()
            print(farmed.said().strip())
            if swapped:
                redis.ask("EVAL", """
                    redis.call('SELECT', 1)
                    local names = redis.call('KEYS', 'attn-jit:join:image:*')
                    local all = {}
                    for i, name in ipairs(names) do all[i] = redis.call('HGETALL', name) end
                    for i, name in ipairs(names) do
                      redis.call('DEL', name)
                      redis.call('HSET', name, unpack(all[i % #names + 1]))
                    end
                    return #names""", "0")
            worker = Worker(redis.url, key=own, machine=device, counts=os.path.join(folder.name, f"swapped.{swapped}"))
            told.append((worker.said(), measured(worker.lines())))
            made, taken = worker.counts()
            print(f"swapped: {swapped}, {made} compiled, {taken} taken")
            assert taken == 0 if swapped else taken > 100, (made, taken)
    assert told[0] == told[1]


def check_faster():
    """Two workers are faster than one, whether the device or the compiler is what they wait for."""
    for what, pace in (("device", {"load": 20, "compile": 40}), ("compiler", {"load": 2, "compile": 200})):
        took = []
        for number in (1, 2):
            with Redis() as redis:
                began = time.monotonic()
                workers = [Worker(redis.url, threads=8, budget=100, **pace,
                                  counts=os.path.join(folder.name, f"{what}.{number}.{i}")) for i in range(number)]
                assert len({each.said() for each in workers}) == 1
                took.append(time.monotonic() - began)
        compiled = [each.counts()[0] for each in workers]
        print(f"{what}: {took[0]:.1f} s and {took[1]:.1f} s, {took[0] / took[1]:.2f}; of 320 {compiled} compiled")
        assert took[0] > 1.4 * took[1] and sum(compiled) < 400, (what, took, compiled)


def check_forged():
    """A result that a stranger writes is refused by who reads it: unsigned where results are signed, or no result."""
    key = key_file("key")
    for own in (key, None):
        with Redis() as redis:
            worker = Worker(redis.url, key=own, pause=5)
            worker.wait_for_lines(16)
            search = search_of(redis)
            for step in range(1, 40):
                for item in range(16):
                    redis.ask("EVAL", "redis.call('SELECT', 1); "
                              "return redis.call('HSET', KEYS[1], 'r' .. ARGV[1], '{}')",
                              "1", f"{search}:step:{step}", str(item))
            error = worker.refused(1)
            why = "it is unsigned" if own else "it is of another item"
            assert f"a result on redis://127.0.0.1:{redis.port}/1 is refused: {why}" in error, error


def search_of(redis):
    """The search's prefix."""
    with servers.socket.create_connection(("127.0.0.1", redis.port)) as s:
        s.sendall(b"SELECT 1\r\nKEYS *:workers\r\n")
        reply = s.makefile("rb")
        lines = [reply.readline().decode().strip() for _ in range(4)]
    return lines[3].removesuffix(":workers")


def check_refused():
    """What cannot be joined is one line, at once, without the password."""
    with Redis(password="s3cret") as redis:
        for url in (f"redis://:wr0ng@127.0.0.1:{redis.port}/1", f"redis://:wr0ng@127.0.0.1:{servers.free_port()}/1",
                    "http://:wr0ng@127.0.0.1/1", f"redis://:wr0ng@127.0.0.1:{redis.port}/x"):
            began = time.monotonic()
            worker = Worker(url)
            error = worker.refused(2 if url.startswith("http") or url.endswith("x") else 1)
            assert "wr0ng" not in error and error.startswith("remote "), error
            assert time.monotonic() - began < 10 and not worker.ran()
            print(error, end="")
    for behaviour in ("hang", "reset", "garbage", "error", "long"):
        server = servers.Hostile("redis", behaviour)
        began = time.monotonic()
        worker = Worker(f"redis://:s3cret@127.0.0.1:{server.port}/1")
        error = worker.refused(2 if behaviour in ("garbage", "long") else 1)
        assert "s3cret" not in error and time.monotonic() - began < 20, error
        print(f"{behaviour}: {error}", end="")


globals()["check_" + sys.argv[2]]()
