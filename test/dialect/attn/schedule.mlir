// A schedule's text in IR: fields in any order, printed in the family's; all must be there but those younger than it.
// RUN: attn-opt %s --split-input-file --verify-roundtrip --verify-diagnostics | FileCheck %s

// A text older than a field has what was there before it.
// CHECK: s = #attn.schedule<flash_fwd_ws.v1<bm=128, bn=176, stages=2, p=registers, overlap=on, pingpong=on, anchor=on, producer_regs=24, consumer_regs=240, order=forward, grid=tiles, q_stages=1, loops=split, rescale=always, pack_gqa=1, section=1, cluster=1>>
func.func private @ws() attributes {s = #attn.schedule<flash_fwd_ws.v1<bm=128, bn=176, stages=2, p=registers, overlap=on, pingpong=on, anchor=on, producer_regs=24, consumer_regs=240, order=forward, grid=tiles, q_stages=1, loops=split>>}
// CHECK: s = #attn.schedule<flash_fwd_sync.v1<bm=64, bn=32, units=4, query=registers>>
func.func private @order() attributes {s = #attn.schedule<flash_fwd_sync.v1<units=4, query=registers, bn=32, bm=64>>}

// -----

// expected-error @below {{schedule field 'units': missing from 'flash_fwd_sync.v1<bm=64, bn=32>'}}
func.func private @missing() attributes {s = #attn.schedule<flash_fwd_sync.v1<bm=64, bn=32>>}

// -----

// expected-error @below {{schedule field 'bm': missing from}}
func.func private @empty() attributes {s = #attn.schedule<flash_fwd_sync.v1<>>}

// -----

// expected-error @below {{schedule: 'flash_fwd_sync.v2' given, allowed: flash_fwd_ws.v1, flash_fwd_async.v1, flash_fwd_sync.v1}}
func.func private @version() attributes {s = #attn.schedule<flash_fwd_sync.v2<bm=64>>}

// -----

// expected-error @below {{schedule field: 'bk' given, flash_fwd_sync.v1 has: bm, bn, units}}
func.func private @field() attributes {s = #attn.schedule<flash_fwd_sync.v1<bk=64>>}

// -----

// expected-error @below {{schedule field 'bm': given twice}}
func.func private @twice() attributes {s = #attn.schedule<flash_fwd_sync.v1<bm=64, bm=64, bn=32, units=4>>}

// -----

// expected-error @below {{schedule field 'bm': '100' given, allowed: 16, 32, 48, 64, 96, 128, 192, 256}}
func.func private @value() attributes {s = #attn.schedule<flash_fwd_sync.v1<bm=100, bn=32, units=4>>}

// -----

// expected-error @below {{schedule field 'pack_gqa': '3' given, allowed: 1, 2, 4, 8}}
func.func private @heads() attributes {s = #attn.schedule<flash_fwd_ws.v1<pack_gqa=3>>}

// -----

// expected-error @below {{schedule field 'cluster': '4' given, allowed: 1, 2}}
func.func private @cluster() attributes {s = #attn.schedule<flash_fwd_ws.v1<cluster=4>>}

// -----

// expected-error @below {{schedule field 'order': 'sideways' given, allowed: forward, reverse, paired}}
func.func private @keyword() attributes {s = #attn.schedule<flash_fwd_ws.v1<bm=128, order=sideways>>}

// -----

// expected-error @below {{expected '='}}
func.func private @no_value() attributes {s = #attn.schedule<flash_fwd_sync.v1<bm>>}

// -----

// expected-error @below {{expected '<'}}
// expected-error @below {{schedule field 'bm': missing from 'flash_fwd_sync.v1<>'}}
func.func private @no_fields() attributes {s = #attn.schedule<flash_fwd_sync.v1>}

// -----

// expected-error @below {{expected valid keyword}}
func.func private @no_name() attributes {s = #attn.schedule<<>>}
