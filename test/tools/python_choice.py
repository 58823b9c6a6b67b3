"""python_choice.py MODULE_FOLDER LIBRARY PIN: the schedule sources of kernels, beside a store that holds one tuning."""

import sys

sys.path.insert(0, sys.argv[1])
import attn_jit

SIZES = {"batch": 1, "q_heads": 2, "kv_heads": 1, "q_len": 64, "kv_len": 64}


def source(engine, **fields):
    return engine.kernel(head_dim=32, dtype="f32", **fields).manifest["schedule_source"]


def refused(text, call):
    try:
        call()
    except attn_jit.AttnJitError as error:
        assert text in str(error), error
    else:
        raise AssertionError(f"accepted, and not: {text}")


with attn_jit.Engine(sys.argv[2], "cpu") as engine:
    assert source(engine, **SIZES) == "exact"
    assert source(engine, **SIZES, schedule="flash_fwd_sync.v1") == "flag"
    assert source(engine, **{**SIZES, "q_len": 65}) == "default"
    # A kernel for any number of key heads.
    assert source(engine, **{**SIZES, "kv_heads": 0}) == "default"
    assert source(engine, **SIZES, lse=True) == "default"
    refused("kv_heads: -1 given, allowed: at least 0", lambda: source(engine, kv_heads=-1))
with attn_jit.Engine(sys.argv[2], "cpu", no_store=True) as engine:
    assert source(engine, **SIZES) == "default"
with attn_jit.Engine(sys.argv[2], "cpu", pin=sys.argv[3]) as engine:
    assert source(engine, **SIZES) == "pin"
    assert source(engine, **{**SIZES, "q_len": 65}) == "default"
with attn_jit.Engine(sys.argv[2], "cpu", must_be_cached=True) as engine:
    assert source(engine, **SIZES) == "exact"
    refused(" is neither in memory nor in '", lambda: source(engine, **SIZES, causal=True))
refused("pin: 'absent' given, which cannot be read", lambda: attn_jit.Engine(sys.argv[2], "cpu", pin="absent"))
