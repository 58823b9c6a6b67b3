// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Manifests that tests start from and then change in one place.
#ifndef ATTN_JIT_TEST_RUNTIME_TESTMANIFEST_H
#define ATTN_JIT_TEST_RUNTIME_TESTMANIFEST_H

#include <nlohmann/json.hpp>

namespace attn_jit::rt::test {

/// Every field and every kind of argument.
inline nlohmann::json goodManifest() {
  return nlohmann::json::parse(R"json({
    "format": "attn-jit.manifest.v1", "key": "k", "target": "sm_90a",
    "image": {"kind": "ptx", "file": "NAME.ptx"}, "kernel": "attn_fwd",
    "description": "d", "schedule": "flash_fwd_ws.v1<bm=128, bn=128>",
    "dtype": "f16", "head_dim": 128, "value_dim": 64, "causal": true,
    "block": [384, 1, 1],
    "grid": [{"product": [{"ceil_div": ["q_len", 128]}, {"value": "2"}]},
             {"value": "q_heads"}, {"value": "batch"}],
    "cluster": [2, 1, 1], "shared_bytes": 163912, "workspace_bytes": 256,
    "captured": ["window"], "features": [],
    "requires": [{"multiple": ["q_heads", "kv_heads"]},
                 {"aligned": ["k.stride.row", 8]}],
    "arguments": [
      {"kind": "tensor_map", "tensor": "q", "element": "f16",
       "box": [64, 128, 1, 1], "swizzle": 128},
      {"kind": "pointer", "tensor": "o"},
      {"kind": "i32", "value": "q_len"},
      {"kind": "i64", "value": "o.stride.row"},
      {"kind": "f32", "value": "scale_log2e"},
      {"kind": "tensor_map", "tensor": "k", "element": "f16",
       "box": [32, 64, 1, 1], "swizzle": 64},
      {"kind": "i32", "value": "window"}],
    "resources": {"registers": 168, "spills": 0, "shared_bytes": 163912,
                  "occupancy": null, "source": "ptxas 13.0"}
  })json");
}

} // namespace attn_jit::rt::test

#endif // ATTN_JIT_TEST_RUNTIME_TESTMANIFEST_H
