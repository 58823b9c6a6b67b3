// What the target's shared memory cannot hold is refused, and so is a target that nobody knows.
// RUN: attn-opt %s --verify-diagnostics --tile-assign-shared=target=gfx942 -o /dev/null
// RUN: not attn-opt %s --tile-assign-shared=target=nowhere -o /dev/null 2>&1 | FileCheck %s

// CHECK: error: target 'nowhere' is not known
// expected-error @below {{shared memory: 73728 bytes needed, gfx942 has 65536}}
tile.kernel @large() attributes {units = 1 : i64, grid = ["1"]} {
  %a = tile.pipe.create consumers 1 : !tile.pipe<2 x <256x64xf16, swizzle 0>, cooperative>
  tile.return
}
