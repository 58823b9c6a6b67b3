// attn-opt prints the IR after each pass of a kernel's lowering, and times them.
// RUN: attn-opt %S/../codegen/schedule/Inputs/full-d64.mlir --attn-lower-kernel=target=gfx942 --mlir-print-ir-after-all --mlir-timing -o /dev/null 2>&1 | FileCheck %s

// CHECK: IR Dump After AttnToTile (attn-to-tile)
// CHECK: tile.kernel @attn_fwd(
// CHECK: IR Dump After Canonicalizer
// CHECK: IR Dump After CSE
// CHECK: IR Dump After TileAssignShared (tile-assign-shared)
// CHECK: tile.shared_bytes
// CHECK: IR Dump After TileExpandMath (tile-expand-math)
// CHECK: IR Dump After TileToROCDL (tile-to-rocdl)
// CHECK-NOT: tile.kernel
// CHECK: Execution time report
// CHECK: TileToROCDL
