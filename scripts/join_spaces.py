#!/usr/bin/env python3
"""Joins what `attn-jit tune --every` wrote, a line a problem, for the tests of the search and the model.

  for each problem: attn-jit tune FLAGS --schedules 64 --sample 256 --every 9 --json FILE
  scripts/join_spaces.py FILE... > docs/perf/tune_spaces.sm_90a.jsonl

A schedule's times are the model's and the measured median, in microseconds.
"""

import json
import sys


def main():
    for path in sys.argv[1:]:
        made = json.load(open(path))
        line = {name: made[name] for name in ("device", "target", "driver", "compiler", "problem", "samples", "default")}
        line["times"] = {text: [round(made["predicted_us"][text], 2), us] for text, us in made["us"].items()}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
