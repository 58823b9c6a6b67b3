// Bottom-right: query row 0 stands at key kv_len - q_len. Top-left: at key 0.
// RUN: attn-opt %S/Inputs/causal-d64.mlir --attn-to-tile="target=gfx942" --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,BOTTOM
// RUN: sed 's/ : !q, !q, !v ->/ {align = #attn<align top_left>} : !q, !q, !v ->/' %S/Inputs/causal-d64.mlir | attn-opt --attn-to-tile="target=gfx942" --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,TOP

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: %[[QLEN:arg[0-9]+]]: i32 {tile.arg = "q_len"}, %[[KVLEN:arg[0-9]+]]: i32 {tile.arg = "kv_len"}
// BOTTOM-SAME: tile.align_keys = "bottom_right"
// BOTTOM: arith.subi %[[KVLEN]], %[[QLEN]]
// TOP-SAME: tile.align_keys = "top_left"
// TOP-NOT: arith.subi %[[KVLEN]], %[[QLEN]]
// CHECK: tile.return
