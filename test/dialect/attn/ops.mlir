// attn.forward in each of its forms survives printing and parsing, in custom and in generic form.
// RUN: attn-opt %s --verify-roundtrip | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s

!bshd = tensor<?x?x?x64xf16, #attn.layout<bshd>>
!bhsd = tensor<1x8x?x64xbf16, #attn.layout<bhsd>>
!kv = tensor<1x2x?x64xbf16, #attn.layout<bhsd>>
!wide = tensor<1x2x?x32xbf16, #attn.layout<bhsd>>
!out = tensor<1x8x?x32xbf16, #attn.layout<bhsd>>
!single = tensor<?x?x?x8xf32, #attn.layout<bshd>>
!quant = tensor<?x?x?x16xf8E4M3FN, #attn.layout<bshd>>
!quant5 = tensor<?x?x?x16xf8E5M2, #attn.layout<bshd>>
!bytes = tensor<?x?x?x16xi8, #attn.layout<bshd>>

// CHECK-LABEL: func @plain(
// CHECK: attn.forward %{{.*}}, %{{.*}}, %{{.*}} scale %{{.*}} : tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @plain(%q: !bshd, %k: !bshd, %v: !bshd, %s: f32) -> !bshd {
  %o = attn.forward %q, %k, %v scale %s : !bshd, !bshd, !bshd -> !bshd
  return %o : !bshd
}

// Grouped heads, a value dim of its own, the log-sum-exp.
// CHECK-LABEL: func @grouped(
// CHECK: attn.forward {{.*}} -> tensor<1x8x?x32xbf16, #attn.layout<bhsd>>, tensor<1x8x?xf32>
func.func @grouped(%q: !bhsd, %k: !kv, %v: !wide, %s: f32) -> (!out, tensor<1x8x?xf32>) {
  %o, %lse = attn.forward %q, %k, %v scale %s : !bhsd, !kv, !wide -> !out, tensor<1x8x?xf32>
  return %o, %lse : !out, tensor<1x8x?xf32>
}

// CHECK-LABEL: func @regions(
// CHECK: score {
// CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32):
// CHECK: math.tanh
// CHECK: attn.yield %{{.*}} : f32
// CHECK: mask {
// CHECK-NEXT: ^bb0(%{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32):
// CHECK: attn.yield %{{.*}} : i1
func.func @regions(%q: !bshd, %k: !bshd, %v: !bshd, %s: f32, %window: i32, %cap: f32) -> !bshd {
  %o = attn.forward %q, %k, %v scale %s score {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    %y = arith.divf %x, %cap : f32
    %t = math.tanh %y : f32
    %z = arith.mulf %t, %cap : f32
    attn.yield %z : f32
  } mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %low = arith.subi %i, %window : i32
    %seen = arith.cmpi sge, %j, %low : i32
    attn.yield %seen : i1
  } : !bshd, !bshd, !bshd -> !bshd
  return %o : !bshd
}

// CHECK-LABEL: func @top_left(
// CHECK: align = #attn<align top_left>
func.func @top_left(%q: !bshd, %k: !bshd, %v: !bshd, %s: f32) -> !bshd {
  %o = attn.forward %q, %k, %v scale %s {align = #attn<align top_left>} : !bshd, !bshd, !bshd -> !bshd
  return %o : !bshd
}

// CHECK-LABEL: func @bottom_right(
// CHECK-NOT: align =
// CHECK: return
func.func @bottom_right(%q: !bshd, %k: !bshd, %v: !bshd, %s: f32) -> !bshd {
  %o = attn.forward %q, %k, %v scale %s {align = #attn<align bottom_right>} : !bshd, !bshd, !bshd -> !bshd
  return %o : !bshd
}

// CHECK-LABEL: func @scheduled(
// CHECK: schedule <flash_fwd_sync.v1<bm=64, bn=32, units=4, query=registers>>
func.func @scheduled(%q: !bshd, %k: !bshd, %v: !bshd, %s: f32) -> !bshd {
  %o = attn.forward %q, %k, %v scale %s schedule <flash_fwd_sync.v1<bm=64, bn=32, units=4, query=registers>> : !bshd, !bshd, !bshd -> !bshd
  return %o : !bshd
}

// Every element type that a tensor may have.
// CHECK-LABEL: func @elements(
// CHECK: attn.forward {{.*}}x8xf32
// CHECK: attn.forward {{.*}}xf8E4M3FN
// CHECK: attn.forward {{.*}}xf8E5M2
// CHECK: attn.forward {{.*}}xi8
func.func @elements(%a: !single, %b: !quant, %c: !quant5, %d: !bytes, %s: f32) -> (!single, !quant, !quant5, !bytes) {
  %0 = attn.forward %a, %a, %a scale %s : !single, !single, !single -> !single
  %1 = attn.forward %b, %b, %b scale %s : !quant, !quant, !quant -> !quant
  %2 = attn.forward %c, %c, %c scale %s : !quant5, !quant5, !quant5 -> !quant5
  %3 = attn.forward %d, %d, %d scale %s : !bytes, !bytes, !bytes -> !bytes
  return %0, %1, %2, %3 : !single, !quant, !quant5, !bytes
}

// CHECK-LABEL: func @precision(
// CHECK: attn.forward {{.*}} {precision = #attn<precision tf32>} : tensor<?x?x?x8xf32
func.func @precision(%q: !single, %k: !single, %v: !single, %s: f32) -> !single {
  %o = attn.forward %q, %k, %v scale %s {precision = #attn<precision tf32>} : !single, !single, !single -> !single
  return %o : !single
}
