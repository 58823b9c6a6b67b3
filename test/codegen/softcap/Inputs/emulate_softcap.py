"""test/amd/emulate.py with a reference whose scores are bent: c tanh(score / c).

    emulate_softcap.py FOLDER_OF_EMULATE_PY C IMAGE.hsaco [flags of emulate.py]
"""

import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
import attention
import emulate

cap = float(sys.argv[2])


def reference(shape, inputs, dtype, scale):
    query, key, value = (attention.decode(inputs[name], dtype) for name in "qkv")
    group = shape.q_heads // shape.kv_heads
    scores = np.einsum("bhqd,bhkd->bhqk", query, np.repeat(key, group, axis=1)) * scale
    scores = cap * np.tanh(scores / cap)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    total = weights.sum(axis=-1, keepdims=True)
    output = np.einsum("bhqk,bhkd->bhqd", weights / total, np.repeat(value, group, axis=1))
    return output, scores.max(axis=-1) + np.log(total[..., 0])


attention.reference = reference
sys.exit(emulate.main(sys.argv[3:]))
