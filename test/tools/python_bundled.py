"""python_bundled.py MODULE_FOLDER LIBRARY: records beside the library serve the sizes that they are of, and no others."""

import sys

sys.path.insert(0, sys.argv[1])
import attn_jit

SIZES = {"batch": 1, "q_heads": 1, "kv_heads": 1, "q_len": 64, "kv_len": 64}

with attn_jit.Engine(sys.argv[2], "cpu", no_store=True) as engine:
    for sizes, source in ((SIZES, "bundled"), ({**SIZES, "q_len": 65}, "default")):
        made = engine.kernel(head_dim=32, dtype="f16", **sizes).manifest
        assert made["schedule_source"] == source, (sizes, made["schedule_source"])
