"""A pin without choices of the device that the first of RECORDS was measured on, for the compiler of PIN.

    pin-elsewhere.py PIN RECORDS
"""

import hashlib
import json
import sys

compiler = json.load(open(sys.argv[1]))["environment"]["compiler"]
with open(sys.argv[2]) as records:
    record = json.loads(records.readline())
fields = {"compiler": compiler, "driver": record["driver"]}
fields |= {"device_" + label: value for label, value in record["device"].items()}
text = "attn-jit.key.v1\n" + "".join(f"{label} {json.dumps(value)}\n" for label, value in fields.items())
environment = {
    "digest": hashlib.sha256(text.encode()).hexdigest(),
    "compiler": compiler,
    "driver": record["driver"],
    "device": record["device"],
}
print(json.dumps({"format": "attn-jit.pin.v1", "environment": environment, "choices": []}))
