"""Standard input is one JSON object of which each PATH (names and indices between dots) holds what is said.

    json-is.py PATH=JSON | PATH>NUMBER | PATH~TEXT ...

PATH~TEXT: a text that holds TEXT.
"""

import json
import re
import sys

given = json.load(sys.stdin)
faults = []
for claim in sys.argv[1:]:
    path, operator, wanted = re.fullmatch(r"([\w.]+)([=>~])(.*)", claim, re.S).groups()
    value = given
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    holds = {
        "=": lambda: value == json.loads(wanted),
        ">": lambda: value > float(wanted),
        "~": lambda: wanted in value,
    }[operator]()
    if not holds:
        faults.append(f"{claim}, but it is {json.dumps(value)}")
if faults:
    sys.exit("\n".join(faults))
