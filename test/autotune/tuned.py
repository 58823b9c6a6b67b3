"""What a tuning says is what its records say: tuned.py RECORDS JSON"""

import collections
import json
import sys

records = [json.loads(line) for line in open(sys.argv[1])]
said = json.load(open(sys.argv[2]))
sessions = collections.defaultdict(list)
for record in records:
    assert record["problem"]["description"] and record["device"]["target"] == said["target"], record
    assert record["compiler"] == said["compiler"], record
    sessions[record["session"]].append(record)
search, final = sessions[said["session"]], sessions[said["session"] + ".final"]
assert len({record["schedule"] for record in search}) == said["measured"], (len(search), said["measured"])
timed = {record["schedule"]: record["median_ns"] for record in final}
assert {said["winner"], said["default"]} <= set(timed), timed
assert round(said["winner_us"] * 1e3) == timed[said["winner"]]
assert abs(said["ratio"] - timed[said["winner"]] / timed[said["default"]]) < 1e-9
assert said["ratio"] < 1 or said["winner"] == said["default"], said
assert all(float(record["error"]) < 1e-3 for record in final), final
assert [record["schedule"] for record in final if record.get("default")] == [said["default"]], final
assert said["curve"][-1]["best"] == said["winner"]
seconds = [point["seconds"] for point in said["curve"]]
assert seconds == sorted(seconds), seconds
print(len(records), "records in", len(sessions), "passes")
